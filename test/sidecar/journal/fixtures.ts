import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SignCheckpoint } from '../../../sidecar/journal/audit.ts';
import {
  hashLine,
  type JournalEvent,
  type JournalHead,
  type JournalLine,
  nextLine,
} from '../../../sidecar/journal/entry.ts';
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

/** Signs like the audit key of a token. */
export function auditor(key: KeyObject): { hex: string; signCheckpoint: SignCheckpoint } {
  const hex = Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url').toString('hex');
  return {
    hex,
    signCheckpoint: async (message) => ({ key: hex, signature: sign(null, message, key).toString('hex') }),
  };
}
export const AUDIT = auditor(generateKeyPairSync('ed25519').privateKey);

/** What fills a journal of several segments, and what an attacker does to them. */
export function createSegments(current: () => Place) {
  let n = 0;
  const append = (journal: Journal): Promise<void> => {
    const { wallMs } = current().time;
    return journal.append(signed(n++, { at: wallMs, maxTime: `${Math.floor(wallMs / 1000) + 30}` }));
  };
  /** Signs until there are so many checkpoints more. */
  const fill = async (journal: Journal, checkpoints: number): Promise<void> => {
    const until = journal.checkpoint() + checkpoints;
    while (journal.checkpoint() < until) {
      await append(journal);
      current().pass(500_000);
    }
  };
  const settle = async (journal: Journal): Promise<void> => {
    await journal.tick();
    await new Promise(setImmediate);
    await journal.append(STARTED);
  };
  const read = (name: string): string => readFileSync(join(current().dir, name), 'utf8');

  /** Writes lines anew from `line` of a file on, so that the chain holds: what an attacker would do. */
  const forge = (name: string, at: number, edit: (event: JournalEvent) => JournalEvent): void => {
    const names = current().files();
    const position = names.indexOf(name);
    let head: JournalHead | undefined;
    for (const [i, each] of names.entries()) {
      const lines = read(each).trimEnd().split('\n');
      const written = lines.map((text, k) => {
        const { n: number, time, event } = JSON.parse(text) as JournalLine;
        const isBefore = i < position || (i === position && k < at);
        const next = isBefore
          ? { text, head: { n: number, hash: hashLine(text) } }
          : nextLine(head, new Date(time), i === position && k === at ? edit(event) : event);
        head = next.head;
        return `${next.text}\n`;
      });
      writeFileSync(join(current().dir, each), written.join(''));
    }
  };
  return { append, fill, settle, read, forge };
}

export type Call = 'write' | 'datasync' | 'truncate' | 'open' | 'syncFolder' | 'unlink' | 'rename';

/** The real disk, whose calls a test can make fail, wait or be short. */
export function faultyDisk() {
  const faults = {
    before: async (_call: Call): Promise<void> => undefined,
    shortest: Number.POSITIVE_INFINITY,
    free: 1,
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
    freeShare: async () => faults.free,
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
