import { readFileSync } from 'node:fs';
import type { Answer, Request, Transport } from '../../../connector/ledger/transport.ts';

/*
 * Exchanges and streams of a real Horizon 28 in front of a real stellar-core; test/fixtures/horizon/README.md lists them
 * by number.
 */

interface Line {
  n: number;
  what: string;
  request: { line: string; body?: string };
  response: { statusLine: string; headers: [string, string][]; body: string | null };
}

const folder = new URL('../../fixtures/horizon/', import.meta.url);
const lines = (name: string): string[] => readFileSync(new URL(name, folder), 'utf8').trim().split('\n');

export interface Recorded extends Answer {
  n: number;
  what: string;
  /** `GET /path?query` as sent, and its body. */
  asked: { method: string; path: string; body: string | undefined };
}

export const RECORDED_PASSPHRASE = 'Standalone Network ; February 2017';
export const ISSUER = 'GBZVWM5GJUSNTXMYQJTJJ5OWRAFAPVMG6TE7GZXO7CEEOZZMFYEETE3I';

/** All that were answered. */
export const recordings: readonly Recorded[] = lines('recordings.jsonl')
  .map((text) => JSON.parse(text) as Line)
  .filter(({ response }) => response.statusLine.startsWith('HTTP/'))
  .map(({ n, what, request, response }) => {
    const [method = '', path = ''] = request.line.split(' ');
    return {
      ...{ n, what, asked: { method, path, body: request.body } },
      status: Number(response.statusLine.split(' ')[1]),
      headers: Object.fromEntries(response.headers.map(([name, value]) => [name.toLowerCase(), value])),
      body: response.body ?? '',
    };
  });

export const recorded = (n: number): Recorded => recordings.find((each) => each.n === n)!;

/** A transport that gives these answers one after the other, the last one again and again, and keeps what was asked. */
export function replay(...answers: Answer[]): Transport & { asked: Request[] } {
  const asked: Request[] = [];
  const transport = {
    url: 'https://recorded.test',
    asked,
    async request(request: Request): Promise<Answer> {
      asked.push(request);
      return answers[Math.min(asked.length, answers.length) - 1]!;
    },
  };
  return transport as unknown as Transport & { asked: Request[] };
}

/** The body of a recorded stream as it came, read for read, without HTTP's head and chunk framing. */
export function recordedStream(name: string): { status: number; chunks: { t: number; text: string }[] } {
  const reads = lines(name)
    .slice(1)
    .map((text) => JSON.parse(text) as { t: number; data?: string })
    .filter(({ data }) => data !== undefined);
  const head = reads[0]!.data!;
  const end = head.indexOf('\r\n\r\n') + 4;
  const bodies = [{ t: reads[0]!.t, data: head.slice(end) }, ...reads.slice(1)];
  return {
    status: Number(head.split(' ')[1]),
    chunks: bodies.map(({ t, data = '' }) => ({
      t,
      text: data.replace(/(^|\r\n)[0-9a-f]+\r\n/g, '').replace(/\r\n$/, ''),
    })),
  };
}
