import { isCoded } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import type { RateLimit } from '../common/rate.ts';
import { foreignSignature } from './envelope/signatures.ts';
import { type DecodedEnvelope, decodeEnvelope, networkId } from './envelope.ts';
import { isSignerError, type SignerError, signerError } from './errors.ts';
import type { JournalEvent } from './journal/entry.ts';
import { whyNothing } from './journal/identity.ts';
import type { Journal } from './journal/journal.ts';
import type { Sequences } from './journal/sequences.ts';
import type { Windows } from './journal/windows.ts';
import { createVerifier } from './keystore/ed25519.ts';
import type { Keystore } from './keystore/keystore.ts';
import type { SignerMetrics } from './metrics.ts';
import type { Budget } from './policy/check.ts';
import { evaluate } from './policy/evaluate.ts';
import type { Policy } from './policy/schema.ts';
import type { SignRequest, SignResponse } from './protocol.ts';

export interface SignerModules {
  account: string;
  /** The account's raw public key. */
  publicKey: Buffer;
  networkPassphrase: string;
  keystore: Pick<Keystore, 'sign'>;
  /** The policies in force for the account. */
  policies: () => readonly Policy[];
  journal: Pick<Journal, 'append' | 'fault' | 'refuse' | 'standing'>;
  sequences: Sequences;
  windows: Windows;
  /** What may be signed in a second: in the ordinary way, and of deletions that the ordinary room refuses. */
  rate: Readonly<Record<Budget, RateLimit>>;
  /** Milliseconds since the epoch, the wall clock: what time bounds are judged by. */
  now: () => number;
  /** Milliseconds since the epoch by a clock that never jumps, in whole numbers: what windows are counted by. */
  windowClock: () => number;
  metrics: Pick<SignerMetrics, 'requests'>;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

export interface Signer {
  /** @throws SignerError; it is counted and journaled then */
  sign(request: SignRequest, signal: AbortSignal): Promise<SignResponse>;
  /** Counts and journals what was refused before it could be given to `sign`. Never rejects. */
  refused(error: unknown): Promise<void>;
}

/**
 * The pipeline of one request: decode → policy → sequence → reserve → sign and verify (in the key store) → journal →
 * answer. What leaves is on the disk before it leaves; a refusal has its line too. Between policy and reservation
 * nothing is awaited, so no two requests can spend the same room.
 */
export function createSigner(modules: SignerModules): Signer {
  const { account, journal, sequences, windows, rate, log } = modules;
  const network = networkId(modules.networkPassphrase);
  const verify = createVerifier(modules.publicKey);

  const working = new Map<string, Promise<void>>();

  /** One at a time of those that ask for the same transaction or a bump of it: what the first counts, the next must see. */
  const inTurn = async (decoded: DecodedEnvelope, signal: AbortSignal): Promise<SignResponse> => {
    const name = decoded.feeBump?.innerHash ?? decoded.hash.toString('hex');
    for (let other = working.get(name); other !== undefined; other = working.get(name)) await other;
    if (signal.aborted) throw signerError('overloaded', 'the same transaction was being signed for too long');
    const response = signDecoded(decoded, signal);
    const end = (): void => void working.delete(name);
    working.set(name, response.then(end, end));
    return response;
  };

  const signDecoded = async (decoded: DecodedEnvelope, signal: AbortSignal): Promise<SignResponse> => {
    const { transaction, feeBump } = decoded;
    const hash = decoded.hash.toString('hex');
    const inner = feeBump?.innerHash ?? hash;
    const at = modules.windowClock();
    const policies = modules.policies();
    const isFull = journal.standing().state === 'full';
    const live = sequences.signed(inner);
    const foreign = foreignSignature(decoded, verify);
    const decision = evaluate({ transaction, feeBump, foreignSignature: foreign }, policies, {
      account,
      now: BigInt(Math.floor(modules.now() / 1000)),
      total: (key, seconds, spends) =>
        isFull && key.kind !== 'deletion-fee' ? FULL : windows.total(key, seconds, spends, at),
      hasRate: (budget, perSecond) => rate[budget].has(perSecond),
      countedFee: live?.fee,
      isRepeated: feeBump === undefined && live !== undefined,
    });
    if (!decision.allowed) {
      const { code, message } = decision.refusal;
      const isOfLoss = isFull && code === 'window-exhausted';
      throw signerError(code, isOfLoss ? LOST : message, decision.refusal);
    }
    const { source, sequence } = transaction;
    const maxTime = transaction.timeBounds!.maxTime;
    const fee = largest(live?.fee ?? 0n, feeBump?.fee ?? transaction.fee);
    const settle = sequences.take({ source, sequence, hash: inner, maxTime, fee });
    windows.add(decision.spends, at);
    const spends = sequences.owe(inner, decision.spends);
    rate[decision.budget].take();
    const signature = await modules.keystore.sign(decoded.hash, signal).catch((cause: unknown) => {
      settle(false);
      throw keystoreError(cause);
    });
    settle(true);
    const line: JournalEvent = {
      type: 'signed',
      hash,
      ...(feeBump === undefined ? {} : { inner }),
      at,
      source,
      sequence: sequence.toString(),
      maxTime: maxTime.toString(),
      fee: fee.toString(),
      operations: transaction.operations.map(({ type }) => type),
      budget: decision.budget,
      spends: [...spends],
      policies: policies.map((policy) => ({ name: policy.name, hash: policy.hash })),
    };
    await journal.append(line, signal);
    sequences.written(inner);
    return { envelopeXdr: decoded.withSignature(modules.publicKey, signature), hash, signer: account };
  };

  const record = async (error: unknown, decoded?: DecodedEnvelope): Promise<void> => {
    const { code, message, field, cause } = asSignerError(error);
    const line = {
      code,
      detail: message,
      ...(field === undefined ? {} : { field }),
      ...(decoded === undefined ? {} : { hash: decoded.hash.toString('hex') }),
    };
    modules.metrics.requests.inc({ outcome: code });
    log.warn({ ...line, err: cause }, 'nothing signed');
    // Nobody waits for it: nothing was signed, whether or not the disk takes the line.
    journal.refuse({ type: 'refused', ...line });
  };

  return {
    refused: record,
    async sign(request, signal) {
      let decoded: DecodedEnvelope | undefined;
      try {
        checkJournal(journal);
        checkNetwork(request, modules.networkPassphrase);
        decoded = decodeEnvelope(request.envelopeXdr, network);
        const response = await inTurn(decoded, signal);
        modules.metrics.requests.inc({ outcome: 'signed' });
        log.info({ hash: response.hash }, 'signed');
        return response;
      } catch (error) {
        await record(error, decoded);
        throw error;
      }
    },
  };
}

/** More than any window can allow: what was signed before the loss of a journal is not known. */
const FULL = 10n ** 30n;

const LOST =
  'an earlier journal was lost: all windows count as full until `signer journal accept-loss`; deletions of offers pass';

/** @throws SignerError `journal-unavailable`, `journal-unconfirmed`, `journal-lost` */
function checkJournal({ fault, standing }: Pick<Journal, 'fault' | 'standing'>): void {
  if (fault() !== undefined) throw signerError('journal-unavailable', 'the journal cannot be written');
  const why = whyNothing(standing());
  if (why !== undefined)
    throw signerError(standing().state === 'waiting' ? 'journal-lost' : 'journal-unconfirmed', why);
}

const largest = (a: bigint, b: bigint): bigint => (a > b ? a : b);

const asSignerError = (error: unknown): SignerError =>
  isSignerError(error) ? error : signerError('internal', 'see the signer’s log', { cause: error });

function checkNetwork({ networkPassphrase }: SignRequest, own: string): void {
  if (networkPassphrase !== undefined && networkPassphrase !== own)
    throw signerError('wrong-network', 'this signer is of another network', { field: 'networkPassphrase' });
}

/** What a client hears of a key store's failure: no internals of the backend. */
function keystoreError(cause: unknown): SignerError {
  return isCoded(cause, 'keystore-busy')
    ? signerError('overloaded', 'too many signatures are waiting for the key', { cause })
    : signerError('keystore-unavailable', 'the key cannot be used now; /readyz of the signer says why', {
        cause,
      });
}
