import { createHash } from 'node:crypto';
import * as xdr from '@stellar/stellar-sdk/xdr';
import type * as z from 'zod';
import { messageOf } from '../../../common/errors.ts';
import { connectorError } from '../../errors.ts';
import { type AssetId, NATIVE } from '../../market/asset.ts';
import type { AccountState } from '../../market/balance.ts';
import { isDialFailure } from '../dial.ts';
import type { AtLedger, HorizonEvents, HorizonHead } from '../horizon/types.ts';
import { retryAfterMs } from '../pace.ts';
import type { Answer, Transport } from '../transport.ts';
import type { LedgerTransaction, SubmitAnswer } from '../types.ts';
import { envelopeHash, type VerifyOptions, verifyTransaction } from '../verify.ts';
import * as entries from './entries.ts';
import * as schemas from './schemas.ts';

/** Which ledgers a server's history has; `closedAt` of the latest one, milliseconds since 1970. */
export interface History {
  oldest: number;
  latest: number;
  closedAt: number;
}

/**
 * One Stellar RPC (JSON-RPC 2.0, https://developers.stellar.org/docs/data/apis/rpc). Every answer has its form, is bounded,
 * and is what was asked for; nothing is compared with another server here.
 *
 * Every read throws `ledger-unreachable` (also `address-unknown`, `pin-mismatch`, breaker open, internal errors),
 * `rate-limited`, `ledger-stale` (a ledger closed meanwhile) or `ledger-untrusted` (not its form, not what was asked).
 */
export interface RpcClient {
  readonly url: string;
  readonly transport: Transport;
  networkPassphrase(signal: AbortSignal): Promise<string>;
  /** From the header's own bytes, whose hash must be the one named. */
  head(signal: AbortSignal): Promise<HorizonHead>;
  /** Bids by percentile, stroops an operation. */
  feeBids(signal: AbortSignal): Promise<Readonly<Record<number, bigint>>>;
  /** With the balances of `assets` alone: RPC cannot list lines. Value undefined: no such account. */
  account(
    id: string,
    assets: readonly AssetId[],
    signal: AbortSignal,
  ): Promise<AtLedger<AccountState | undefined>>;
  /** By outer or inner hash. `found` undefined: it is in none of the ledgers of `history`. */
  transaction(
    hash: string,
    signal: AbortSignal,
  ): Promise<{ found: LedgerTransaction | undefined; history: History }>;
  /** Never waits for a ledger, never throws except when aborted, and then it may have been taken. */
  submit(envelopeXdr: string, timeoutMs: number, signal: AbortSignal): Promise<SubmitAnswer>;
}

const READ_TIMEOUT_MS = 8_000;
/** Of one request. */
const MAX_KEYS = 200;
const INVALID_PARAMS = -32_602;
const JSON_TYPE = { 'content-type': 'application/json' };

