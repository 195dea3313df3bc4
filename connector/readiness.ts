import { isCoded } from '../common/errors.ts';
import { connectorError } from './errors.ts';
import { judgeRoot, type LastClosed } from './ledger/checks.ts';
import type { Horizon } from './ledger/horizon.ts';
import type { Signer } from './signing/client.ts';

/** For how long (milliseconds) a good verdict on the ledger is used again. */
const VERDICT_MS = 1_000;

/**
 * Judges Horizon's root document whenever the last good verdict is older than a second; a bad one is never kept.
 */
export function createLedgerCheck(
  horizon: Horizon,
  networkPassphrase: string,
  events: { untrusted(what: string): void },
  now: () => number,
): (signal: AbortSignal) => Promise<LastClosed> {
  let verdict: { at: number; last: LastClosed } | undefined;
  return async (signal) => {
    const time = now();
    if (verdict !== undefined && Math.abs(time - verdict.at) < VERDICT_MS) return verdict.last;
    try {
      const last = judgeRoot(await horizon.root(signal), networkPassphrase, time);
      verdict = { at: time, last };
      return last;
    } catch (error) {
      verdict = undefined;
      if (isCoded(error, 'network-mismatch', 'ledger-untrusted')) events.untrusted(error.code);
      throw error;
    }
  };
}

/**
 * The signer must hold the key of the configured account and sign for the configured network.
 * @throws `signer-untrusted`, and those of the client
 */
export async function checkSigner(
  signer: Signer,
  expected: { account: string; networkPassphrase: string },
  signal: AbortSignal,
): Promise<void> {
  const answer = await signer.account(signal);
  if (answer.account !== expected.account) {
    throw connectorError(
      'signer-untrusted',
      `the signer holds the key of another account: ${answer.account}`,
    );
  }
  if (answer.networkPassphrase !== expected.networkPassphrase) {
    throw connectorError('signer-untrusted', 'the signer signs for another network');
  }
}
