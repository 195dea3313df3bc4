import { connectorError } from '../../errors.ts';
import { parseSlippage } from '../../market/quote.ts';
import type { State } from '../../state.ts';

export interface Preferences {
  /** The value that a client set, or the default. */
  get(namespace: string, path: string): string;
  /** @throws `invalid-params`, which names the field of the StellarConnector where it is declared there */
  set(namespace: string, path: string, value: unknown): void;
}

const PROVIDERS = ['sdex/router', 'sdex/clmm', 'stellar-amm/amm'];
const SLIPPAGE_PCT = '1';

/** Where a setting that no client may change is declared. */
const DECLARED: Record<string, string> = {
  defaultNetwork: 'spec.network',
  defaultWallet: 'spec.account',
  networkPassphrase: 'spec.networkPassphrase',
  nodeURL: 'spec.horizon.endpoints',
  rpcURL: 'spec.rpc.endpoints',
  certificatePath: 'spec.gateway.tls',
  port: 'spec.gateway',
  markets: 'spec.markets',
};

/** What clients may set with `/config/update`, kept over restarts: how they like to trade, never where, as whom or with what. */
export function createPreferences(state: State, chain: string, network: string): Preferences {
  const slippage = {
    initial: SLIPPAGE_PCT,
    read(value: unknown) {
      const text = typeof value === 'number' || typeof value === 'string' ? String(value).slice(0, 64) : '';
      parseSlippage(text, 'value');
      return text;
    },
  };
  const known: Record<string, Record<string, typeof slippage>> = {
    [chain]: {
      // There is one; a client may say so again.
      defaultNetwork: {
        initial: network,
        read: (value) => (value === network ? network : refuse('defaultNetwork')),
      },
    },
    [`${chain}-${network}`]: {
      swapProvider: {
        initial: 'sdex/router',
        read(value) {
          const provider = PROVIDERS.find((one) => one === value);
          if (provider !== undefined) return provider;
          throw connectorError('invalid-params', `value must be one of ${PROVIDERS.join(', ')}`);
        },
      },
    },
    sdex: { slippagePct: slippage },
    'stellar-amm': { slippagePct: slippage },
  };
  const nameOf = (namespace: string, path: string): string => `${namespace}\n${path}`;
  const values = new Map<string, string>();
  for (const { namespace, path, value } of state.db.prepare('SELECT * FROM gateway_preferences').all()) {
    values.set(nameOf(String(namespace), String(path)), String(value));
  }
  const find = (namespace: string, path: string): typeof slippage => {
    const own = Object.hasOwn(known, namespace) ? known[namespace]! : {};
    return Object.hasOwn(own, path) ? own[path]! : refuse(path);
  };
  return {
    get(namespace, path) {
      const { initial } = find(namespace, path);
      return values.get(nameOf(namespace, path)) ?? initial;
    },
    set(namespace, path, value) {
      const read = find(namespace, path).read(value);
      state.transact(() => {
        const statement = state.db.prepare('INSERT OR REPLACE INTO gateway_preferences VALUES (?, ?, ?)');
        statement.run(namespace, path, read);
      });
      values.set(nameOf(namespace, path), read);
    },
  };
}

function refuse(path: string): never {
  const field = Object.hasOwn(DECLARED, path) ? DECLARED[path] : undefined;
  throw connectorError(
    'invalid-params',
    field === undefined
      ? 'path: no such preference; clients may set defaultNetwork, swapProvider and slippagePct'
      : `path: the StellarConnector declares it in ${field}; change it there`,
  );
}
