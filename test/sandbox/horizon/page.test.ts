import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ClosedLedger } from '../ledger/close.ts';
import type { Network } from '../network.ts';
import type { HorizonRequest } from './http.ts';
import { historyList, isNumberCursor, isPairCursor, pageOf, type RowsOf, tokenOf } from './page.ts';
import { HorizonProblem } from './problems.ts';

const FIRST = 10;

/** A history of ledgers with `counts[i]` records each, two effects to each even operation. */
const tokensIn = (sequence: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${tokenOf(sequence, 1, 1 + Math.floor(i / 2))}-${1 + (i % 2)}`);

function worldOf(counts: readonly number[]) {
  const ledgers = counts.map((_, i) => ({ sequence: FIRST + i }) as ClosedLedger);
  const network = { ledgers, latest: ledgers.at(-1)! } as unknown as Network;
  const rowsOf: RowsOf = ({ sequence }) =>
    tokensIn(sequence, counts[sequence - FIRST]!).map((token) => ({ token, render: () => token }));
  return { network, rowsOf };
}

interface Page {
  _links: Record<'self' | 'next' | 'prev', { href: string }>;
  _embedded: { records: string[] };
}

const BASE = 'https://horizon.test';

/** The page at a link or a query. */
function get({ network, rowsOf }: ReturnType<typeof worldOf>, href: string, isCursor = isPairCursor): Page {
  const { pathname, searchParams } = new URL(href, BASE);
  const request = { network, base: BASE, path: pathname, query: searchParams } as HorizonRequest;
  return pageOf(
    request,
    historyList(request, isCursor, () => rowsOf),
  ) as Page;
}

const extrasOf = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    if (error instanceof HorizonProblem) return error.body.extras ?? error.body.title;
  }
  return undefined;
};

describe('pages of the history', () => {
  const counts = fc.array(fc.nat(5), { minLength: 1, maxLength: 6 });
  const orders = fc.constantFrom<'asc' | 'desc'>('asc', 'desc');

  it('following next, whatever the limit and order, shows everything once', () => {
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 7 }), orders, (sizes, limit, order) => {
        const world = worldOf(sizes);
        const all = sizes.flatMap((count, i) => tokensIn(FIRST + i, count));
        const seen: string[] = [];
        let href = `/effects?limit=${limit}&order=${order}`;
        for (let pages = 0; pages <= all.length; pages += 1) {
          const page = get(world, href);
          if (page._embedded.records.length === 0) break;
          seen.push(...page._embedded.records);
          href = page._links.next.href;
        }
        assert.deepEqual(seen, order === 'asc' ? all : all.toReversed());
      }),
    );
  });

  it('prev of the second page is the first one, turned', () => {
    const world = worldOf([3, 0, 4]);
    const first = get(world, '/effects?limit=3');
    const second = get(world, first._links.next.href);
    assert.equal(second._embedded.records.length, 3);
    assert.deepEqual(
      get(world, second._links.prev.href)._embedded.records.toReversed(),
      first._embedded.records,
    );
  });

  it('links repeat the parameters, sorted; an empty page links to itself', () => {
    const { _links: links } = get(worldOf([0, 0]), '/effects?order=asc&foo=a:b&limit=2');
    assert.equal(links.self.href, `${BASE}/effects?cursor=&foo=a%3Ab&limit=2&order=asc`);
    assert.equal(links.next.href, links.self.href);
    assert.equal(links.prev.href, `${BASE}/effects?cursor=&foo=a%3Ab&limit=2&order=desc`);
  });

  it('now is behind the newest ledger, for those that page on and back', () => {
    const world = worldOf([1, 2]);
    const now = String(tokenOf(FIRST + 2) - 1n);
    const ahead = get(world, '/effects?cursor=now');
    assert.deepEqual(ahead._embedded.records, []);
    assert.match(ahead._links.next.href, new RegExp(`cursor=${now}&`));
    const back = get(world, '/effects?cursor=now&order=desc&limit=1');
    assert.deepEqual(back._embedded.records, [tokensIn(FIRST + 1, 2)[1]]);
  });

  it('a lone id stands behind all of its own', () => {
    const world = worldOf([4]);
    const [a, b, c, d] = tokensIn(FIRST, 4);
    const id = a!.split('-')[0];
    assert.deepEqual(get(world, `/effects?cursor=${id}`)._embedded.records, [c, d]);
    assert.deepEqual(get(world, `/effects?cursor=${id}-1`)._embedded.records, [b, c, d]);
  });

  it('before the first kept ledger: gone when descending, the beginning when ascending', () => {
    const world = worldOf([1]);
    const gone = () => get(world, `/effects?cursor=${tokenOf(FIRST)}&order=desc`);
    assert.match(String(extrasOf(gone)), /Before Recorded History/);
    assert.equal(get(world, '/effects?cursor=1')._embedded.records.length, 1);
  });

  it('a wrong cursor, order or limit is named, in this order', () => {
    const ask = (query: string, isCursor = isNumberCursor) =>
      (extrasOf(() => get(worldOf([1]), `/ledgers?${query}`, isCursor)) as { invalid_field: string })
        .invalid_field;
    assert.equal(ask('cursor=-5&order=up&limit=0'), 'cursor');
    assert.equal(ask('cursor=abc&order=up&limit=0'), 'order');
    assert.equal(ask('cursor=abc&limit=0'), 'limit');
    assert.equal(ask('cursor=abc'), 'cursor');
    assert.equal(ask('cursor=1-1'), 'cursor');
    assert.equal(ask('cursor=9223372036854775808'), 'cursor');
    assert.equal(ask('cursor=1-x', isPairCursor), 'cursor');
  });

  it('a stream that asks behind its last token gets only what is new', () => {
    const world = worldOf([2]);
    const request = {
      network: world.network,
      base: BASE,
      path: '/effects',
      query: new URLSearchParams('cursor=now'),
    } as HorizonRequest;
    const list = historyList(
      request,
      isPairCursor,
      () =>
        ({ sequence }) =>
          tokensIn(sequence, 2).map((token) => ({ token, render: () => token })),
    );
    assert.deepEqual([...list.after(list.paging.cursor)], []);
    (world.network.ledgers as ClosedLedger[]).push({ sequence: FIRST + 1 } as ClosedLedger);
    const fresh = [...list.after(list.paging.cursor)].map(({ token }) => token);
    assert.deepEqual(fresh, tokensIn(FIRST + 1, 2));
    assert.deepEqual([...list.after(fresh.at(-1)!)], []);
  });
});
