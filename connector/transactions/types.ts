import type * as xdr from '@stellar/stellar-sdk/xdr';
import type { LedgerHead } from '../ledger/types.ts';
import type { AccountState } from '../market/balance.ts';
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
}

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
      message: string;
    }
  | { kind: 'dead'; hash: string; message: string };

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
  /** Takes no more, gives up what is not signed, resolves when all in flight ended or `patienceMs` passed. */
  drain(patienceMs: number): Promise<void>;
  /** For metrics and `/status`. */
  load(): { waiting: number; inFlight: number; channels: number };
}
