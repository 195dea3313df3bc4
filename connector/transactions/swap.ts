import { isCoded } from '../../common/errors.ts';
import type { sleep } from '../../common/shutdown.ts';
import { connectorError } from '../errors.ts';
import type { Horizon } from '../ledger/horizon.ts';
import type { FeeStats } from '../ledger/schemas.ts';
import { type AssetId, NATIVE } from '../market/asset.ts';
import { type AccountState, spendable } from '../market/balance.ts';
import type { Quote, SwapRequest } from '../market/quote.ts';
import type { Signer } from '../signing/client.ts';
import type { Observation, Outcome, Step } from './decide.ts';
import { buildSwap, checkSigned, type Prepared } from './envelope.ts';
import type { Queue } from './queue.ts';
import { explainFailure, realizedAmounts } from './result.ts';
import type { TransactionStore } from './store.ts';
import { type Tracked, track } from './track.ts';

/** How far ahead maxTime is set, seconds: short, so that a lost transaction is soon provably dead. */
export const TIME_BOUND_SECONDS = 30;
/** The most that is bid for one operation, stroops, whatever the fee statistics say. */
export const MAX_FEE = 20_000n;
/** How long after maxTime the answer is held for a ledger that is late, milliseconds. */
const GRACE_MS = 15_000;
/** How long a request waits for the account's earlier transaction, milliseconds. */
const QUEUE_WAIT_MS = 90_000;
/** How long a sequence number that the signer holds live is waited for: its time bound and a minute, milliseconds. */
const LIVE_SEQUENCE_WAIT_MS = 100_000;
const LIVE_SEQUENCE_POLL_MS = 3_000;

export interface SwapReceipt {
  hash: string;
  ledger: number;
  quote: Quote;
  /** Realized, from the result XDR; stroops. */
  amountIn: bigint;
  amountOut: bigint;
  fee: bigint;
}

export interface SwapperOptions {
  account: string;
  networkPassphrase: string;
  horizon: Horizon;
  signer: Signer;
  store: TransactionStore;
  queue: Queue;
  /** Rejects when the ledger is not the configured network's or not fresh. */
  checkLedger(signal: AbortSignal): Promise<unknown>;
  quote(request: SwapRequest, signal: AbortSignal): Promise<Quote>;
  /** Milliseconds since 1970. */
  now(): number;
  sleep: typeof sleep;
  observed(hash: string, observation: Observation, step: Step): void;
  settled(hash: string, outcome: Outcome): void;
  /** The fate could not be written; it will be found out again by the next process. */
  unsaved(hash: string, error: unknown): void;
  /** No new swap is begun: those not signed yet are given up. */
  stopping: AbortSignal;
  /** Ends the tracking of what is under way: the process must go. */
  stop: AbortSignal;
}

export interface Swapper {
  /**
   * Quotes, builds, has it signed, submits, and waits for the ledger. `signal` counts until the signer is asked; after
   * that nothing that the client does ends it.
   */
  execute(request: SwapRequest, signal: AbortSignal): Promise<SwapReceipt>;
  /** Takes up what an earlier process may have sent; new swaps wait behind it. */
  resume(): void;
}

/** The bid for one operation: the 90th percentile of recent bids, at least the base fee, at most `MAX_FEE`. */
export function bid({ baseFee, p90 }: FeeStats): bigint {
  const wanted = p90 > baseFee ? p90 : baseFee;
  return wanted < MAX_FEE ? wanted : MAX_FEE;
}

