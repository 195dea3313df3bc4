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
