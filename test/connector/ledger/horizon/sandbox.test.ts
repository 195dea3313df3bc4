import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Operation } from '@stellar/stellar-sdk/base';
import { createHorizonClient } from '../../../../connector/ledger/horizon/client.ts';
import type { HorizonClient } from '../../../../connector/ledger/horizon/types.ts';
import { watchBook, watchHeads, watchTrades } from '../../../../connector/ledger/horizon/watch.ts';
import {
  type Clock,
  createTransport,
  realClock,
  type Transport,
} from '../../../../connector/ledger/transport.ts';
import { poolIdentity } from '../../../../connector/market/pool-id.ts';
import { useWorld } from '../../../sandbox/faults/testing.ts';
import { issuer, maker, PASSPHRASE, trader, usdc, xlm } from '../../../sandbox/testing.ts';

const USDC = `USDC:${issuer.publicKey()}`;

describe('connector/ledger/horizon: over a sandbox with faults', function () {
  this.timeout(30_000);
  const world = useWorld();
  let transport: Transport;
  let client: HorizonClient;
  let stop: AbortController;
  /** Waits a twentieth of what it should: for silence, which nobody wants to sit out. */
  const hasty = {
    ...realClock,
    sleep: (ms: number, signal: AbortSignal) => realClock.sleep(ms / 20, signal),
  };
  beforeEach(() => {
    stop = new AbortController();
    const { info } = world.sandbox;
    const endpoint = info.endpoints.find(({ name }) => name === 'horizon')!;
    // The leaf's pin and one of a spare key: another leaf of the same authority is refused.
    const spkiPins = [endpoint.spkiPins[0]!, `sha256/${'A'.repeat(43)}=`];
    transport = createTransport(
      { url: endpoint.url, caFile: info.caFile, spkiPins, addresses: ['127.0.0.1'] },
      { pinMismatch() {}, unknownHost() {} },
    );
    client = createHorizonClient(
      { networkPassphrase: PASSPHRASE, own: { sources: [trader.publicKey()], signer: trader.publicKey() } },
      { transport, events: { answered() {} } },
    );
  });
  afterEach(async () => {
    stop.abort();
    await transport.close();
  });

  const rejects = (work: Promise<unknown>, code: string): Promise<void> => assert.rejects(work, { code });

  it('reads everything of a living market', async () => {
    const { signal } = stop;
    const [root, head] = [await client.root(signal), await client.head(signal)];
    assert.deepEqual([root.networkPassphrase, root.historyLatest], [PASSPHRASE, head.sequence]);
    assert.equal((await client.feeStatistics(signal)).baseFee, head.baseFee);
    const { value: account, ledger } = await client.account(trader.publicKey(), signal);
    assert.deepEqual([account?.balances.length, ledger], [2, head.sequence]);
    const offers = await client.offers('native', USDC, 10, signal);
    assert.deepEqual(
      offers.value?.map(({ seller, amount }) => [seller, amount]),
      [
        [maker.publicKey(), 1_000_000_000n],
        [maker.publicKey(), 10_000_000_000n],
      ],
    );
    assert.equal((await client.offersOf(maker.publicKey(), signal)).value.length, 4);
    const { value: book } = await client.book('native', USDC, 10, signal);
    assert.deepEqual(
      book.asks.map(({ amount }) => amount),
      offers.value.map(({ amount }) => amount),
    );
    // 11 USDC at 0.11 and 100 USDC at 0.10, in lumens.
    assert.deepEqual(
      book.bids.map(({ amount }) => amount),
      [1_000_000_000n, 10_000_000_000n],
    );
    const [path] = (await client.paths('SELL', 'native', USDC, 10_000_000n, signal)).value;
    assert.equal(path?.amountOut, 1_100_000n);
    assert.equal((await client.pool(poolIdentity('native', USDC).id, signal)).value, undefined);
  });

  it('submits both ways, finds what was applied, and sees its trades', async () => {
    const { signal } = stop;
    const draft = world.draft();
    const envelope = draft.toXDR();
    const hash = Buffer.from(draft.hash()).toString('hex');
    assert.equal(await client.transaction(hash, signal), undefined);
    const before = await client.newestTrade({ account: trader.publicKey() }, signal);
    const sync = await world.closing(client.submit(envelope, 'sync', 5_000, signal));
    assert.equal(sync.kind, 'included');
    assert.equal((await client.transaction(hash, signal))?.result.successful, true);
    const [trade] = await client.tradesOf(trader.publicKey(), before, 10, signal);
    assert.ok(trade !== undefined && [trade.baseAccount, trade.quoteAccount].includes(maker.publicKey()));
    assert.equal((await client.trades('native', USDC, 1, signal))[0]?.cursor, trade.cursor);
    const later = world.draft().toXDR();
    assert.equal((await client.submit(later, 'async', 5_000, signal)).kind, 'queued');
    assert.equal((await client.submit(later, 'async', 5_000, signal)).kind, 'queued', 'a duplicate');
    world.sandbox.network.close();
    assert.equal((await client.submit('AAAA', 'sync', 5_000, signal)).kind, 'malformed');
  });

  it('@security says of no submission that it was taken, or not, when nobody can know', async () => {
    const { signal } = stop;
    const submit = (mode: 'sync' | 'async', timeoutMs = 5_000) =>
      client.submit(world.draft().toXDR(), mode, timeoutMs, signal).then(({ kind }) => kind);
    for (const [fault, kinds] of [
      [{ kind: 'submission', fate: 'never' }, ['unknown', 'queued']],
      [{ kind: 'try_again_later' }, ['unknown', 'try-again']],
      [{ kind: 'html', status: 502 }, ['unknown', 'unknown']],
      [{ kind: 'html', status: 200 }, ['unknown', 'unknown']],
      [{ kind: 'body', how: 'abort', bytes: 20 }, ['unknown', 'unknown']],
      [{ kind: 'body', how: 'truncate', bytes: 20 }, ['unknown', 'unknown']],
      [{ kind: 'body', how: 'reset', bytes: 0 }, ['unknown', 'unknown']],
      [{ kind: 'rate_limit', retryAfter: 2 }, ['rate-limited', 'rate-limited']],
    ] as const) {
      world.fault(fault);
      assert.deepEqual([await submit('sync'), await submit('async')], kinds, JSON.stringify(fault));
      world.sandbox.faults.remove();
    }
    world.fault({ kind: 'silent_core' });
    assert.equal(await submit('sync', 100), 'unknown');
    world.sandbox.faults.remove();
    world.fault({ kind: 'certificate', how: 'changed_key' });
    assert.equal(await submit('sync'), 'unsent', 'no pin matches: nothing was sent');
  });

  it('@security believes no forged signatures of our own, and no half answer', async () => {
    const { signal } = stop;
    const draft = world.draft();
    const hash = Buffer.from(draft.hash()).toString('hex');
    await world.closing(client.submit(draft.toXDR(), 'sync', 5_000, signal));
    const ask = () => client.transaction(hash, signal);
    for (const signatures of ['none', 'false'] as const) {
      const id = world.fault({ kind: 'forge_transaction', hash, signatures });
      await rejects(ask(), 'ledger-untrusted');
      world.sandbox.faults.remove(id);
    }
    // A forged result that is whole in itself carries no proof against it: another server must tell.
    const id = world.fault({ kind: 'forge_transaction', hash, result: 'failed' });
    assert.equal((await ask())?.result.successful, false);
    world.sandbox.faults.remove(id);
    for (const [fault, code] of [
      [{ kind: 'html', status: 200 }, 'ledger-untrusted'],
      [{ kind: 'html', status: 404 }, 'ledger-unreachable'],
      [{ kind: 'body', how: 'truncate', bytes: 200 }, 'ledger-untrusted'],
      [{ kind: 'body', how: 'abort', bytes: 200 }, 'ledger-unreachable'],
      [{ kind: 'rate_limit' }, 'rate-limited'],
    ] as const) {
      world.fault(fault);
      await rejects(ask(), code);
      world.sandbox.faults.remove();
    }
  });

  it('@security takes no wrong certificate', async () => {
    for (const how of ['expired', 'self_signed', 'wrong_host', 'tls12', 'changed_key'] as const) {
      world.fault({ kind: 'certificate', how });
      await rejects(client.root(stop.signal), how === 'changed_key' ? 'pin-mismatch' : 'ledger-unreachable');
      world.sandbox.faults.remove();
    }
  });

  it('a stale history is told by the history alone', async () => {
    world.fault({ kind: 'stale_history' });
    world.sandbox.network.close();
    await rejects(client.head(stop.signal), 'ledger-stale');
    assert.ok((await client.account(trader.publicKey(), stop.signal)).value);
  });

  /** Heads as a watcher hears them, counted from where it began. */
  async function listen(clock: Clock = realClock): Promise<{
    seen: number[];
    notes: string[];
    from: number;
    until(last: number): Promise<void>;
  }> {
    const [seen, notes] = [[] as number[], [] as string[]];
    const from = world.sandbox.network.latest.sequence;
    const bell = new EventTarget();
    let stands = (): void => undefined;
    const standing = new Promise<void>((resolve) => {
      stands = resolve;
    });
    watchHeads(
      () => client,
      {
        event({ sequence }) {
          seen.push(sequence - from);
          bell.dispatchEvent(new Event('head'));
        },
        open(gap) {
          notes.push(gap ? 'gap' : 'open');
          stands();
        },
        down: (reason) => void notes.push(reason),
      },
      clock,
      stop.signal,
    );
    await standing;
    return {
      ...{ seen, notes, from },
      async until(last) {
        while (seen.at(-1) !== last) await once(bell as never, 'head');
      },
    };
  }
  const close = (times: number): void => {
    for (let i = 0; i < times; i += 1) world.sandbox.network.close();
  };

  for (const [how, notes] of [
    ['duplicate', ['open']],
    ['replay', ['open']],
    ['skip', ['open', 'gap']],
  ] as const) {
    it(`a stream with a fault: ${how}: each head once, and a gap is told`, async () => {
      world.fault({ kind: 'stream', how, after: 2, path: '/ledgers' });
      const told = await listen();
      close(4);
      await told.until(4);
      assert.deepEqual(told.seen, how === 'skip' ? [1, 2, 4] : [1, 2, 3, 4]);
      assert.deepEqual(told.notes, notes);
    });
  }

  it('a stream that falls silent is found out, and goes on where it stopped', async () => {
    world.fault({ kind: 'stream', how: 'stall', after: 1, path: '/ledgers', times: 1 });
    const told = await listen(hasty);
    close(3);
    await told.until(3);
    assert.deepEqual(told.seen, [1, 2, 3]);
    assert.ok(told.notes.includes('it fell silent'), told.notes.join());
  });

  it('a stream that ends without byebye, and one whose server is cut, go on where they stopped', async () => {
    world.fault({ kind: 'stream', how: 'end', after: 1, path: '/ledgers', times: 1 });
    const told = await listen();
    close(3);
    await told.until(3);
    world.fault({ kind: 'certificate', how: 'expired' });
    world.sandbox.faults.remove();
    close(2);
    await told.until(5);
    assert.deepEqual(told.seen, [1, 2, 3, 4, 5]);
  });

  it('the book comes whole, at the start and when it changed; trades come with their cursor', async () => {
    const [books, trades] = [[] as string[], [] as string[]];
    const bell = new EventTarget();
    const ring = (): boolean => bell.dispatchEvent(new Event('news'));
    const since = await client.newestTrade({ base: 'native', quote: USDC }, stop.signal);
    watchBook(
      () => client,
      { base: 'native', quote: USDC },
      {
        event({ bids, asks }) {
          books.push(`${bids[0]?.amount} ${asks[0]?.amount}`);
          ring();
        },
      },
      realClock,
      stop.signal,
    );
    watchTrades(
      () => client,
      { base: 'native', quote: USDC },
      since,
      {
        event({ baseAmount }, cursor) {
          trades.push(`${baseAmount}`);
          assert.match(cursor, /^\d+-\d+$/);
          ring();
        },
      },
      realClock,
      stop.signal,
    );
    while (books.length < 1) await once(bell as never, 'news');
    const offer = Operation.manageSellOffer({ selling: xlm, buying: usdc, amount: '1', price: '0.11' });
    await world.closing(client.submit(world.draft(offer as never).toXDR(), 'sync', 5_000, stop.signal));
    while (books.length < 2 || trades.length < 1) await once(bell as never, 'news');
    const [before, after] = books.map((text) => BigInt(text.split(' ')[0]!));
    assert.equal(before! - after!, 10_000_000n);
    assert.deepEqual(trades, ['10000000']);
  });
});
