import { isCoded } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { type DecodedEnvelope, decodeEnvelope, networkId } from './envelope.ts';
import { isSignerError, type SignerError, signerError } from './errors.ts';
import type { Journal } from './journal/journal.ts';
import type { Sequences } from './journal/sequences.ts';
import type { Windows } from './journal/windows.ts';
import { createVerifier, type Verifier } from './keystore/ed25519.ts';
import type { Keystore } from './keystore/keystore.ts';
import type { SignerMetrics } from './metrics.ts';
import type { Refusal } from './policy/check.ts';
import { type Decision, evaluate } from './policy/evaluate.ts';
import type { RateLimit } from './policy/rate.ts';
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
  journal: Pick<Journal, 'append' | 'fault'>;
  sequences: Sequences;
  windows: Windows;
  rate: RateLimit;
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

  const signDecoded = async (decoded: DecodedEnvelope, signal: AbortSignal): Promise<SignResponse> => {
    const { transaction, feeBump } = decoded;
    const hash = decoded.hash.toString('hex');
    const inner = feeBump?.innerHash ?? hash;
    const at = modules.windowClock();
    const policies = modules.policies();
    const live = sequences.signed(inner);
    const decision = judge(decoded, policies, {
      account,
      now: BigInt(Math.floor(modules.now() / 1000)),
      total: (key, seconds, spends) => windows.total(key, seconds, spends, at),
      hasRate: rate.has,
      countedFee: live?.fee,
      isRepeated: feeBump === undefined && live !== undefined,
    });
    if (!decision.allowed)
      throw signerError(decision.refusal.code, decision.refusal.message, decision.refusal);
    const { source, sequence } = transaction;
    const maxTime = transaction.timeBounds!.maxTime;
    const fee = largest(live?.fee ?? 0n, feeBump?.fee ?? transaction.fee);
    const settle = sequences.take({ source, sequence, hash: inner, maxTime, fee });
    windows.add(decision.spends, at);
    if (decision.budget === 'ordinary') rate.take();
    const signature = await modules.keystore.sign(decoded.hash, signal).catch((cause: unknown) => {
      settle(false);
      throw keystoreError(cause);
    });
    settle(true);
    await journal.append({
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
      spends: decision.spends,
      policies: policies.map((policy) => ({ name: policy.name, hash: policy.hash })),
    });
    return { envelopeXdr: decoded.withSignature(modules.publicKey, signature), hash, signer: account };
  };

  /** Policy, after what no policy can allow. */
  const judge = (
    decoded: DecodedEnvelope,
    policies: readonly Policy[],
    context: Parameters<typeof evaluate>[2],
  ): Decision => {
    const refusal = foreignSignature(decoded, verify);
    return refusal === undefined ? evaluate(decoded, policies, context) : { allowed: false, refusal };
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
    // The client hears the first reason even when the journal has failed meanwhile: nothing was signed either way.
    await journal.append({ type: 'refused', ...line }).catch(() => undefined);
  };

  return {
    refused: record,
    async sign(request, signal) {
      let decoded: DecodedEnvelope | undefined;
      try {
        if (journal.fault() !== undefined)
          throw signerError('journal-unavailable', 'the journal cannot be written');
        checkNetwork(request, modules.networkPassphrase);
        decoded = decodeEnvelope(request.envelopeXdr, network);
        const response = await signDecoded(decoded, signal);
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

const largest = (a: bigint, b: bigint): bigint => (a > b ? a : b);

const asSignerError = (error: unknown): SignerError =>
  isSignerError(error) ? error : signerError('internal', 'see the signer’s log', { cause: error });

function checkNetwork({ networkPassphrase }: SignRequest, own: string): void {
  if (networkPassphrase !== undefined && networkPassphrase !== own)
    throw signerError('wrong-network', 'this signer is of another network', { field: 'networkPassphrase' });
}

/** An envelope may come with signatures only if they are ours: of another network or body they do not verify. */
function foreignSignature({ signatures, hash }: DecodedEnvelope, verify: Verifier): Refusal | undefined {
  const index = signatures.findIndex(({ signature }) => !verify(hash, signature));
  return index < 0
    ? undefined
    : {
        code: 'bad-signature',
        message: 'it does not verify under this account and network',
        field: `signatures[${index}]`,
      };
}

/** What a client hears of a key store's failure: no internals of the backend. */
function keystoreError(cause: unknown): SignerError {
  return isCoded(cause, 'keystore-busy')
    ? signerError('overloaded', 'too many signatures are waiting for the key', { cause })
    : signerError('keystore-unavailable', 'the key cannot be used now; /readyz of the signer says why', {
        cause,
      });
}