export function createRpcClient(
  transport: Transport,
  options: VerifyOptions,
  events: HorizonEvents,
): RpcClient {
  const path = new URL(transport.url).pathname === '/' ? '/' : '';
  let lastId = 0;

  const exchange = (method: string, params: object | undefined, timeoutMs: number, signal: AbortSignal) => {
    lastId += 1;
    const id = lastId;
    const body = JSON.stringify({ jsonrpc: '2.0', id, method, ...(params && { params }) });
    const urgent = method === 'sendTransaction';
    return transport
      .request({ method: 'POST', path, headers: JSON_TYPE, body, timeoutMs, urgent }, signal)
      .then(
        (answer) => {
          events.answered(method, String(answer.status));
          return { answer, id };
        },
        (error: unknown) => {
          events.answered(method, 'error');
          throw error;
        },
      );
  };
  const call = async <T>(
    method: string,
    params: object | undefined,
    schema: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<T> => {
    const { answer, id } = await exchange(method, params, READ_TIMEOUT_MS, signal);
    const reply = readReply(method, answer, id);
    if (reply.error !== undefined) {
      const text = `RPC refused ${method}: ${reply.error.message.slice(0, 200)}`;
      throw connectorError('ledger-unreachable', text);
    }
    const result = schema.safeParse(reply.result);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    throw untrusted(
      `RPC’s answer to ${method} has another form: ${issue?.path.join('.')}: ${issue?.message}`,
    );
  };
  /** Entries by the key that was asked for, all of one ledger; none under another key. */
  const read = async (keys: readonly string[], signal: AbortSignal) => {
    const found = new Map<string, string>();
    const ledgers = new Set<number>();
    for (let from = 0; from < keys.length; from += MAX_KEYS) {
      const asked = keys.slice(from, from + MAX_KEYS);
      const answer = await call('getLedgerEntries', { keys: asked }, schemas.ledgerEntries, signal);
      for (const { key, xdr: bytes, lastModifiedLedgerSeq } of answer.entries) {
        if (!asked.includes(key) || found.has(key) || decoding(() => entries.keyOf(bytes)) !== key) {
          throw untrusted('RPC answered an entry that was not asked for');
        }
        if (lastModifiedLedgerSeq > answer.latestLedger) {
          throw untrusted('RPC answered an entry that a later ledger than its last one changed');
        }
        found.set(key, bytes);
      }
      ledgers.add(answer.latestLedger);
    }
    const [ledger, ...others] = ledgers;
    if (others.length > 0) throw connectorError('ledger-stale', 'a ledger closed between two answers of RPC');
    return { found, ledger };
  };

  return {
    url: transport.url,
    transport,
    networkPassphrase: async (signal) =>
      (await call('getNetwork', undefined, schemas.network, signal)).passphrase,
    head: async (signal) => readHead(await call('getLatestLedger', undefined, schemas.latestLedger, signal)),
    async feeBids(signal) {
      const { inclusionFee } = await call('getFeeStats', undefined, schemas.feeStats, signal);
      return Object.fromEntries(Object.entries(inclusionFee).map(([name, fee]) => [name.slice(1), fee]));
    },
    async account(id, assets, signal) {
      const key = entries.accountKey(id);
      const lines = assets.filter((asset) => asset !== NATIVE);
      const keys = lines.map((asset) => entries.trustLineKey(id, asset));
      const { found, ledger } = await read([key, ...keys], signal);
      const account = found.get(key);
      if (account === undefined) return { value: undefined, ledger };
      const held = keys.flatMap((line) => found.get(line) ?? []);
      return { value: decoding(() => entries.decodeAccount(account, held)), ledger };
    },
    async transaction(hash, signal) {
      const answer = await call('getTransaction', { hash }, schemas.transaction, signal);
      const history = {
        oldest: answer.oldestLedger,
        latest: answer.latestLedger,
        closedAt: answer.latestLedgerCloseTime,
      };
      if (answer.status === 'NOT_FOUND') return { found: undefined, history };
      if (answer.ledger > answer.latestLedger) {
        throw untrusted('RPC answered a transaction of a later ledger than its last one');
      }
      const { ledger, envelopeXdr, resultXdr } = answer;
      const successful = answer.status === 'SUCCESS';
      return {
        found: verifyTransaction({ hash, ledger, successful, envelopeXdr, resultXdr }, options),
        history,
      };
    },
    async submit(envelopeXdr, timeoutMs, signal) {
      try {
        const params = { transaction: envelopeXdr };
        const { answer, id } = await exchange('sendTransaction', params, timeoutMs, signal);
        return classifySend(answer, id, envelopeHash(envelopeXdr, options.networkPassphrase));
      } catch (error) {
        signal.throwIfAborted();
        return isDialFailure(error)
          ? { kind: 'unsent', cause: error }
          : { kind: 'unknown', reason: messageOf(error) };
      }
    },
  };
}

/** Pure: what an HTTP answer to `sendTransaction` means for the envelope with that hash. */
export function classifySend(answer: Answer, id: number, hash: string | undefined): SubmitAnswer {
  if (answer.status === 429)
    return { kind: 'rate-limited', retryAfterMs: retryAfterMs(answer.headers, Date.now()) };
  try {
    const { error, result } = readReply('sendTransaction', answer, id);
    if (error !== undefined) {
      const reason = error.message.slice(0, 200);
      return error.code === INVALID_PARAMS ? { kind: 'malformed', reason } : { kind: 'unknown', reason };
    }
    const sent = schemas.sendTransaction.safeParse(result);
    if (!sent.success) return { kind: 'unknown', reason: 'an answer of unknown form' };
    if (sent.data.hash !== hash) return { kind: 'unknown', reason: 'an answer about another transaction' };
    if (sent.data.status === 'ERROR') return { kind: 'failed', resultXdr: sent.data.errorResultXdr };
    return { kind: sent.data.status === 'TRY_AGAIN_LATER' ? 'try-again' : 'queued' };
  } catch (error) {
    return { kind: 'unknown', reason: messageOf(error) };
  }
}

/** The answer to one request: inline errors have status 200 too. */
function readReply(method: string, answer: Answer, id: number): z.infer<typeof schemas.reply> {
  if (answer.status === 429) throw connectorError('rate-limited', 'RPC limits our requests');
  if (answer.status !== 200) {
    throw connectorError('ledger-unreachable', `RPC answered ${method} with HTTP ${answer.status}`);
  }
  let body: unknown;
  try {
    body = JSON.parse(answer.body);
  } catch {
    throw untrusted(`RPC’s answer to ${method} is not JSON`);
  }
  const reply = schemas.reply.safeParse(body);
  if (!reply.success || reply.data.id !== id) throw untrusted(`RPC’s answer to ${method} is no answer to it`);
  return reply.data;
}

function readHead({ id, sequence, headerXdr }: z.infer<typeof schemas.latestLedger>): HorizonHead {
  if (headerXdr === undefined) {
    throw connectorError('ledger-unreachable', 'this RPC gives no ledger headers: it must be renewed');
  }
  const bytes = Buffer.from(headerXdr, 'base64');
  const header = decoding(() => xdr.LedgerHeader.fromXdr(bytes));
  if (createHash('sha256').update(bytes).digest('hex') !== id || header.ledgerSeq !== sequence) {
    throw untrusted('RPC’s last ledger has another header than its hash or number say');
  }
  return {
    sequence,
    closedAt: Number(header.scpValue.closeTime) * 1_000,
    baseFee: BigInt(header.baseFee),
    baseReserve: BigInt(header.baseReserve),
    hash: id,
    previousHash: Buffer.from(header.previousLedgerHash.toXdr()).toString('hex'),
  };
}

const untrusted = (message: string) => connectorError('ledger-untrusted', message);

function decoding<T>(decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw connectorError('ledger-untrusted', `RPC answered bytes that cannot be read: ${messageOf(cause)}`, {
      cause,
    });
  }
}
