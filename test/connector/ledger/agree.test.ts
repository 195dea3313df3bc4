import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Claim, judge } from '../../../connector/ledger/agree.ts';
import { createChain, follow, judgeHeads, type Shown } from '../../../connector/ledger/chain.ts';
import { freshness } from '../../../connector/ledger/checks.ts';
import { outcomesContradict } from '../../../connector/ledger/facts.ts';
import type { HorizonHead } from '../../../connector/ledger/horizon/types.ts';
import type { LedgerTransaction } from '../../../connector/ledger/types.ts';

const claim = (source: string, ledger: number | undefined, key: string): Claim<string> => ({
  ...{ source, ledger, key, value: key },
});

/** What is true of an account at a ledger: it changes now and then. */
const truth = (ledger: number): string => `state after ${Math.floor(ledger / 2)}`;

const lies = fc.record({
  ledger: fc.option(fc.integer({ min: 88, max: 200 }), { nil: undefined }),
  key: fc.oneof(fc.constantFrom('a lie', 'another lie'), fc.integer({ min: 88, max: 104 }).map(truth)),
});

/** Some honest sources, asked once or more, each at ledgers of its own, and at most `need - 1` liars that say anything of any ledger. */
const worlds = fc
  .record({ need: fc.integer({ min: 1, max: 4 }), more: fc.integer({ min: 0, max: 3 }) })
  .chain(({ need, more }) =>
    fc.record({
      need: fc.constant(need),
      honest: fc.array(fc.array(fc.integer({ min: 90, max: 100 }), { minLength: 1, maxLength: 3 }), {
        ...{ minLength: need, maxLength: need + more },
      }),
      liars: fc.array(fc.array(lies, { minLength: 1, maxLength: 3 }), { maxLength: need - 1 }),
    }),
  );

describe('connector/ledger: agreement', () => {
  it('@security with fewer liars than must agree no lie comes through, and nobody honest is called a liar', () => {
    fc.assert(
      fc.property(worlds, ({ need, honest, liars }) => {
        const voters = [
          ...liars.flatMap((said, index) => said.map((it) => claim(`liar ${index}`, it.ledger, it.key))),
          ...honest.flatMap((at, index) => at.map((it) => claim(`honest ${index}`, it, truth(it)))),
        ];
        const { agreed, liars: called } = judge(voters, need);
        assert.ok(called.every((source) => source.startsWith('liar')));
        if (agreed === undefined) return;
        const vouching = honest.flat().filter((ledger) => truth(ledger) === agreed.key);
        assert.ok(vouching.length > 0, `${agreed.key} was never true`);
        // An honest one vouches for a ledger that is not below the one that is named.
        assert.ok(Math.max(...vouching) >= agreed.ledger!);
      }),
      { numRuns: 2_000 },
    );
  });

  it('honest sources at one ledger always agree, whatever the liars say', () => {
    fc.assert(
      fc.property(worlds, ({ need, honest, liars }) => {
        const voters = [
          ...liars.flatMap((said, index) => said.map((it) => claim(`liar ${index}`, it.ledger, it.key))),
          ...honest.map((_, index) => claim(`honest ${index}`, 100, truth(100))),
        ];
        // A lie about the ledger can only put what was true a moment ago in its place.
        const { agreed } = judge(voters, need);
        assert.ok(agreed !== undefined && agreed.ledger! >= 100 && agreed.key === truth(100));
      }),
    );
  });

  it('a source that lags differs without contradicting', () => {
    const { agreed, liars, disputed } = judge(
      [claim('a', 10, 'new'), claim('b', 9, 'old'), claim('c', 10, 'new')],
      2,
    );
    assert.deepEqual([agreed?.key, agreed?.ledger, liars, disputed], ['new', 10, [], []]);
  });

  it('of two values that enough say the later one counts, and a lie about the ledger makes none later', () => {
    const voters = [
      ...[claim('late', 11, 'new'), claim('later', 12, 'new')],
      ...[claim('lags', 10, 'old'), claim('liar', 99, 'old')],
    ];
    assert.deepEqual(
      [judge(voters, 2).agreed?.key, judge(voters.toReversed(), 2).agreed?.key],
      ['new', 'new'],
    );
  });

  it('sources that are never at one ledger at one time agree by what they said for it', () => {
    const voters = [claim('ahead', 11, 'x'), claim('ahead', 12, 'y'), claim('behind', 10, 'w')];
    assert.equal(judge(voters, 2).agreed, undefined);
    const { agreed } = judge([...voters, claim('behind', 11, 'x')], 2);
    assert.deepEqual([agreed?.key, agreed?.ledger], ['x', 11]);
  });

  it('one source that says a thing twice is one source', () => {
    assert.equal(judge([claim('a', 11, 'x'), claim('a', 12, 'x')], 2).agreed, undefined);
    assert.deepEqual(judge([claim('a', 11, 'x'), claim('a', 11, 'y')], 2).disputed, []);
    const told = [claim('a', 10, 'x'), claim('a', 10, 'x'), claim('b', 10, 'y')];
    assert.deepEqual([judge(told, 2).liars, judge(told, 2).disputed], [[], ['a', 'b']]);
  });

  it('@security two that contradict each other are both in dispute, and neither is believed', () => {
    const { agreed, liars, disputed } = judge([claim('a', 10, 'x'), claim('b', 10, 'y')], 2);
    assert.deepEqual([agreed, liars, disputed], [undefined, [], ['a', 'b']]);
  });

  it('@security one against enough for the same ledger is a liar, in quarantine too', () => {
    const voters = [claim('a', 10, 'x'), claim('b', 10, 'x'), claim('c', 10, 'y')];
    assert.deepEqual(judge(voters, 2).liars, ['c']);
    assert.deepEqual(judge(voters.slice(0, 2), 2, [claim('d', 10, 'y')]).liars, ['d']);
    assert.deepEqual(judge(voters, 2).disputed, []);
  });
});

