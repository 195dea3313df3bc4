import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { WebSocket } from 'ws';
import type { Endpoint } from '../e2e/trade.ts';
import { summary } from './load.ts';
import { atEnd, type Stand } from './stand.ts';

/** Milliseconds from ledger to ledger: the connector is asked for a change long after the last one was told. */
const CLOSE_MS = 250;
const AIM_MS = 20;

/**
 * A client of the same Horizon stream as the connector's; `told` gets the time at which the bytes of an event came. Horizon ends it
 * after ten events, so that it is opened again and again.
 */
function listen({ host, address, port, ca }: Endpoint, path: string, told: (at: number) => void): void {
  const lookup = (_host: string, _options: unknown, done: (error: null, found: object[]) => void) =>
    done(null, [{ address, family: 4 }]);
  const agent = new Agent({ connect: { ca, servername: host, lookup: lookup as never }, bodyTimeout: 0 });
  const url = `https://${host}:${port}${path}`;
  let isOver = false;
  atEnd(async () => {
    isOver = true;
    await agent.destroy();
  });
  const follow = async (): Promise<void> => {
    while (!isOver) {
      const { body } = await request(url, { dispatcher: agent, headers: { accept: 'text/event-stream' } });
      for await (const chunk of body) {
        const at = performance.now();
        // The stream begins and ends with words of its own.
        if ((chunk as Buffer).includes('"bids"')) told(at);
      }
    }
  };
  follow().catch((error: unknown) => {
    if (!isOver) throw error;
  });
}

/**
 * From the arrival of an event of Horizon's stream to the message at a WebSocket client. The arrival is that of the same event at a
 * stream of this process beside the connector's, the message is stamped here too: one clock. The ledger is closed from here.
 */
export async function benchStream(stand: Stand, { ledgers }: { ledgers: number }): Promise<void> {
  const { gateway, horizon, admin, market } = stand;
  const { address, port, ca, cert, key } = gateway;
  const [code, issuer] = market.quote.split(':') as [string, string];
  const path = `/order_book?${new URLSearchParams({
    ...{ selling_asset_type: 'native', buying_asset_type: 'credit_alphanum4' },
    ...{ buying_asset_code: code, buying_asset_issuer: issuer, limit: '200' },
  })}`;
  let arrived: number | undefined;
  let sent: number | undefined;
  listen(horizon, path, (at) => {
    arrived ??= at;
  });
  const socket = new WebSocket(`wss://${address}:${port}/v1/ws`, { ca, cert, key });
  atEnd(async () => socket.terminate());
  await once(socket, 'open');
  socket.on('message', (data) => {
    const at = performance.now();
    if (String(data).startsWith('{"type":"diff"')) sent ??= at;
  });
  socket.send(JSON.stringify({ op: 'subscribe', channel: 'book', market: 'XLM-USDC' }));
  await delay(1_000);
  const [latencies, whole]: [number[], number[]] = [[], []];
  let missed = 0;
  for (let ledger = 0; ledger < ledgers; ledger++) {
    [arrived, sent] = [undefined, undefined];
    const closed = performance.now();
    await request(`${admin}/close`, { method: 'POST' }).then(({ body }) => body.dump());
    await delay(CLOSE_MS);
    // The connector's stream may just be dialled anew.
    if (arrived === undefined || sent === undefined) missed++;
    else {
      latencies.push(Math.max(0, sent - arrived));
      whole.push(sent - closed);
    }
    if (ledger % 40 === 39) console.log(`  ${ledger + 1} of ${ledgers} ledgers`);
  }
  const [own, all] = [summary(latencies), summary(whole)];
  console.log('\n| book update to WebSocket client | p50 ms | p99 ms | ledgers | missed |');
  console.log('| --- | --- | --- | --- | --- |');
  console.log(
    `| from the event at another client of the stream | ${own.p50.toFixed(1)} | ${own.p99.toFixed(1)} | ${latencies.length} | ${missed} |`,
  );
  console.log(
    `| from the ledger’s close, with the sandbox’s part | ${all.p50.toFixed(1)} | ${all.p99.toFixed(1)} | ${whole.length} | |`,
  );
  console.log(`ratio of p99 to the aim of ${AIM_MS} ms ${(own.p99 / AIM_MS).toFixed(2)}\n`);
}
