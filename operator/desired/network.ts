import type { StellarConnectorSpec } from '../api/v1alpha1.gen.ts';

/** Passphrases of the networks that the Stellar Development Foundation runs (developers.stellar.org, "Networks"). */
const known: Readonly<Record<string, string>> = {
  public: 'Public Global Stellar Network ; September 2015',
  testnet: 'Test SDF Network ; September 2015',
};

/** The passphrase to which every signature of this connector commits; a network of one's own must give it (CEL). */
export function passphraseOf(spec: Pick<StellarConnectorSpec, 'network' | 'networkPassphrase'>): string {
  const passphrase = known[spec.network] ?? spec.networkPassphrase;
  if (passphrase === undefined) throw new Error(`network ${spec.network} has no passphrase`);
  return passphrase;
}
