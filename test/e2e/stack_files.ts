/** What the stack's programs are told: its certificates, its policy, the connector's configuration. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { createAuthority } from '../certificates.ts';
import type { SandboxInfo } from '../sandbox/sandbox.ts';
import { seedKey } from '../sandbox/signed.ts';
import { example, exampleMarket } from './examples.ts';
import { NETWORK } from './ledger.ts';

/** The accounts of the stack's scenario that lend their sequence numbers. */
export const STACK_CHANNELS = [1, 2, 3].map((number) => seedKey(`stack channel ${number}`).publicKey());

/** A CA, and of it a server, the signer's health port and one client; kept when they are there. */
export async function writeCertificates(folder: string): Promise<void> {
  if (existsSync(join(folder, 'client_key.pem'))) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const authority = await createAuthority('stack CA');
  const names = ['localhost', 'gateway', '127.0.0.1', '::1'];
  const files = {
    server: await authority.issue({ names, usage: 'server' }),
    signer: await authority.issue({ names: ['localhost'], usage: 'server' }),
    client: await authority.issue({ names: ['hummingbot'], usage: 'client' }),
  };
  writeFileSync(join(folder, 'ca_cert.pem'), authority.cert);
  for (const [name, { cert, key }] of Object.entries(files)) {
    writeFileSync(join(folder, `${name}_cert.pem`), cert);
    writeFileSync(join(folder, `${name}_key.pem`), key, { mode: 0o600 });
  }
}

/** The example's policy, widened to all that the stack shows: offers, the pool, channels, many operations at once. */
export function stackPolicy(account: string): string {
  return stringify(
    example('signingpolicy.yaml', ({ spec }) => {
      const [swap] = spec.swaps;
      const { pair, maxAmount } = swap;
      const daily = (amount: string) => ({ amount, seconds: 86_400 });
      const [base, quote] = pair as [string, string];
      Object.assign(spec, {
        accounts: [account],
        channels: STACK_CHANNELS,
        maxOperations: 100,
        maxTimeBoundSeconds: 110,
        signaturesPerSecond: 20,
        fees: { perOperation: '20000', perTransaction: '2020000', window: daily('10000000000') },
        offers: [
          {
            pair,
            price: swap.price,
            maxAmount,
            turnover: { [base]: daily('1000000000000000'), [quote]: daily('100000000000000') },
          },
        ],
        pools: [{ pair, price: swap.price, maxAmount }],
        trustlines: [quote],
      });
    }),
    { aliasDuplicateObjects: false },
  );
}

/** The connector's configuration and addresses for a sandbox: Horizon to trade by, RPC to check it by. */
export function writeConnectorFiles(folder: string, ledger: SandboxInfo, account: string): void {
  const [horizon, rpc] = ['horizon', 'rpc'].map((name) => {
    const found = ledger.endpoints.find((endpoint) => endpoint.name === name);
    if (found === undefined) throw new Error(`the sandbox has no endpoint ${name}`);
    return { url: found.url, spkiPins: found.spkiPins, caFile: ledger.caFile };
  });
  const config = {
    network: NETWORK,
    networkPassphrase: ledger.networkPassphrase,
    account,
    channelAccounts: STACK_CHANNELS,
    horizon: { endpoints: [horizon], quorum: 1 },
    rpc: { endpoints: [rpc] },
    markets: [exampleMarket()],
  };
  mkdirSync(join(folder, 'state'), { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, 'connector.yaml'), stringify(config));
  const addresses = {
    hosts: Object.fromEntries(ledger.endpoints.map(({ host, address }) => [host, [address]])),
  };
  writeFileSync(join(folder, 'addresses.json'), JSON.stringify(addresses));
}
