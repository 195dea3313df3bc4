import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isCoded } from '../../../common/errors.ts';
import { createHorizonClient } from '../../../connector/ledger/horizon/client.ts';
import { readSubmitAnswer } from '../../../connector/ledger/horizon/submit.ts';
import type { HorizonClient } from '../../../connector/ledger/horizon/types.ts';
import { createSseParser } from '../../../connector/ledger/sse.ts';
import type { Answer } from '../../../connector/ledger/transport.ts';
import { decodeLedgerResult, envelopeHash, verifyTransaction } from '../../../connector/ledger/verify.ts';
import {
  ISSUER,
  RECORDED_PASSPHRASE as networkPassphrase,
  type Recorded,
  recorded,
  recordings,
  replay,
} from '../ledger/recordings.ts';

/** Cases in all; more where there is time. */
const CASES = Number(process.env.FUZZ_CASES ?? 5_000);
const MAX = 2n ** 63n - 1n;
const USDC = `USDC:${ISSUER}`;
const LONG = `LONGEURTOKN:${ISSUER}`;
const MAKER = 'GCVQ3AURWJCNWDIK6SRVFTLLA6E3QMJ7YQS4JKL4N6H5JL6EMSDSNGDJ';
const TAKER = 'GCBPUWEHWJM2G2N7VNNNHJT7SGUU64V5GIQNZTZFDRLGBCR3YIQO3HIW';
const POOL = '9b8e84bb498ab186bf43ff54b91cc7a477b3d8e0180318b4c3edbda2b8ac73b1';
const signal = new AbortController().signal;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Values that break parsers, in the place of any value. */
const hostile = fc.oneof(
  fc.constantFrom<Json>(
    ...['-1.0000000', '922337203685.4775808', '922337203685.4775807', '9223372036854775808', '-1', '0', '00'],
    ...['1e3', '0.1', '1.00000000', ' 1.0000000', '１.0000000', 'NaN', 'Infinity', '0x10', '', '\u0000'],
    ...[-1, 0, 1.5, 1e308, -1e-308, 2 ** 31, 2 ** 32, 2 ** 53, 4294967295, null, true, false],
    ...['native', 'XLM', `USDC:${ISSUER}`, ISSUER, 'a'.repeat(5_000), '9'.repeat(400)],
    ...[[], {}, [[]], { n: 0, d: 0 }, { n: 1, d: 2147483647 }, { n: 2147483647, d: 1 }, { n: -1, d: 1 }],
  ),
  fc.string(),
  fc.integer(),
  fc.double(),
  fc.jsonValue() as fc.Arbitrary<Json>,
);

interface Mutation {
  where: number;
  how: 'replace' | 'remove' | 'repeat' | 'swap';
  value: Json;
}
const mutation: fc.Arbitrary<Mutation> = fc.record({
  where: fc.nat(),
  how: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'repeat', 'swap'),
  value: hostile,
});

/** Every place in a value that can be changed: its owner and its key there. */
function places(value: Json, found: [Json[] | Record<string, Json>, string][] = []): typeof found {
  if (value === null || typeof value !== 'object') return found;
  for (const [key, inner] of Object.entries(value)) {
    if (key === '_links') continue;
    found.push([value, key]);
    places(inner, found);
  }
  return found;
}

function mutate(text: string, mutations: readonly Mutation[]): string {
  let body: Json;
  try {
    body = JSON.parse(text) as Json;
  } catch {
    return text;
  }
  for (const { where, how, value } of mutations) {
    const all = places(body);
    const [owner, key] = all[where % Math.max(1, all.length)] ?? [];
    if (owner === undefined || key === undefined) continue;
    const at = owner as Record<string, Json>;
    if (how === 'replace') at[key] = structuredClone(value);
    else if (how === 'remove') Array.isArray(owner) ? owner.splice(Number(key), 1) : delete at[key];
    else if (how === 'repeat' && Array.isArray(owner))
      owner.push(...Array.from({ length: 250 }, () => structuredClone(at[key]!)));
    else {
      const other = Object.keys(owner)[where % Object.keys(owner).length]!;
      [at[key], at[other]] = [at[other]!, at[key]!];
    }
  }
  return JSON.stringify(body);
}

