import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import pino from 'pino';
import { sleep } from '../../common/shutdown.ts';
import { readConnectorFile } from '../../connector/config.ts';
import { parseSlippage, type SwapRequest } from '../../connector/market/quote.ts';
import { createMetrics } from '../../connector/metrics.ts';
import { openRooms } from '../../connector/rooms.ts';
import { clientOf, type Endpoint } from '../e2e/trade.ts';
import { type Asker, openAsker } from './https.ts';
import { closedLoop, median, openLoop } from './load.ts';
import { atEnd, type Stand } from './stand.ts';

const CONNECTIONS = 32;
const PATH = '/trading/router/quote-swap';
/** Quotes of the pure function between two looks at the clock. */
const PURE_BATCH = 100;
const WARM_MS = 3_000;
const AIMS = { perSecond: 1_500, p99: 10 };

/** As many askers as connections; whoever finds none free waits for one. */
function shared(askers: readonly Asker[]): () => Promise<boolean> {
  const free = [...askers];
  const waiting: ((asker: Asker) => void)[] = [];
  return async () => {
    const asker = free.pop() ?? (await new Promise<Asker>((resolve) => waiting.push(resolve)));
    const isOk = await asker.ask();
    const next = waiting.shift();
    if (next === undefined) free.push(asker);
    else next(asker);
    return isOk;
  };
}

const connections = async (endpoint: Endpoint, path: string): Promise<() => Promise<boolean>> => {
  const askers = await Promise.all(Array.from({ length: CONNECTIONS }, () => openAsker(endpoint, path)));
  atEnd(async () => {
    for (const { close } of askers) close();
  });
  return shared(askers);
};

/** The connector's rooms in this process, on the same ledger, for the quote alone. */
async function pureQuotes({ folder, signer }: Stand): Promise<() => Promise<number>> {
  const file = readConnectorFile(join(folder, 'connector.yaml'));
  const cut = new AbortController();
  const log = pino({ level: 'silent' });
  const paths = {
    ADDRESSES_FILE: join(folder, 'addresses.json'),
    SIGNER_SOCKET: signer.socket,
    STATE_DIR: join(folder, 'pure'),
  };
  const rooms = openRooms(
    file,
    // What the rooms do not read is left out.
    paths as unknown as Parameters<typeof openRooms>[1],
    { log, now: Date.now, sleep, metrics: createMetrics() },
    cut.signal,
  );
  rooms.market.start(cut.signal);
  atEnd(async () => {
    cut.abort();
    await rooms.ledger.close();
    rooms.state.close();
  });
  const of = file.markets[0]!;
  const request: SwapRequest = { side: 'SELL', ...of, amount: 100_000_000n, slippage: parseSlippage('1') };
  for (let tries = 0; rooms.market.book(of)?.fresh !== true; tries++) {
    if (tries > 300) throw new Error('the book in this process does not become fresh');
    await sleep(100, cut.signal);
  }
  return async () => {
    const began = performance.now();
    let made = 0;
    while (performance.now() - began < 1_000) {
      for (let i = 0; i < PURE_BATCH; i++) await rooms.market.quote(request, cut.signal);
      made += PURE_BATCH;
    }
    return (made / (performance.now() - began)) * 1_000;
  };
}

/** Quotes over mTLS against Express with the same answer and against the quote alone, in turn. */
export async function benchQuotes(stand: Stand, { rounds, seconds }: { rounds: number; seconds: number }) {
  const { gateway, market } = stand;
  const query = new URLSearchParams({
    ...{ chainNetwork: market.chainNetwork, connector: 'sdex', side: 'SELL', amount: market.amount },
    ...{ baseToken: market.base, quoteToken: market.quote },
  });
  const path = `${PATH}?${query}`;
  const client = clientOf(gateway);
  const answer = await client.call('GET', path);
  await client.close();
  if (answer.status !== 200) throw new Error(`quote: HTTP ${answer.status} ${JSON.stringify(answer.body)}`);
  const child = spawn(
    process.execPath,
    ['test/bench/connector-express.ts', join(stand.folder, 'certs'), PATH, JSON.stringify(answer.body)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  atEnd(async () => child.kill());
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const contenders = {
    connector: await connections(gateway, path),
    Express: await connections({ ...gateway, port: Number(line) }, path),
  };
  const pure = await pureQuotes(stand);
  const rates = { connector: [] as number[], Express: [] as number[], pure: [] as number[] };
  const full = { connector: [] as number[], Express: [] as number[] };
  const half = { connector: [] as number[], Express: [] as number[] };
  const atAim: number[] = [];
  let failed = 0;
  const names = ['connector', 'Express'] as const;
  // What is compiled at first is not measured.
  for (const name of names) await closedLoop(contenders[name], CONNECTIONS, WARM_MS);
  for (let round = 1; round <= rounds; round++) {
    for (const name of names) {
      const measured = await closedLoop(contenders[name], CONNECTIONS, seconds * 1_000);
      rates[name].push(measured.perSecond);
      full[name].push(measured.p99);
      failed += measured.failed;
    }
    const load = rates.connector.at(-1)! / 2;
    for (const name of names) {
      const measured = await openLoop(contenders[name], load, seconds * 1_000);
      half[name].push(measured.p99);
      failed += measured.failed;
    }
    // Half of what is aimed at, too: the connector's own half is more than that where it is faster.
    const aimed = await openLoop(contenders.connector, AIMS.perSecond / 2, seconds * 1_000);
    atAim.push(aimed.p99);
    failed += aimed.failed;
    rates.pure.push(await pure());
    console.log(
      `  round ${round}: connector ${rates.connector.at(-1)!.toFixed(0)}/s, Express ${rates.Express.at(-1)!.toFixed(0)}/s, quote alone ${rates.pure.at(-1)!.toFixed(0)}/s`,
    );
  }
  const three = (values: readonly number[]): string => {
    const sorted = [...values].sort((a, b) => a - b);
    return `${sorted[0]!.toFixed(0)} / ${median(sorted).toFixed(0)} / ${sorted.at(-1)!.toFixed(0)}`;
  };
  console.log(
    '\n| quotes | a second (min / median / max) | p99 ms | p99 ms at half of the connector’s load |',
  );
  console.log('| --- | --- | --- | --- |');
  for (const name of names) {
    const figures = [three(rates[name]), median(full[name]).toFixed(1), median(half[name]).toFixed(1)];
    console.log(`| ${name} | ${figures.join(' | ')} |`);
  }
  console.log(`| quote alone, in process | ${three(rates.pure)} | | |`);
  const [ours, bare] = [median(rates.connector), median(rates.Express)];
  console.log(
    `ratio to Express ${(ours / bare).toFixed(2)}, to the aim of ${AIMS.perSecond}/s ${(ours / AIMS.perSecond).toFixed(2)}, ` +
      `p99 at half load to the aim of ${AIMS.p99} ms ${(median(half.connector) / AIMS.p99).toFixed(2)}, ` +
      `at ${AIMS.perSecond / 2}/s ${(median(atAim) / AIMS.p99).toFixed(2)}, failed ${failed}\n`,
  );
}
