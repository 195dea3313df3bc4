import { type Logger, pino } from 'pino';

export type { Logger };

/** Names that must never reach a log, at the top level of a line or one level down. */
const SENSITIVE = ['pin', 'privateKey', 'secret', 'token', 'authorization', 'password', 'seed', 'passphrase'];

/**
 * JSON lines on standard output (`time`, `level`, `name`, `msg`, plus the call's fields; errors under `err`).
 * Fields with a sensitive name are redacted whatever their value; a `Secret` prints itself redacted anyway.
 */
export function createLogger(name: string, level = 'info'): Logger {
  return pino({
    name,
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    base: { name },
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: SENSITIVE.flatMap((field) => [field, `*.${field}`]), censor: '[redacted]' },
  });
}