const torn = fc.record({ from: fc.nat(10_000), length: fc.nat(20), put: fc.string() });

/** A recorded answer with its values exchanged, or its text torn. */
const forged = (base: Answer): fc.Arbitrary<Answer> =>
  fc
    .oneof(
      {
        weight: 6,
        arbitrary: fc.array(mutation, { minLength: 1, maxLength: 4 }).map((all) => mutate(base.body, all)),
      },
      {
        weight: 1,
        arbitrary: torn.map(({ from, length, put }) => {
          const at = from % (base.body.length + 1);
          return base.body.slice(0, at) + put + base.body.slice(at + length);
        }),
      },
    )
    .map((body) => ({ ...base, body }));

/** Every amount, count and price of an answer is one that the ledger can hold. */
function assertHoldable(value: unknown, path = ''): void {
  if (typeof value === 'bigint') assert.ok(value >= 0n && value <= MAX, `${path}: ${value}`);
  else if (typeof value === 'number') assert.ok(Number.isFinite(value) && value >= 0, `${path}: ${value}`);
  else if (Array.isArray(value)) {
    assert.ok(value.length <= 2_001, `${path}: ${value.length} entries`);
    for (const [index, each] of value.entries()) assertHoldable(each, `${path}.${index}`);
  } else if (value !== null && typeof value === 'object') {
    for (const [key, each] of Object.entries(value)) {
      if (key === 'operations') continue;
      if (/^(numerator|denominator)$/.test(key)) assert.ok((each as bigint) > 0n, `${path}.${key}`);
      assertHoldable(each, `${path}.${key}`);
    }
  }
}

const reads: [name: string, n: number, ask: (client: HorizonClient) => Promise<unknown>][] = [
  ['root', 1, (client) => client.root(signal)],
  ['head', 14, (client) => client.head(signal)],
  ['fee statistics', 273, (client) => client.feeStatistics(signal)],
  ['account', 17, (client) => client.account(MAKER, signal)],
  ['offers of an account', 41, (client) => client.offersOf(MAKER, signal)],
  ['offers of a book', 74, (client) => client.offers(USDC, 'native', 100, signal)],
  ['book', 82, (client) => client.book(USDC, 'native', 200, signal)],
  ['book, turned', 84, (client) => client.book('native', USDC, 200, signal)],
  ['pool', 125, (client) => client.pool(POOL, signal)],
  ['paths', 110, (client) => client.paths('BUY', 'native', LONG, 50_000_000n, signal)],
  ['transaction', 49, (client) => client.transaction(JSON.parse(recorded(49).body).hash, signal)],
  ['fee bump', 60, (client) => client.transaction(JSON.parse(recorded(60).body).hash, signal)],
  ['trades of an account', 101, (client) => client.tradesOf(TAKER, '0-0', 200, signal)],
  ['trades of a pair', 93, (client) => client.trades(USDC, 'native', 200, signal)],
];

const EXPECTED = ['ledger-untrusted', 'ledger-unreachable', 'ledger-stale', 'rate-limited'];

async function holds(answer: Answer, ask: (client: HorizonClient) => Promise<unknown>): Promise<void> {
  const client = createHorizonClient(
    { networkPassphrase },
    { transport: replay(answer), events: { answered() {} } },
  );
  try {
    assertHoldable(await ask(client));
  } catch (error) {
    if (isCoded(error) && EXPECTED.includes(error.code)) return;
    throw error;
  }
}

