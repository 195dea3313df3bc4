import { readFileSync } from 'node:fs';

/** One exchange with a real Horizon, as `test/fixtures/horizon/README.md` describes it. */
export interface Exchange {
  n: number;
  what: string;
  request: { line: string; headers: Record<string, string>; body?: string };
  response: { statusLine: string; headers: [name: string, value: string][]; body?: string };
}

export const exchanges: Exchange[] = readFileSync(
  new URL('../../fixtures/horizon/recordings.jsonl', import.meta.url),
  'utf8',
)
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Exchange);

export const statusOf = ({ response }: Exchange): number => Number(response.statusLine.split(' ')[1]);

export const headerOf = ({ response }: Exchange, name: string): string | undefined =>
  response.headers.find(([key]) => key.toLowerCase() === name)?.[1];

export const bodyOf = ({ response }: Exchange): unknown => JSON.parse(response.body ?? 'null');

/**
 * Keys and JSON types of a value; of an array the shape of its first element. `open` names objects whose keys are
 * data.
 */
export function shape(value: unknown, open: readonly string[] = []): unknown {
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length > 0 ? [shape(value[0], open)] : [];
  if (typeof value !== 'object') return typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, open.includes(key) ? 'open' : shape(item, open)]),
  );
}
