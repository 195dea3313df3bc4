/** A stack of its own and a stock client on it: what the client is asked, what the ledger has, and the connector's ends. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  createAuthority,
  type KeyAndCertificate,
  type ThrowAwayAuthority,
} from '../../operator/certs/authority.ts';
import { running } from '../e2e/processes.ts';
import { ready, stackDown, stackUp, startConnector } from '../e2e/stack.ts';
import { clientOf } from '../e2e/trade.ts';
import { type Client, startClient, type Told } from './client.ts';
import { clientPython } from './install.ts';

const STATE = resolve('.state/hummingbot');
export const PASSWORD = 'hummingbot';
/** What the market may move while an order waits for its ledger, in per cent. */
export const SLIPPAGE = 5;
export const decimal = (value: number | string) => ({ decimal: String(value) });
const MARKET = {
  order_type: { order_type: 'LIMIT' },
  price: decimal('0.12'),
  slippage_pct: decimal(SLIPPAGE),
};

/** Asks until there is something that fits. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>, ms = 60_000): Promise<T> {
  const deadline = Date.now() + ms;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${ms / 1000} s`);
    await delay(200);
  }
}

/** Events of an order. */
export const of = (id: string) => (event: Told) => event.order_id === id;

export const isReady = async (client: Client): Promise<true | undefined> =>
  (await client.call('connector', 'ready')) &&
  (await client.call('connector', 'network_status')) === 'CONNECTED'
    ? true
    : undefined;

/** New leaves of `root` in the stack's folder; gives the client's. */
export async function writeLeaves(root: ThrowAwayAuthority): Promise<KeyAndCertificate> {
  const certs = join(STATE, 'certs');
  const server = await root.issue({ commonName: 'stack', names: ['localhost'], usage: 'server' });
  const client = await root.issue({ commonName: 'bot', names: ['hummingbot'], usage: 'client' });
  for (const [name, { cert, key }] of Object.entries({ server, signer: server, client })) {
    writeFileSync(join(certs, `${name}_key.pem`), key, { mode: 0o600 });
    writeFileSync(join(certs, `${name}_cert.pem`), cert);
  }
  return client;
}

export type Rig = Awaited<ReturnType<typeof startRig>>;

export const stopStack = (): Promise<void> => stackDown(STATE);

export async function startRig() {
  await stopStack();
  rmSync(STATE, { recursive: true, force: true });
  mkdirSync(join(STATE, 'certs'), { recursive: true, mode: 0o700 });
  const validity = { notBefore: new Date(), notAfter: new Date(Date.now() + 86_400_000) };
  /** Of the operator's make: the one in force, and the one that a rotation brings, known to all before any leaf is of it. */
  const roots = [
    await createAuthority('first CA', validity),
    await createAuthority('second CA', validity),
  ] as const;
  const own = await writeLeaves(roots[0]);
  writeFileSync(join(STATE, 'certs/ca_cert.pem'), roots.map(({ root }) => root).join(''));
  const stack = await stackUp(STATE);
  const { account, base, quote, chainNetwork } = stack.market;
  const pair = `${base}-${quote.split(':')[0]}`;

  const newClient = (name: string, { cert, key }: KeyAndCertificate): Promise<Client> =>
    startClient({
      home: join(STATE, name),
      python: clientPython()!,
      host: stack.gateway.host,
      port: stack.gateway.port,
      certs: { ca: stack.gateway.ca, cert, key },
      password: PASSWORD,
      chainNetwork,
      pair,
    });
  const client = await newClient('client', own);

  const sandbox = async (method: 'GET' | 'POST', path: string): Promise<Told> =>
    (await (await fetch(`${stack.admin}${path}`, { method })).json()) as Told;

  async function fromLedger(path: string): Promise<Told[]> {
    const horizon = clientOf(stack.horizon);
    try {
      const { status, body } = await horizon.call('GET', `/accounts/${account}${path}`);
      assert.equal(status, 200);
      return body._embedded.records;
    } finally {
      await horizon.close();
    }
  }

  /** Swaps of our account that a ledger holds, newest first. */
  const swaps = async (): Promise<Told[]> =>
    (await fromLedger('/payments?order=desc&limit=200')).filter(
      ({ type, from }) => type.startsWith('path_payment') && from === account,
    );

  const onConnector = (method: string, args: Told = {}) => client.call('connector', method, args);

  const trade = (side: 'buy' | 'sell', amount: number, more: Told = {}): Promise<string> =>
    onConnector(side, { trading_pair: pair, amount: decimal(amount), ...MARKET, ...more });

  return {
    ...{ stack, roots, pair, client, newClient, sandbox, onConnector, trade },
    offers: (): Promise<Told[]> => fromLedger('/offers?limit=200'),

    /** The fill that the client booked for an order, and the swap that the ledger has of it. */
    async filled(id: string): Promise<{ fill: Told; swap: Told }> {
      const fill = await client.event('OrderFilled', of(id));
      const swap = (await swaps()).find(({ transaction_hash: hash }) => hash === fill.exchange_trade_id);
      assert.ok(swap, `the ledger has no transaction ${fill.exchange_trade_id}`);
      return { fill, swap };
    },

    /** Sells with no ledger closing; comes back when the network has the transaction and nobody knows its fate. */
    async midOrder(): Promise<{ id: string; before: number }> {
      const before = (await swaps()).length;
      const { pending } = await sandbox('POST', '/pause');
      const id = await trade('sell', 10);
      const taken = async () => ((await sandbox('GET', '/state')).pending > pending ? true : undefined);
      await until('the transaction', taken);
      return { id, before };
    },

    /** Ends the connector and starts it again; ledgers close again when it starts. */
    async restartConnector(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
      const recorded = JSON.parse(readFileSync(join(STATE, 'processes.json'), 'utf8')) as Told[];
      process.kill(recorded.find(({ name }) => name === 'connector')!.pid, signal);
      const gone = async () => (running(STATE).includes('connector') ? undefined : true);
      await until('the end of the connector', gone, 120_000);
      startConnector(STATE);
      await sandbox('POST', '/resume');
      await ready(STATE, 'connector');
    },

    /** One swap more than before, still some ledgers later. */
    async oneMore(before: number): Promise<void> {
      await until('the swap', async () => ((await swaps()).length > before ? true : undefined));
      const { ledger } = await sandbox('GET', '/state');
      const later = async () => ((await sandbox('GET', '/state')).ledger > ledger + 3 ? true : undefined);
      await until('three ledgers', later);
      assert.equal((await swaps()).length, before + 1);
    },
  };
}
