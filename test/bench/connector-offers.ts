import { setTimeout as delay } from 'node:timers/promises';
import { StrKey } from '@stellar/stellar-sdk/base';
import { clientOf } from '../e2e/trade.ts';
import { median } from './load.ts';
import type { Stand } from './stand.ts';

/** How orders are placed: accounts that lend numbers, orders in a request, and requests under way. */
interface Way {
  name: string;
  /** Channels of the configuration; the last carries deletions only, so as many accounts place orders. */
  channels: number;
  batch: number;
  requests: number;
}

const FULL = 100;
export const ours = (accounts: number): Way => ({
  name: `${accounts} sequence account${accounts === 1 ? '' : 's'}`,
  ...{ channels: accounts, batch: FULL, requests: accounts * 2 },
});
/** One account, one transaction, then its ledger, then the next. Kelp puts a ladder of two times ten into one. */
const WAYS: Way[] = [
  { name: 'as the XRPL connector: an order', channels: 0, batch: 1, requests: 1 },
  { name: 'as Kelp: a set of 20 offers', channels: 0, batch: 20, requests: 1 },
  ...[1, 4, 16].map(ours),
];
const AIM = 0.9;
/** Ledgers that are not counted. */
const STARTING = 2;
const MAX_WAIT_MS = 60_000;

interface Placed {
  way: Way;
  /** Of each ledger. */
  operations: number[];
  failed: Map<string, number>;
}

let placedBefore = 0;

export async function place(stand: Stand, way: Way, ledgers: number): Promise<Placed> {
  const [client, horizon] = [clientOf(stand.gateway), clientOf(stand.horizon)];
  const failed = new Map<string, number>();
  let isOver = false;
  const caller = async (): Promise<void> => {
    while (!isOver) {
      const orders = Array.from({ length: way.batch }, () => ({
        ...{ clientOrderId: `bench-${placedBefore++}`, market: 'XLM-USDC', side: 'SELL', type: 'limit' },
        // Far into the book, so that it is filled at once: an account owns 1,000 offers at most.
        ...{ price: '0.09', amount: '0.1' },
      }));
      const { status, body } = await client.call('POST', '/v1/orders', { orders });
      const codes: string[] =
        status === 200
          ? body.orders.flatMap(({ code }: { code?: string | null }) => code ?? [])
          : [`HTTP ${status} ${body.code}`];
      for (const code of codes) failed.set(code, (failed.get(code) ?? 0) + 1);
      if (status !== 200) await delay(1_000);
    }
  };
  const newest = async (): Promise<number> => {
    const { body } = await horizon.call('GET', '/ledgers?order=desc&limit=1');
    return body._embedded.records[0].sequence;
  };
  const reach = async (sequence: number): Promise<void> => {
    const deadline = Date.now() + MAX_WAIT_MS * ledgers;
    while ((await newest()) < sequence) {
      if (Date.now() > deadline) throw new Error('no ledger closes');
      await delay(100);
    }
  };
  const first = (await newest()) + 1;
  // In step with the ledger, as whoever waits for one is.
  await reach(first);
  const callers = Promise.all(Array.from({ length: way.requests }, caller));
  // The ledgers right after it have what a standing start gave.
  const last = first + STARTING + ledgers;
  await reach(last);
  isOver = true;
  await callers;
  const operations: number[] = [];
  for (let sequence = last - ledgers + 1; sequence <= last; sequence++) {
    const { body } = await horizon.call('GET', `/ledgers/${sequence}/transactions?limit=200`);
    // Of others are the crowd's, which ask for the account's signature nowhere.
    const own = body._embedded.records.filter(({ envelope_xdr }: { envelope_xdr: string }) =>
      signedBy(envelope_xdr, stand.market.account),
    );
    operations.push(
      own.reduce((sum: number, { operation_count }: { operation_count: number }) => sum + operation_count, 0),
    );
  }
  await Promise.all([client.close(), horizon.close()]);
  return { way, operations, failed };
}

/** By the hint of an envelope's only signature, the last four bytes of the key, which stand before its length and 64 bytes. */
const signedBy = (envelopeXdr: string, account: string): boolean =>
  Buffer.from(envelopeXdr, 'base64')
    .subarray(-72, -68)
    .equals(StrKey.decodeEd25519PublicKey(account).subarray(-4));

/** Orders placed in each ledger, ledgers five seconds apart, the signer with its token in between. */
export async function benchOffers(stand: Stand, { ledgers }: { ledgers: number }): Promise<void> {
  const placed: Placed[] = [];
  let running: number | undefined;
  for (const way of WAYS) {
    if (running !== way.channels) {
      if (running !== undefined) await stand.stop();
      await stand.start(way.channels);
      running = way.channels;
    }
    const one = await place(stand, way, ledgers);
    placed.push(one);
    console.log(`  ${way.name}: ${one.operations.join(', ')} in the ledgers`);
  }
  await stand.stop();
  console.log(
    '\n| offers placed | in a ledger (min / median / max) | mean | of accounts × 100 | × Kelp’s way | failed |',
  );
  console.log('| --- | --- | --- | --- | --- | --- |');
  // Not the median: of ledgers that are empty and full in turn it would show one of the two.
  const mean = ({ operations }: Placed): number =>
    operations.reduce((sum, one) => sum + one, 0) / operations.length;
  const kelp = mean(placed.find(({ way }) => way.batch === 20)!);
  for (const one of placed) {
    const { way, operations, failed } = one;
    const sorted = [...operations].sort((a, b) => a - b);
    const accounts = Math.max(1, way.channels);
    const figures = [
      `${sorted[0]} / ${median(sorted)} / ${sorted.at(-1)}`,
      mean(one).toFixed(0),
      (mean(one) / (accounts * FULL)).toFixed(2),
      (mean(one) / kelp).toFixed(1),
      [...failed].map(([code, count]) => `${count} ${code}`).join(', ') || '0',
    ];
    console.log(`| ${way.name} | ${figures.join(' | ')} |`);
  }
  console.log(`the aim is ${AIM} of accounts × 100\n`);
}
