import { createHash } from 'node:crypto';
import type { StellarConnectorSpec } from '../api/v1alpha1.gen.ts';

/** Passphrases of the networks that the Stellar Development Foundation runs (developers.stellar.org, "Networks"). */
const known: Readonly<Record<string, string>> = {
  public: 'Public Global Stellar Network ; September 2015',
  testnet: 'Test SDF Network ; September 2015',
};

type Network = Pick<StellarConnectorSpec, 'network' | 'networkPassphrase'>;

/** The passphrase to which every signature of this connector commits; a network of one's own must give it (CEL). */
export function passphraseOf(spec: Network): string {
  const passphrase = givenPassphrase(spec);
  if (passphrase === undefined) throw new Error(`network ${spec.network} has no passphrase`);
  return passphrase;
}

/** SHA-256 of the passphrase, hexadecimal: the network itself, whatever a connector calls it. */
export function networkIdOf(spec: Network): string {
  return createHash('sha256').update(passphraseOf(spec)).digest('hex');
}

/** True when signatures for one count on the other, whatever each calls the network. */
export function onSameNetwork(a: Network, b: Network): boolean {
  return givenPassphrase(a) === givenPassphrase(b);
}

function givenPassphrase({ network, networkPassphrase }: Network): string | undefined {
  return known[network] ?? networkPassphrase;
}
