import type { RequestListener } from 'node:http';
import { formatAmount } from './amount.ts';
import { accounts, trustlinesOf } from './ledger/entries_of.ts';
import type { Network } from './network.ts';

const summary = (network: Network) => ({
  ledger: network.latest.sequence,
  hash: network.latest.hash,
  closeTime: network.latest.closeTime,
  paused: network.paused,
  pending: network.pendingCount(),
});

const state = (network: Network) => ({
  ...summary(network),
  networkPassphrase: network.passphrase,
  accounts: accounts(network.state).map((account) => ({
    address: account.address,
    balance: formatAmount(account.balance),
    sequence: String(account.sequence),
    trustlines: trustlinesOf(network.state, account.address).map(({ asset, balance }) => ({
      asset,
      balance: formatAmount(balance),
    })),
  })),
});

/** Control of a network in tests, plain HTTP on loopback: POST /close, /pause, /resume, GET /state. */
export function createAdmin(network: Network): RequestListener {
  const actions: Record<string, () => unknown> = {
    'POST /close': () => {
      network.close();
      return summary(network);
    },
    'POST /pause': () => {
      network.pause();
      return summary(network);
    },
    'POST /resume': () => {
      network.resume();
      return summary(network);
    },
    'GET /state': () => state(network),
  };
  return (request, response) => {
    const action = actions[`${request.method} ${request.url}`];
    const body = action ? action() : { error: `one of ${Object.keys(actions).join(', ')}` };
    response.writeHead(action ? 200 : 404, { 'Content-Type': 'application/json' });
    response.end(`${JSON.stringify(body)}\n`);
  };
}
