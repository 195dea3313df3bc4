import type * as xdr from '@stellar/stellar-sdk/xdr';
import type { sleep } from '../../common/shutdown.ts';
import type { ConnectorFile } from '../config.ts';
import type { ErrorCode } from '../errors.ts';
import type { Ledger, LedgerHead } from '../ledger/types.ts';
import type { AccountState } from '../market/balance.ts';
import type { Signer } from '../signing/client.ts';
import type { State } from '../state.ts';
import type { DecodedResult } from './result.ts';

/** What an intent's operations are judged and built on: read anew for each transaction. */
export interface BuildState {
  head: LedgerHead;
  /** The trading account (not the channel). */
  account: AccountState;
  /** What this one operation will be bid at most, stroops; a spender of native keeps it back for each operation. */
  bid: bigint;
  /** Spent by intents before this one in the same transaction and by those in flight, per asset, stroops. */
  reserved: ReadonlyMap<string, bigint>;
}

/** The operations of an intent and what each of them takes out of the account at most. */
export interface Plan {
  operations: readonly xdr.OperationBody[];
  /** Per asset, stroops, fees excluded: for the funds check of what comes after it. */
  spends: ReadonlyMap<string, bigint>;
}

/**
 * Something to be done once: a swap, some offers, a deposit. It is planned when its turn comes, on a fresh account, and
 * from the signature on it is durable: whatever happens, it is resolved exactly once.
 */
export interface Intent {
  /** Durable and unique: a second intent with an id that is known is refused (`conflict`). */
  id: string;
  /** For whoever owns it: how to resolve it after a restart (see `EngineOptions.recovered`). */
  kind: string;
  /** JSON for its owner, kept with the transaction. */
  payload: unknown;
  /** `delete`: offer deletions only. They go before trades, and are what is left when the signer refuses all else. */
  lane: 'delete' | 'trade';
  /** May share a transaction with others (offers); a swap does not, since one failure fails all. */
  shared: boolean;
  /** Throws to fail this intent alone; nothing was signed for it then. */
  plan(state: BuildState, signal: AbortSignal): Promise<Plan>;
  /** False when a result that a server shows contradicts the order: it is not believed. Its own operations' results. */
  plausible?(results: readonly xdr.OperationResult[]): boolean;
  /**
   * Called inside of the SQLite transaction that keeps the signed envelope, before it is sent: what is written here to
   * the same state is kept with it or not at all. Again, with another hash, when it is tried anew. If it throws, nothing
   * is sent.
   */
  signed?(hash: string): void;
  /** The same when its ending is kept, before `run` tells it; again later if it throws. Not for one that was never signed. */
  ended?(ending: Ending): void;
}

/** What is left of an intent after a restart. */
export type StoredIntent = Pick<Intent, 'id' | 'kind' | 'payload'>;

export interface Receipt {
  /** Of the inner transaction always, also when a fee bump carried it. */
  hash: string;
  ledger: number;
  /** Stroops: this intent's share of what was charged. */
  fee: bigint;
  /** Of the intent's own operations, in order. */
  results: readonly xdr.OperationResult[];
  /** The bytes of the transaction that was applied, base64. */
  envelopeXdr: string;
}

/** How an intent ended. `failed` in a ledger paid a fee; `dead` was never in one. */
export type Ending =
  | { kind: 'applied'; receipt: Receipt }
  | {
      kind: 'failed';
      hash: string;
      ledger: number | undefined;
      result: DecodedResult | undefined;
      /** What `run` rejects with. */
      code?: ErrorCode;
      message: string;
    }
  | { kind: 'dead'; hash: string; code?: ErrorCode; message: string };

export interface Engine {
  /**
   * Queues the intent and resolves when a ledger has it. Rejects with the table's error for every other end;
   * `transaction-timeout` (the message has the hash) when it was or may have been sent and its fate is not known in
   * time: it is then followed to its end all the same. `signal` counts until it is signed for.
   */
  run(intent: Intent, signal: AbortSignal): Promise<Receipt>;
  /** What is known of a transaction of ours by its (inner) hash. */
  lookup(hash: string): { maxTime: number; ending: Ending | undefined } | undefined;
  /** How an intent with that id stands: waiting, in flight with its hash, or ended. */
  intent(
    id: string,
  ):
    | { state: 'waiting' | 'in-flight' | 'ended'; hash: string | undefined; ending: Ending | undefined }
    | undefined;
  /** Takes up what an earlier process signed; each ends through `recovered`. */
  resume(): void;
  /**
   * Takes no more, gives up what is not signed, resolves when all in flight ended or `patienceMs` passed. What is still
   * open then is answered `transaction-timeout` and followed no longer: the next process does.
   */
  drain(patienceMs: number): Promise<void>;
  /** For metrics and `/status`. */
  load(): { waiting: number; inFlight: number; channels: number };
}

export interface EngineOptions {
  /** The trading account: source of every operation. */
  account: string;
  /** They lend sequence numbers and pay the fees of what they carry; the last one carries deletions only. */
  channelAccounts: readonly string[];
  networkPassphrase: string;
  fees: ConnectorFile['fees'];
  /** Plans, builds and checks; asks no signer, sends nothing, and rejects with `dry-run`. */
  dryRun?: boolean;
  /**
   * How an intent ended that an earlier process signed. Called inside of the SQLite transaction that keeps the ending:
   * what is written here to the same state is kept with it or not at all. If it throws, it is called again, later or by
   * the next process.
   */
  recovered(intent: StoredIntent, ending: Ending): void;
  events: EngineEvents;
}

export interface EngineModules {
  ledger: Pick<Ledger, 'head' | 'account' | 'feeStatistics' | 'transaction' | 'submit' | 'watchHeads'>;
  signer: Pick<Signer, 'sign'>;
  /** Opened with `transactionsSchema`. */
  state: State;
  /** Milliseconds since 1970. */
  now(): number;
  sleep: typeof sleep;
}

/** For metrics and logs; none may throw. */
export interface EngineEvents {
  /** A transaction was signed and kept, and is sent next. */
  sending(hash: string, batch: { source: string; operations: number; intents: number; fee: bigint }): void;
  /** Each answer: of `submit` its kind, of a lookup `found`, `absent`, `untrusted` or `unreachable`. */
  answered(hash: string, event: 'submitted' | 'looked-up', answer: string): void;
  /** A fee bump was `sent`, or why not: `not-needed`, `forbidden` by our caps, `refused` by the signer. */
  bumped(hash: string, outcome: string): void;
  /** `ledgers` that closed from the first submission to the one that has it. */
  ended(hash: string, outcome: string, ledgers: number | undefined): void;
  /** A sequence account is not used until `until` (milliseconds since 1970). */
  held(source: string, reason: string, until: number): void;
  /** The ending could not be written (yet: it is tried again). The hash is empty where it is not known. */
  unsaved(hash: string, error: unknown): void;
}
