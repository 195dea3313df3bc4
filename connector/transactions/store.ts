import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { connectorError } from '../errors.ts';

const FATES = ['pending', 'applied', 'failed', 'refused', 'expired', 'unsent'] as const;

const record = z.strictObject({
  version: z.literal(1),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** Signed, base64: what was or will be sent, and nothing else for this sequence number. */
  envelopeXdr: z.string(),
  /** Seconds since 1970. */
  maxTime: z.int(),
  fate: z.enum(FATES),
});

export type StoredTransaction = z.infer<typeof record>;
export type Fate = StoredTransaction['fate'];

export interface TransactionStore {
  /**
   * Keeps the envelope on disk before it is sent, so that a restarted process finds it.
   * @throws `state-unavailable`
   */
  add(transaction: Omit<StoredTransaction, 'version' | 'fate'>): Promise<void>;
  settle(hash: string, fate: Exclude<Fate, 'pending'>): Promise<void>;
  get(hash: string): StoredTransaction | undefined;
  pending(): StoredTransaction[];
}

/** How long settled transactions are kept for `poll`: a day beyond their end, seconds. */
const KEPT_SECONDS = 86_400;

/**
 * Opens the folder, which holds one JSON file for each transaction, written whole, synced and renamed into place.
 * `now` in seconds since 1970. A file that cannot be read stops the start: it may be the trace of a live order.
 * @throws `state-unavailable`
 */
export async function openStore(folder: string, now: () => number): Promise<TransactionStore> {
  const path = (hash: string): string => join(folder, `${hash}.json`);
  const known = new Map<string, StoredTransaction>();

  const write = async (transaction: StoredTransaction): Promise<void> => {
    try {
      await writeDurably(folder, path(transaction.hash), JSON.stringify(transaction));
    } catch (cause) {
      throw connectorError('state-unavailable', 'the state folder cannot be written', { cause });
    }
    known.set(transaction.hash, transaction);
  };

  try {
    await mkdir(folder, { recursive: true });
    for (const name of await readdir(folder)) {
      if (name.endsWith('.tmp')) await unlink(join(folder, name));
      if (!name.endsWith('.json')) continue;
      const transaction = record.parse(JSON.parse(await readFile(join(folder, name), 'utf8')));
      known.set(transaction.hash, transaction);
    }
  } catch (cause) {
    throw connectorError('state-unavailable', `the state folder ${folder} cannot be read`, { cause });
  }

  const forgetOld = async (): Promise<void> => {
    for (const { hash, maxTime, fate } of known.values()) {
      if (fate === 'pending' || maxTime + KEPT_SECONDS > now()) continue;
      known.delete(hash);
      await unlink(path(hash)).catch(() => undefined);
    }
  };

  return {
    async add(transaction) {
      await forgetOld();
      await write({ version: 1, ...transaction, fate: 'pending' });
    },
    async settle(hash, fate) {
      const transaction = known.get(hash);
      if (transaction !== undefined) await write({ ...transaction, fate });
    },
    get: (hash) => known.get(hash),
    pending: () => [...known.values()].filter(({ fate }) => fate === 'pending'),
  };
}

async function writeDurably(folder: string, path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
