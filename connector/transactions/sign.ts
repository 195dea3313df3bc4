import { isCoded } from '../../common/errors.ts';
import { connectorError } from '../errors.ts';
import { refusedPart, type Signer } from '../signing/client.ts';
import { checkSigned, type Unsigned } from './envelope.ts';

/**
 * The signer's envelope, checked against what was asked.
 * @throws those of `Signer.sign`, `signer-untrusted`
 */
export async function signed(
  signer: Pick<Signer, 'sign'>,
  asked: Unsigned,
  { account, networkPassphrase }: { account: string; networkPassphrase: string },
  signal: AbortSignal,
): Promise<string> {
  const answer = await signer.sign(asked.envelopeXdr, networkPassphrase, signal);
  if (answer.hash !== asked.hash || answer.signer !== account) {
    throw connectorError('signer-untrusted', 'the signer answered another hash or account');
  }
  checkSigned(asked, answer.envelopeXdr, account);
  return answer.envelopeXdr;
}

/** States of the signer in which it signs deletions of offers and nothing else (docs/signer/policy.md). */
const DELETIONS_ONLY = ['kill-switch', 'policy-missing', 'window-exhausted', 'rate-exceeded'];
/** What is wrong with one operation, or with how many there are. */
const OF_OPERATIONS = [
  ...['operation-not-allowed', 'too-many-operations', 'pair-not-allowed', 'asset-not-allowed'],
  ...['destination-not-allowed', 'price-out-of-collar', 'amount-too-large', 'malformed-envelope'],
];

/**
 * Pure: what to do about a signer that did not sign. `hold`: an earlier transaction has the number until the signer lets
 * go of it. `deletions`: ask again for the deletions alone. `of-one`: only what the refusal is about fails. `fail`: all.
 */
export function afterRefusal(error: unknown): 'hold' | 'deletions' | 'of-one' | 'fail' {
  const field = isCoded(error, 'signer-refused', 'rate-limited') ? (error.field ?? '') : '';
  if (field === 'sequence-live') return 'hold';
  if (DELETIONS_ONLY.includes(field)) return 'deletions';
  return OF_OPERATIONS.includes(field) ? 'of-one' : 'fail';
}

/** Pure: the operation that the signer names, from 0; undefined when it names none. */
export function refusedOperation(error: unknown): number | undefined {
  const [, index] = /^operations\[(\d+)\]/.exec(refusedPart(error) ?? '') ?? [];
  return index === undefined ? undefined : Number(index);
}