export function createSwapper(options: SwapperOptions): Swapper {
  const { account, networkPassphrase, horizon, signer, store, queue, now } = options;

  const prepare = async (request: SwapRequest, signal: AbortSignal) => {
    await options.checkLedger(signal);
    const [state, fees, last, quote] = await Promise.all([
      horizon.account(account, signal),
      horizon.feeStats(signal),
      horizon.lastLedger(signal),
      options.quote(request, signal),
    ]);
    if (state === undefined) {
      throw connectorError('insufficient-balance', `the account ${account} is not in the ledger`);
    }
    const fee = bid(fees);
    checkFunds(quote, fee, state, last.baseReserve);
    const maxTime = Math.floor(now() / 1_000) + TIME_BOUND_SECONDS;
    const prepared = buildSwap(quote, { account, networkPassphrase, sequence: state.sequence, fee, maxTime });
    signal.throwIfAborted();
    // From here on the client's going away changes nothing: a signature that is thrown away would only keep its
    // sequence number live in the signer.
    const answer = await signer.sign(prepared.envelopeXdr, networkPassphrase, options.stop);
    if (answer.hash !== prepared.hash || answer.signer !== account) {
      throw connectorError('signer-untrusted', 'the signer answered another hash or account');
    }
    checkSigned(prepared, answer.envelopeXdr, account);
    return { quote, prepared, envelopeXdr: answer.envelopeXdr };
  };

  /** An earlier transaction that came to nothing keeps its sequence number live in the signer until it is dead. */
  const prepareHeld = async (request: SwapRequest, signal: AbortSignal) => {
    const until = now() + LIVE_SEQUENCE_WAIT_MS;
    for (;;) {
      try {
        return await prepare(request, signal);
      } catch (error) {
        const live = isCoded(error, 'signer-refused') && error.field === 'sequence-live';
        if (!live || now() >= until) throw error;
        await options.sleep(LIVE_SEQUENCE_POLL_MS, signal);
      }
    }
  };

  const follow = async (transaction: Tracked): Promise<Outcome> => {
    const { hash } = transaction;
    const observed = (observation: Observation, step: Step): void =>
      options.observed(hash, observation, step);
    const outcome = await track(
      transaction,
      { horizon, networkPassphrase, now, sleep: options.sleep, observed },
      options.stop,
    );
    options.settled(hash, outcome);
    await store.settle(hash, outcome.kind).catch((error: unknown) => options.unsaved(hash, error));
    return outcome;
  };

  return {
    execute(request, client) {
      const signal = AbortSignal.any([client, options.stopping]);
      return new Promise((resolve, reject) => {
        const task = async (): Promise<void> => {
          const { quote, prepared, envelopeXdr } = await prepareHeld(request, signal);
          const { hash, maxTime } = prepared;
          await store.add({ hash, envelopeXdr, maxTime });
          const known = new AbortController();
          const patience = maxTime * 1_000 + GRACE_MS - now();
          options.sleep(patience, known.signal).then(
            () => reject(timedOut(hash)),
            () => undefined,
          );
          try {
            const outcome = await follow({
              ...{ hash, maxTime, envelopeXdr, maybeTaken: false },
              plausible: (result) =>
                !result.successful || realizedAmounts(result, quote, account) !== undefined,
            });
            resolve(receipt(outcome, prepared, quote, account));
          } catch (error) {
            reject(options.stop.aborted ? timedOut(hash) : error);
          } finally {
            known.abort();
          }
        };
        // The answer may come before the task ends: the queue stays closed until the fate is known.
        queue.run(task, QUEUE_WAIT_MS, signal).catch(reject);
      });
    },
    resume() {
      for (const { hash, envelopeXdr, maxTime } of store.pending()) {
        const task = () => follow({ hash, envelopeXdr, maxTime, maybeTaken: true });
        queue.run(task, 2 ** 31 - 1, options.stop).catch(() => undefined);
      }
    },
  };
}

const timedOut = (hash: string) =>
  connectorError(
    'transaction-timeout',
    `Transaction ${hash} was not confirmed in time; it may still be applied`,
  );

/** @throws the error of the table for every outcome but `applied` */
function receipt(outcome: Outcome, { hash }: Prepared, quote: Quote, account: string): SwapReceipt {
  const failed = (message: string) => connectorError('transaction-failed', `Transaction ${hash}: ${message}`);
  switch (outcome.kind) {
    case 'applied': {
      const { ledger, result } = outcome.found;
      const realized = realizedAmounts(result, quote, account);
      if (realized === undefined) throw failed('its result contradicts the order');
      return { hash, ledger, quote, ...realized, fee: result.feeCharged };
    }
    case 'failed': {
      const { code, message } = explainFailure(outcome.found.result);
      throw connectorError(code, `Transaction ${hash} failed in ledger ${outcome.found.ledger}: ${message}`);
    }
    case 'refused': {
      const { result, reason } = outcome.refusal;
      if (result === undefined) throw failed(reason);
      const { code, message } = explainFailure(result);
      throw connectorError(code, `Transaction ${hash} was refused: ${message}`);
    }
    case 'expired':
      if (outcome.rateLimited)
        throw connectorError('rate-limited', 'Horizon limits our requests; nothing was sent');
      throw failed('no ledger took it before its time passed; nothing was traded');
    case 'unsent':
      throw connectorError('ledger-unreachable', 'Horizon could not be reached; nothing was sent', {
        cause: outcome.cause,
      });
  }
}

/**
 * What the ledger would refuse for want of funds or a trust line is refused before a fee is paid for it.
 * @throws `insufficient-balance`, `invalid-params`
 */
export function checkFunds(quote: Quote, fee: bigint, account: AccountState, baseReserve: bigint): void {
  const free = spendable(account, baseReserve);
  const need = new Map<AssetId, bigint>([[NATIVE, fee]]);
  need.set(quote.tokenIn, (need.get(quote.tokenIn) ?? 0n) + quote.amountIn);
  for (const [asset, amount] of need) {
    if ((free.get(asset) ?? 0n) < amount) {
      throw connectorError('insufficient-balance', `the account cannot spend that much ${asset}`);
    }
  }
  const line = account.balances.find(({ asset }) => asset === quote.tokenOut);
  if (line === undefined) {
    throw connectorError('invalid-params', `the account has no trust line for ${quote.tokenOut}`);
  }
  const room = line.limit === undefined ? undefined : line.limit - line.balance - line.buyingLiabilities;
  if (room !== undefined && room < quote.minAmountOut) {
    throw connectorError('invalid-params', `the trust line for ${quote.tokenOut} has no room for that much`);
  }
}
