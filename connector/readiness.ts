import { connectorError } from './errors.ts';
import type { Signer } from './signing/client.ts';

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
