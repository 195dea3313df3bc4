/** `node test/soak/connector-orders.ts [--orders N]`: places orders without end, and looks whether the connector's memory comes to rest. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { atEnd, createStand, withStands } from '../bench/stand.ts';
import { clientOf } from '../e2e/trade.ts';
import { INSPECTED, inspect } from './inspector.ts';

const { values } = parseArgs({ options: { orders: { type: 'string', default: '100000' } } });
const ORDERS = Number(values.orders);
/** As many accounts place; one more carries deletions only. */
const CHANNELS = 5;
const BATCH = 100;
/** Requests at once; then everything that is still in the book is cancelled: an account owns 1,000 offers at most. */
const REQUESTS = 4;
const CLOSE_MS = 250;
/** The last tenth's heap over the second's. The first has what every start makes. */
const MAX_GROWTH = 1.3;
const PROGRESS_MS = 10_000;
/** Without an order for so long it has come to a stop. */
const STUCK_MS = 180_000;

const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

await withStands(async (signal) => {
  const began = Date.now();
  const seconds = (): number => Math.round((Date.now() - began) / 1000);
  const stand = await createStand({
    ledger: ['--stream-at-once', '--close-ms', String(CLOSE_MS), '--retain', '200'],
    channels: CHANNELS,
    scenario: (scenario) => {
      scenario.maxTxSetSize = 10_000;
    },
  });
  // A small heap makes a leak end the process.
  await stand.start(CHANNELS, [...INSPECTED, '--max-old-space-size=512']);
  const client = clientOf(stand.gateway);
  const inspector = await inspect(join(stand.folder, 'connector.log'));
  // A process that is looked into does not end before nobody looks any more.
  atEnd(async () => inspector.close());
  const states = new Map<string, number>();
  const count = (name: string): void => void states.set(name, (states.get(name) ?? 0) + 1);
  let placed = 0;
  let [heard, lastPlaced] = [Date.now(), 0];
  const stuck = new AbortController();
  const progress = setInterval(() => {
    console.log(`  ${placed} orders after ${seconds()} s: ${JSON.stringify(Object.fromEntries(states))}`);
    if (placed !== lastPlaced) [heard, lastPlaced] = [Date.now(), placed];
    if (Date.now() - heard > STUCK_MS) stuck.abort();
  }, PROGRESS_MS);

  const place = async (): Promise<void> => {
    // Every second one is filled at once, the others rest above the book until they are cancelled.
    const orders = Array.from({ length: BATCH }, (_, i) => ({
      ...{
        clientOrderId: `soak-${seconds()}-${placed + i}`,
        market: 'XLM-USDC',
        side: 'SELL',
        amount: '0.1',
      },
      ...(i % 2 === 0 ? { type: 'limit', price: '0.09' } : { type: 'maker-only', price: '0.16' }),
    }));
    placed += BATCH;
    const { status, body } = await client.call('POST', '/v1/orders', { orders });
    if (status !== 200) return count(`HTTP ${status} ${body.code}`);
    for (const { state, code } of body.orders) count(code ?? state);
  };
  const clear = async (): Promise<void> => {
    const { status, body } = await client.call('DELETE', '/v1/orders?market=XLM-USDC');
    if (status !== 200) return count(`cancel: HTTP ${status} ${body.code}`);
    states.set('cancelled', (states.get('cancelled') ?? 0) + body.cancelled.length);
    for (const { reason } of body.left) count(`left: ${reason}`);
  };

  const heaps: number[] = [];
  console.log('\n| orders | seconds | heap after collection MB | connector.db MB |');
  console.log('| --- | --- | --- | --- |');
  for (let tenth = 1; tenth <= 10; tenth++) {
    while (placed < (ORDERS / 10) * tenth) {
      signal.throwIfAborted();
      if (stuck.signal.aborted) throw new Error(`no order was placed for ${STUCK_MS / 1000} s`);
      await Promise.all(Array.from({ length: REQUESTS }, place));
      await clear();
    }
    heaps.push(await inspector.heap());
    const { size } = statSync(join(stand.folder, 'state/connector.db'));
    console.log(`| ${placed} | ${seconds()} | ${megabytes(heaps.at(-1)!)} | ${megabytes(size)} |`);
  }
  clearInterval(progress);
  await client.close();
  const growth = heaps.at(-1)! / heaps[1]!;
  const done = (states.get('filled') ?? 0) + (states.get('cancelled') ?? 0);
  // What failed was not placed: the measurement would say nothing.
  const isDone = done > 0.9 * placed;
  console.log(`${placed} orders: ${JSON.stringify(Object.fromEntries(states))}`);
  console.log(
    `memory: ${growth <= MAX_GROWTH ? 'flat' : 'NOT FLAT'}, the last tenth has ${growth.toFixed(2)} of the second's heap${isDone ? '' : '; TOO FEW were filled or cancelled'}`,
  );
  return growth <= MAX_GROWTH && isDone ? 0 : 1;
});
