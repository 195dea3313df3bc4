import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import * as z from 'zod';
import { messageOf } from '../../common/errors.ts';
import { connectorError } from '../errors.ts';

const addressesFile = z.strictObject({
  hosts: z.record(
    z.string(),
    z.array(z.string().refine((text) => isIP(text) !== 0, 'must be an IP address')).min(1),
  ),
});

/** Host names to the addresses that the operator resolved for them. The pod itself never resolves a name. */
export type Addresses = Readonly<Record<string, readonly string[]>>;

/**
 * Parses the addresses file, `{"hosts": {"<host>": ["<ip>", …]}}`.
 * @throws `config-invalid`
 */
export function parseAddresses(text: string): Addresses {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw connectorError('config-invalid', `the addresses file is not JSON: ${messageOf(cause)}`, { cause });
  }
  const result = addressesFile.safeParse(document);
  if (result.success) return result.data.hosts;
  const lines = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw connectorError('config-invalid', `the addresses file is refused: ${lines.join('; ')}`);
}

/**
 * Reads the file every `intervalMs` milliseconds until `signal` is aborted and hands over what changed. It is read
 * whole rather than watched: a ConfigMap volume swaps a symbolic link, which file events miss. A bad or missing file
 * is reported once and the last good one stays in force.
 */
export function watchAddresses(
  path: string,
  intervalMs: number,
  handlers: { changed(addresses: Addresses): void; failed(error: unknown): void },
  signal: AbortSignal,
): void {
  let last: string | undefined;
  let missing = false;
  const look = (): void => {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      if (!missing) handlers.failed(error);
      missing = true;
      return;
    }
    missing = false;
    if (text === last) return;
    last = text;
    try {
      handlers.changed(parseAddresses(text));
    } catch (error) {
      handlers.failed(error);
    }
  };
  look();
  const timer = setInterval(look, intervalMs);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}