const START = 1_800_000_000_000;
const head = (sequence: number, changes: Partial<HorizonHead> = {}): HorizonHead => ({
  ...{ sequence, closedAt: START + sequence * 5_000, baseFee: 100n, baseReserve: 5_000_000n },
  ...{ hash: `hash ${sequence}`, previousHash: `hash ${sequence - 1}` },
  ...changes,
});
const shown = (source: string, ...heads: HorizonHead[]): Shown => {
  const chain = createChain();
  for (const one of heads) assert.equal(follow(chain, one), undefined);
  return { source, head: heads.at(-1)!, chain };
};

describe('connector/ledger: outcomes', () => {
  const told = (at: number, found: boolean, oldest = 1) => ({
    ...{ source: 'any', ledger: at, key: '' },
    value: { oldest, found: found ? ({ ledger: at } as LedgerTransaction) : undefined },
  });

  it('@security who has a transaction contradicts whose history reaches over its ledger, and another ledger or result', () => {
    const cases: [string, ReturnType<typeof told>, ReturnType<typeof told>, boolean][] = [
      ['history reaches over it', told(10, true), told(10, false), true],
      ['history ends before it', told(10, true), told(9, false), false],
      ['history begins after it', told(10, true), told(20, false, 11), false],
      ['another ledger', told(10, true), told(15, true), true],
      ['both have it not', told(10, false), told(15, false), false],
    ];
    for (const [name, a, b, expected] of cases) {
      assert.deepEqual([outcomesContradict(a, b), outcomesContradict(b, a)], [expected, expected], name);
    }
  });
});

describe('connector/ledger: heads', () => {
  it('@security a source that tells two stories of one ledger contradicts itself', () => {
    const cases: [string, HorizonHead, RegExp][] = [
      ['another hash', head(10, { hash: 'other' }), /ledger 10 has another hash/],
      ['another past', head(11, { previousHash: 'other' }), /ledger 10 has another hash/],
      ['another number', head(1_010, { hash: 'hash 10', previousHash: 'hash 9' }), /the same hash/],
      ['another time', head(12, { closedAt: START }), /closed before/],
    ];
    for (const [name, lie, says] of cases) {
      const { chain } = shown(name, head(9), head(10));
      assert.match(follow(chain, lie) ?? '', says, name);
      assert.equal(follow(chain, head(11)), undefined, 'nothing of the lie is noted');
    }
  });

  it('@security a number far ahead is found out by the next true ledger, and does not mute its source', () => {
    const { chain } = shown('glitch', head(10), head(1_010, { closedAt: head(11).closedAt }));
    assert.match(follow(chain, head(12)) ?? '', /ledger 1010 closed before ledger 12/);
  });

  it('a head is of now when it is at most 30 s old and at most 15 s ahead of our clock', () => {
    const ages = [30_000, 30_001, -15_000, -15_001];
    const told = ages.map((age) => freshness(head(10), head(10).closedAt + age) === undefined);
    assert.deepEqual(told, [true, false, true, false]);
  });

  it('a source that goes back lags, and is honest', () => {
    const { chain } = shown('behind a balancer', head(9), head(12));
    assert.equal(follow(chain, head(10)), undefined);
    assert.equal(chain.top?.sequence, 12);
  });

  it('the freshest ledger that enough have under one hash', () => {
    const voters = [shown('a', head(12), head(13)), shown('b', head(13), head(14)), shown('c', head(11))];
    assert.equal(judgeHeads(voters, 1).agreed?.value.head.sequence, 14);
    assert.equal(judgeHeads(voters, 2).agreed?.value.head.sequence, 13);
    assert.equal(judgeHeads(voters, 3).agreed, undefined);
  });

  it('@security another hash or number of a ledger is contradicted by the sources that have it', () => {
    const two = [shown('a', head(10)), shown('b', head(11))];
    const lies = [head(11, { hash: 'other' }), head(11, { previousHash: 'other' })];
    for (const lie of lies) {
      const verdict = judgeHeads([...two, shown('a too', head(11)), shown('liar', lie)], 2);
      assert.deepEqual([verdict.agreed?.value.head.hash, [...new Set(verdict.liars)]], ['hash 11', ['liar']]);
    }
    const alone = judgeHeads([two[0]!, shown('liar', head(10, { hash: 'other' }))], 2);
    assert.deepEqual([alone.agreed?.value, new Set(alone.disputed)], [undefined, new Set(['a', 'liar'])]);
  });

  it('@security with fewer liars than must agree no false head comes through, and nobody honest is called a liar', () => {
    fc.assert(
      fc.property(worlds, ({ need, honest, liars }) => {
        const voters = [
          ...liars.map(([first], index) => {
            const { ledger = 95, key } = first!;
            return shown(`liar ${index}`, head(ledger, { hash: key, previousHash: `before ${key}` }));
          }),
          ...honest.map(([ledger], index) => shown(`honest ${index}`, head(ledger! - 1), head(ledger!))),
        ];
        const { agreed, liars: called } = judgeHeads(voters, need);
        assert.ok(called.every((source) => source.startsWith('liar')));
        const it = agreed?.value.head;
        if (it !== undefined) assert.equal(it.hash, `hash ${it.sequence}`);
      }),
      { numRuns: 1_000 },
    );
  });
});