describe('connector/ledger: no answer of a Horizon crashes, hangs or yields what the ledger cannot hold', function () {
  this.timeout(Math.max(20_000, CASES * 20));
  const share = Math.ceil(CASES / (reads.length + 4));

  for (const [name, n, ask] of reads) {
    it(`@security ${name}`, () =>
      fc.assert(
        fc.asyncProperty(forged(recorded(n)), (answer) => holds(answer, ask)),
        { numRuns: share },
      ));
  }

  /** What once broke a parser. */
  const crashers: [name: string, change: object][] = [
    ['head', { paging_token: ':' }],
    ['head', { sequence: 1.5 }],
  ];
  for (const [name, change] of crashers) {
    it(`@security once a crash: ${name} with ${JSON.stringify(change)}`, async () => {
      const [, n, ask] = reads.find(([each]) => each === name)!;
      const body = JSON.parse(recorded(n).body);
      Object.assign(body._embedded.records[0], change);
      await assert.rejects(
        ask(
          createHorizonClient(
            { networkPassphrase },
            {
              transport: replay({ ...recorded(n), body: JSON.stringify(body) }),
              events: { answered() {} },
            },
          ),
        ),
        { code: 'ledger-untrusted' },
      );
    });
  }

  it('@security any recorded answer to any question', () =>
    fc.assert(
      fc.asyncProperty(fc.constantFrom(...recordings), fc.constantFrom(...reads), (answer, [, , ask]) =>
        holds(answer, ask),
      ),
      { numRuns: share },
    ));

  const submissions = recordings.filter(({ asked }) => asked.method === 'POST');
  const kinds = ['included', 'failed', 'malformed', 'queued', 'try-again', 'unknown', 'rate-limited'];

  it('@security submissions: one of the known answers, and included only what was sent', () =>
    fc.assert(
      fc.property(
        fc.constantFrom(...submissions).chain((base) => fc.tuple(fc.constant(base), forged(base))),
        fc.constantFrom(200, 201, 400, 409, 415, 429, 503, 504),
        fc.boolean(),
        ([base, answer]: [Recorded, Answer], status, keep) => {
          const envelope = decodeURIComponent(
            (base.asked.body ?? '').replace(/^tx=/, '').replaceAll('+', '%20'),
          );
          const mode = base.asked.path.endsWith('_async') ? 'async' : 'sync';
          const sent = keep ? answer : { ...answer, status };
          const read = readSubmitAnswer(sent, mode, envelope, { networkPassphrase });
          assert.ok(kinds.includes(read.kind));
          if (read.kind !== 'included') return;
          assert.equal(
            envelopeHash(read.transaction.envelopeXdr, networkPassphrase),
            envelopeHash(envelope, networkPassphrase),
          );
          assertHoldable(read.transaction);
        },
      ),
      { numRuns: share },
    ));

  it('@security envelopes and results of any bytes', () =>
    fc.assert(
      fc.property(
        fc.constantFrom(49, 50, 59, 60),
        fc.constantFrom('envelope_xdr', 'result_xdr'),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.option(fc.nat()),
        (n, field, changes, cut) => {
          const body = JSON.parse(recorded(n).body);
          const bytes = Buffer.from(body[field], 'base64');
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          const end = cut === null ? bytes.length : cut % (bytes.length + 1);
          body[field] = bytes.subarray(0, end).toString('base64');
          decodeLedgerResult(body.result_xdr);
          try {
            const { hash, ledger, successful, envelope_xdr: envelopeXdr, result_xdr: resultXdr } = body;
            const believed = verifyTransaction(
              { hash, ledger, successful, envelopeXdr, resultXdr },
              { networkPassphrase },
            );
            // Signatures are no part of what is hashed.
            assert.ok(believed.result.feeCharged >= 0n);
          } catch (error) {
            assert.ok(isCoded(error, 'ledger-untrusted'), String(error));
          }
        },
      ),
      { numRuns: share },
    ));

  it('@security streams of any bytes', () =>
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 50 }),
            fc
              .constantFrom(
                'data: {}\n\n',
                'id: 1\n',
                '\r',
                '\n',
                'retry: 99999999999\n',
                'event: close\n',
                ':',
                '\ufeff',
              )
              .map((text) => Buffer.from(text)),
          ),
          { maxLength: 30 },
        ),
        (chunks) => {
          const parse = createSseParser(400);
          try {
            for (const event of chunks.flatMap(parse)) assert.ok(event.data.length <= 400);
          } catch (error) {
            assert.ok(isCoded(error, 'ledger-untrusted'), String(error));
          }
        },
      ),
      { numRuns: share },
    ));
});
