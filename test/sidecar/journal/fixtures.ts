import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JournalEvent, JournalLine } from '../../../sidecar/journal/entry.ts';
import { type Journal, type JournalOptions, openJournal } from '../../../sidecar/journal/journal.ts';
import { ACCOUNT } from '../policy/fixtures.ts';

export const NETWORK = 'ab'.repeat(32);
export const START_MS = 1_800_000_000_000;
export const refused = (detail: string): Extract<JournalEvent, { type: 'refused' }> => ({
  type: 'refused',
  code: 'expired',
  detail,
});

/** A signed swap; `n` makes it another one. */
export const signed = (
  n: number,
  changes: Partial<Extract<JournalEvent, { type: 'signed' }>> = {},
): Extract<JournalEvent, { type: 'signed' }> => ({
  type: 'signed',
  hash: n.toString(16).padStart(64, '0'),
  at: START_MS + n * 1_000,
  source: ACCOUNT,
  sequence: `${n + 1}`,
  maxTime: `${START_MS / 1000 + n + 30}`,
  fee: '100',
  operations: ['pathPaymentStrictSend'],
  budget: 'ordinary',
  spends: [
    { kind: 'fee', asset: 'XLM', amount: '100' },
    { kind: 'swap', asset: 'XLM', pair: 'USDC:G XLM', amount: `${1_000 + n}` },
  ],
  policies: [{ name: 'trading', hash: 'cd'.repeat(32) }],
  ...changes,
});

/** A folder for a journal, with clocks that the test moves. */
export function createPlace() {
  const dir = mkdtempSync(join(tmpdir(), 'journal-'));
  const time = { wallMs: START_MS, monotonicMs: 1_000 };
  const noticed: JournalEvent[] = [];
  let open: Journal[] = [];
  const place = {
    dir,
    time,
    noticed,
    pass(ms: number): void {
      time.wallMs += ms;
      time.monotonicMs += ms;
    },
    async open(changes: Partial<JournalOptions> = {}): Promise<Journal> {
      const journal = await openJournal({
        dir,
        account: ACCOUNT,
        network: NETWORK,
        now: () => new Date(time.wallMs),
        monotonicMs: () => time.monotonicMs,
        expected: async () => 'init',
        retentionDays: 30,
        notice: (event) => noticed.push(event),
        ...changes,
      });
      open.push(journal);
      return journal;
    },
    files: () =>
      readdirSync(dir)
        .filter((name) => name.startsWith('journal-'))
        .sort(),
    text: () =>
      place
        .files()
        .map((name) => readFileSync(join(dir, name), 'utf8'))
        .join(''),
    lines: () =>
      place
        .text()
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as JournalLine),
    types: () => place.lines().map(({ event }) => event.type),
    async closeAll(): Promise<void> {
      for (const journal of open) await journal.close();
      open = [];
    },
    async remove(): Promise<void> {
      await place.closeAll();
      rmSync(dir, { recursive: true });
    },
  };
  return place;
}
export type Place = ReturnType<typeof createPlace>;
