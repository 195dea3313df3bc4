import type { State } from '../state.ts';

export const transactionsSchema = `
  CREATE TABLE IF NOT EXISTS transactions (
    hash TEXT PRIMARY KEY, envelope TEXT NOT NULL, bump TEXT, source TEXT NOT NULL, sequence TEXT NOT NULL,
    fee TEXT NOT NULL, max_time INTEGER NOT NULL, deletions INTEGER NOT NULL, operations INTEGER NOT NULL,
    signed_at INTEGER NOT NULL, ended INTEGER NOT NULL DEFAULT 0, outcome TEXT) STRICT;
  CREATE INDEX IF NOT EXISTS transactions_pending ON transactions (ended) WHERE ended = 0;
  CREATE INDEX IF NOT EXISTS transactions_age ON transactions (signed_at);
  CREATE INDEX IF NOT EXISTS transactions_whole ON transactions (signed_at) WHERE envelope <> '';
  CREATE TABLE IF NOT EXISTS transactions_intents (
    id TEXT PRIMARY KEY, hash TEXT NOT NULL, kind TEXT NOT NULL, payload TEXT NOT NULL, first INTEGER NOT NULL,
    count INTEGER NOT NULL, ending TEXT, at INTEGER NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS transactions_intents_hash ON transactions_intents (hash);
  CREATE INDEX IF NOT EXISTS transactions_intents_age ON transactions_intents (at)`;

/** One signed transaction. Stroops, seconds and milliseconds since 1970. */
export interface StoredTransaction {
  /** Of the inner transaction always. */
  hash: string;
  /** Signed, base64: what was or will be sent, and nothing else for this sequence number. */
  envelopeXdr: string;
  /** The last fee bump around it, signed. */
  bumpXdr: string | undefined;
  source: string;
  sequence: bigint;
  /** The most that was signed for, bumps included. */
  fee: bigint;
  maxTime: number;
  deletions: boolean;
  operations: number;
  signedAt: number;
  /** How it ended as a whole; undefined while it may still apply. */
  outcome: StoredEnding | undefined;
}

/** One intent in it: operations `first` to `first + count - 1` are its own. */
export interface StoredIntent {
  id: string;
  hash: string;
  kind: string;
  payload: unknown;
  first: number;
  count: number;
  /** JSON of how it ended; undefined: it may still apply. */
  ending: StoredEnding | undefined;
}

/** How an intent ended, in a form that is kept. */
export interface StoredEnding {
  kind: 'applied' | 'failed' | 'dead';
  ledger?: number | undefined;
  /** Stroops. */
  fee?: string | undefined;
  /** Results of its operations, base64. */
  results?: string[] | undefined;
  message?: string | undefined;
  /** Code of the error table, for `failed` and `dead`. */
  code?: string | undefined;
}

export interface Records {
  /** Keeps a transaction and its intents before it is sent. @throws `state-unavailable`; nothing may be sent then */
  add(transaction: Omit<StoredTransaction, 'outcome'>, intents: readonly StoredIntent[]): void;
  /** Keeps a bump before it is sent. */
  bump(hash: string, bumpXdr: string, fee: bigint): void;
  /** Keeps how a transaction ended and, of its intents, those that end with it: the others are tried again. */
  settle(hash: string, outcome: StoredEnding, endings: readonly { id: string; ending: StoredEnding }[]): void;
  get(hash: string): StoredTransaction | undefined;
  pending(): StoredTransaction[];
  intent(id: string): StoredIntent | undefined;
  intentsOf(hash: string): StoredIntent[];
  /** Those that were to be tried again when the process died: their transaction is over, they have no ending. */
  abandoned(): StoredIntent[];
  /** Fees and operations signed for since then (milliseconds since 1970). */
  signedSince(since: number): { fees: bigint; oldest: number | undefined; operations: number };
}

/** How long what ended is kept for lookups, and the fees of it: as long as the longest window of fees. */
const KEPT_MS = 86_400_000;
const FEES_KEPT_MS = 7 * 86_400_000;
const PRUNE_EVERY_MS = 600_000;

type Row = Record<string, string | number | bigint | null>;

const transactionOf = (row: Row): StoredTransaction => ({
  hash: String(row.hash),
  envelopeXdr: String(row.envelope),
  bumpXdr: row.bump === null ? undefined : String(row.bump),
  source: String(row.source),
  sequence: BigInt(row.sequence!),
  fee: BigInt(row.fee!),
  maxTime: Number(row.max_time),
  deletions: row.deletions === 1,
  operations: Number(row.operations),
  signedAt: Number(row.signed_at),
  outcome: row.outcome === null ? undefined : (JSON.parse(String(row.outcome)) as StoredEnding),
});

