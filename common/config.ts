import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import * as z from 'zod';
import { CodedError, messageOf } from './errors.ts';
import { Secret } from './secret.ts';
import { fileFacts, secretFileFault, self } from './secret-file.ts';

const PREFIX = 'STELLAR_';

/** Where a server listens: `[::]:15889`, `127.0.0.1:0`. */
export const listenAddress = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[0-9.]+):\d{1,5}$/, 'must be ADDRESS:PORT, IPv6 in brackets, e.g. [::]:15889')
  .transform((text) => {
    const at = text.lastIndexOf(':');
    return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
  })
  .refine(({ port }) => port <= 65535, 'the port must be at most 65535');

export type ListenAddress = z.infer<typeof listenAddress>;

export const logLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info');

/**
 * Configuration from `STELLAR_` variables. The schema's keys are the variables' names without the prefix.
 * A variable that the schema does not know refuses the start (a misspelt limit must not be silently absent), and an
 * error names each variable that is wrong, never its value.
 * @throws CodedError `config-invalid`
 */
export function loadConfig<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  env: Readonly<Record<string, string | undefined>>,
): z.infer<z.ZodObject<Shape>> {
  const own = Object.entries(env)
    .filter(([name, value]) => name.startsWith(PREFIX) && value !== undefined)
    .map(([name, value]) => [name.slice(PREFIX.length), value]);
  const result = schema.strict().safeParse(Object.fromEntries(own));
  if (result.success) return result.data as z.infer<z.ZodObject<Shape>>;
  const lines = result.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => `${PREFIX}${key}: unknown variable`)
      : [`${PREFIX}${issue.path.join('.')}: ${issue.message}`],
  );
  throw new CodedError('config-invalid', `configuration refused:\n  ${lines.join('\n  ')}`);
}

/** More than any PIN, token or JWT has. */
const MAX_SECRET_BYTES = 65_536;

/**
 * Reads a secret from a file, without the line end that editors and `echo` add.
 * @throws CodedError naming the file: `secret-missing` when it is absent, unreadable, empty or too large,
 * `secret-exposed` when others than its owner could read or exchange it
 */
export function readSecretFile(path: string): Secret {
  // Bytes of our own, not of Buffer's pool, so that none is left behind.
  const bytes = Buffer.alloc(MAX_SECRET_BYTES);
  try {
    let end = readGuarded(path, bytes);
    if (end === bytes.length)
      throw new CodedError('secret-missing', `${path} is too large for a secret`, { field: path });
    while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end--;
    if (end === 0) throw new CodedError('secret-missing', `${path} is empty`, { field: path });
    return new Secret(bytes.subarray(0, end));
  } finally {
    bytes.fill(0);
  }
}

/** Reads what fits into `bytes` and returns how many that are. */
function readGuarded(path: string, bytes: Buffer): number {
  let descriptor: number | undefined;
  try {
    // Without O_NONBLOCK opening a pipe waits for whoever writes to it, and everything else with it.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if (!fstatSync(descriptor).isFile())
      throw new CodedError('secret-missing', `${path} is no file`, { field: path });
    const fault = secretFileFault(fileFacts(path, descriptor), self());
    if (fault !== undefined) throw new CodedError('secret-exposed', fault, { field: path });
    let end = 0;
    for (let more = 1; more > 0 && end < bytes.length; end += more)
      more = readSync(descriptor, bytes, end, bytes.length - end, null);
    return end;
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    const message = `cannot read ${path}: ${messageOf(cause)}`;
    throw new CodedError('secret-missing', message, { cause, field: path });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
