import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JournalEvent, JournalLine } from '../../../sidecar/journal/entry.ts';
import { type Journal, type JournalOptions, openJournal } from '../../../sidecar/journal/journal.ts';
import { type Disk, disk as realDisk, type SegmentFile } from '../../../sidecar/journal/segments.ts';
import { ACCOUNT } from '../policy/fixtures.ts';

export const NETWORK = 'ab'.repeat(32);
export const START_MS = 1_800_000_000_000;
/** The cheapest of events. */
export const STARTED: JournalEvent = { type: 'started' };
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

export type Call = 'write' | 'datasync' | 'truncate' | 'open' | 'syncFolder' | 'unlink' | 'rename';

/** The real disk, whose calls a test can make fail, wait or be short. */
export function faultyDisk() {
  const faults = {
    before: async (_call: Call): Promise<void> => undefined,
    shortest: Number.POSITIVE_INFINITY,
  };
  let syncs = 0;
  const wrap = (file: SegmentFile): SegmentFile =>
    ({
      close: () => file.close(),
      truncate: async (size: number) => {
        await faults.before('truncate');
        await file.truncate(size);
      },
      // A durable write is a write and a datasync in one call, and can fail in either half.
      async write(bytes: Buffer, offset: number, length: number) {
        await faults.before('write');
        const written = await file.write(bytes, offset, Math.min(length, faults.shortest));
        await faults.before('datasync');
        syncs++;
        return written;
      },
      async datasync() {
        await faults.before('datasync');
        await file.datasync();
      },
    }) as SegmentFile;
  const disk: Disk = {
    async open(path, isNew) {
      await faults.before('open');
      return wrap(await realDisk.open(path, isNew));
    },
    async rename(from, to) {
      await faults.before('rename');
      await realDisk.rename(from, to);
    },
    async unlink(path) {
      await faults.before('unlink');
      await realDisk.unlink(path);
    },
    async syncFolder(dir) {
      await faults.before('syncFolder');
      await realDisk.syncFolder(dir);
    },
  };
  return { disk, faults, syncs: () => syncs };
}
