import { fileURLToPath } from 'node:url';
import { answerOf, type Exchange, json, readRecordings } from '../recorded/recordings.ts';

export type { Exchange };

const FOLDER = fileURLToPath(new URL('../../fixtures/horizon', import.meta.url));

/** The exchanges with a real Horizon that `test/fixtures/horizon/README.md` describes. */
export const { exchanges } = readRecordings(FOLDER);

export const statusOf = (exchange: Exchange): number => answerOf(exchange).status;

/** `name` in lower case. */
export const headerOf = (exchange: Exchange, name: string): string | undefined =>
  answerOf(exchange).headers[name];

export const bodyOf = (exchange: Exchange): unknown => json(answerOf(exchange).body);
