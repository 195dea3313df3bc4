import assert from 'node:assert/strict';
import fc from 'fast-check';
import { compare } from './compare.ts';
import { type Answer, answerOf, type Exchange, json, readRecordings } from './recordings.ts';
import type { Schema } from './schema.ts';
import { fixtures, kindOfExchange, learnAll } from './walk.ts';

const recordings = readRecordings(fixtures(false));
const schema: Schema = learnAll(recordings);
const answered = recordings.exchanges.filter((exchange) => answerOf(exchange).status > 0);
const exchange = (n: number): Exchange => recordings.exchanges.find((one) => one.n === n)!;

type Fields = Record<string, object>;

const differences = (one: Exchange, change: (answer: Answer) => Answer): string[] =>
  compare(schema, kindOfExchange(one), answerOf(one), change(answerOf(one))).differences;

/** The answer of `n` with another body. */
const changed = (n: number, change: (body: Fields) => void): string[] =>
  differences(exchange(n), (answer) => {
    const body = json(answer.body) as Fields;
    change(body);
    return { ...answer, body: JSON.stringify(body) };
  });

describe('comparison with recorded answers', () => {
  it('finds nothing between an answer and itself', () => {
    for (const one of answered)
      assert.deepEqual(
        differences(one, (answer) => answer),
        [],
        one.what,
      );
  });

  it('tells another status, content type or a header too many or too few', () => {
    const one = exchange(16);
    assert.match(differences(one, (answer) => ({ ...answer, status: 404 })).join(), /expected 200, got 404/);
    for (const headers of [{ 'content-type': 'text/html' }, { 'retry-after': '1' }, { vary: '' }]) {
      const [name] = Object.keys(headers);
      const found = differences(one, (answer) => ({ ...answer, headers: { ...answer.headers, ...headers } }));
      assert.match(found.join(), new RegExp(`header ${name}`));
    }
    const names = (answer: Answer) => answer.names.map((name) => name.toLowerCase());
    const found = differences(one, (answer) => ({ ...answer, names: names(answer) }));
    assert.ok(found.includes('header Latest-Ledger is spelled latest-ledger'));
    const { 'latest-ledger': _ledger, ...rest } = answerOf(one).headers;
    assert.match(differences(one, (answer) => ({ ...answer, headers: rest })).join(), /header latest-ledger/);
  });

  it('tells a field too many, one too few, and one of another type or format', () => {
    assert.deepEqual(
      changed(6, (body) => delete body.hash),
      ['ledger: lacks hash'],
    );
    assert.deepEqual(
      changed(6, (body) => Object.assign(body, { more: 1 })),
      ['ledger: has more, no recorded one does'],
    );
    assert.match(
      changed(6, (body) => Object.assign(body, { sequence: '153' })).join(),
      /sequence is integer/,
    );
    assert.match(changed(6, (body) => Object.assign(body, { fee_pool: '1.0' })).join(), /fee_pool is text/);
    assert.match(changed(6, (body) => Object.assign(body, { hash: null })).join(), /hash is null/);
    const links = { self: { href: 'http://127.0.0.1:8000/ledger/153' } };
    assert.match(
      changed(6, (body) => Object.assign(body._links!, links)).join(),
      /href is link to BASE.ledger/,
    );
  });

  it('tells an error with another type, field, reason or code', () => {
    for (const [n, key] of [
      [13, 'type'],
      [13, 'detail'],
      [11, 'title'],
    ] as const) {
      assert.match(changed(n, (body) => Object.assign(body, { [key]: 'x' })).join(), new RegExp(key));
    }
    assert.match(changed(13, (body) => Object.assign(body.extras!, { reason: 'x' })).join(), /extras.reason/);
    assert.match(
      changed(13, (body) => Object.assign(body.extras!, { more: 'x' })).join(),
      /extras: expected/,
    );
    const codes = { result_codes: { transaction: 'tx_bad_seq' } };
    assert.match(changed(184, (body) => Object.assign(body.extras!, codes)).join(), /extras.result_codes/);
  });

  it('tells a page whose links name another route, order or limit', () => {
    const href = 'http://127.0.0.1:8000/ledgers?cursor=&limit=4&order=asc';
    assert.match(changed(4, (body) => Object.assign(body._links!, { self: { href } })).join(), /link self/);
  });

  it('tells any field that every recorded object of its kind has, where it is gone', () => {
    const pages = answered.filter((one) => {
      const body = json(answerOf(one).body) as { _embedded?: { records: unknown[] } } | undefined;
      return (body?._embedded?.records.length ?? 0) > 0;
    });
    fc.assert(
      fc.property(fc.constantFrom(...pages), fc.nat(), (one, at) => {
        const found = differences(one, (answer) => {
          const body = json(answer.body) as { _embedded: { records: Record<string, unknown>[] } };
          const record = body._embedded.records[at % body._embedded.records.length]!;
          delete record._links;
          return { ...answer, body: JSON.stringify(body) };
        });
        // Order and path records have no links.
        const hasLinks = JSON.stringify(json(answerOf(one).body)).split('"_links"').length > 2;
        assert.equal(
          found.some((text) => text.endsWith('lacks _links')),
          hasLinks,
        );
      }),
      { numRuns: 50 },
    );
  });
});