const intentOf = (row: Row): StoredIntent => ({
  id: String(row.id),
  hash: String(row.hash),
  kind: String(row.kind),
  payload: JSON.parse(String(row.payload)),
  first: Number(row.first),
  count: Number(row.count),
  ending: row.ending === null ? undefined : (JSON.parse(String(row.ending)) as StoredEnding),
});

/** The transactions of this account in the durable state. `now` in milliseconds since 1970. */
export function createRecords({ db, transact }: State, now: () => number): Records {
  const statements = {
    add: db.prepare('INSERT INTO transactions VALUES (?, ?, NULL, ?, ?, ?, ?, ?, ?, ?, 0, NULL)'),
    // An intent that came to nothing in an earlier transaction is tried again in another one.
    addIntent: db.prepare('INSERT OR REPLACE INTO transactions_intents VALUES (?, ?, ?, ?, ?, ?, NULL, ?)'),
    bump: db.prepare('UPDATE transactions SET bump = ?, fee = ? WHERE hash = ?'),
    end: db.prepare('UPDATE transactions SET ended = 1, outcome = ? WHERE hash = ?'),
    endIntent: db.prepare('UPDATE transactions_intents SET ending = ? WHERE id = ? AND hash = ?'),
    get: db.prepare('SELECT * FROM transactions WHERE hash = ?'),
    pending: db.prepare('SELECT * FROM transactions WHERE ended = 0 ORDER BY signed_at'),
    intent: db.prepare('SELECT * FROM transactions_intents WHERE id = ?'),
    intentsOf: db.prepare('SELECT * FROM transactions_intents WHERE hash = ? ORDER BY first'),
    signedSince: db.prepare(
      `SELECT COALESCE(SUM(CAST(fee AS INTEGER)), 0) AS fees, MIN(signed_at) AS oldest,
       COALESCE(SUM(operations), 0) AS operations FROM transactions WHERE signed_at >= ?`,
    ),
    prune: db.prepare('DELETE FROM transactions WHERE ended = 1 AND signed_at < ?'),
    shrink: db.prepare(
      "UPDATE transactions SET envelope = '', bump = NULL WHERE ended = 1 AND signed_at < ? AND envelope <> ''",
    ),
    open: db.prepare(
      `SELECT transactions_intents.* FROM transactions_intents
       JOIN transactions ON transactions.hash = transactions_intents.hash
       WHERE transactions_intents.ending IS NULL AND transactions.ended = 1`,
    ),
    pruneIntents: db.prepare('DELETE FROM transactions_intents WHERE ending IS NOT NULL AND at < ?'),
  };
  let pruned = now();
  const prune = (): void => {
    if (now() - pruned < PRUNE_EVERY_MS) return;
    pruned = now();
    statements.prune.run(pruned - FEES_KEPT_MS);
    statements.shrink.run(pruned - KEPT_MS);
    statements.pruneIntents.run(pruned - KEPT_MS);
  };

  return {
    add(it, intents) {
      transact(() => {
        prune();
        statements.add.run(
          ...[it.hash, it.envelopeXdr, it.source, String(it.sequence), String(it.fee), it.maxTime],
          ...[it.deletions ? 1 : 0, it.operations, it.signedAt],
        );
        for (const { id, hash, kind, payload, first, count } of intents) {
          statements.addIntent.run(id, hash, kind, JSON.stringify(payload ?? null), first, count, now());
        }
      });
    },
    bump: (hash, bumpXdr, fee) => transact(() => void statements.bump.run(bumpXdr, String(fee), hash)),
    settle(hash, outcome, endings) {
      transact(() => {
        for (const { id, ending } of endings) statements.endIntent.run(JSON.stringify(ending), id, hash);
        statements.end.run(JSON.stringify(outcome), hash);
      });
    },
    get(hash) {
      const row = statements.get.get(hash) as Row | undefined;
      return row && transactionOf(row);
    },
    pending: () => (statements.pending.all() as Row[]).map(transactionOf),
    intent(id) {
      const row = statements.intent.get(id) as Row | undefined;
      return row && intentOf(row);
    },
    intentsOf: (hash) => (statements.intentsOf.all(hash) as Row[]).map(intentOf),
    abandoned: () => (statements.open.all() as Row[]).map(intentOf),
    signedSince(since) {
      const row = statements.signedSince.get(since) as Row;
      return {
        fees: BigInt(row.fees!),
        oldest: row.oldest === null ? undefined : Number(row.oldest),
        operations: Number(row.operations),
      };
    },
  };
}
