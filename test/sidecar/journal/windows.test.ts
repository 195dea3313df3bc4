import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Spend } from '../../../sidecar/journal/entry.ts';
import { createWindows, SLOT_SECONDS } from '../../../sidecar/journal/windows.ts';

const swap = (amount: string, changes: Partial<Spend> = {}): Spend => ({
  kind: 'swap',
  asset: 'XLM',
  pair: 'A XLM',
  amount,
  ...changes,
});
const offer = (amount: string, id?: string): Spend =>
  swap(amount, { kind: 'offer', ...(id === undefined ? {} : { offer: id }) });
const SWAP = { kind: 'swap', asset: 'XLM', pair: 'A XLM' } as const;
const OFFER = { ...SWAP, kind: 'offer' } as const;

describe('windows @security', () => {
  it('counts at least what was signed in the window, and at most a slot more', () => {
    const windows = createWindows();
    windows.add([swap('5'), swap('7')], 4_999);
    assert.equal(windows.total(SWAP, 60, [], 64_999), 12n);
    assert.equal(windows.total(SWAP, 60, [], 65_000), 0n);
    assert.equal(windows.total(SWAP, 3_600, [swap('1')], 65_000), 13n);
  });

  it('knows kinds, assets and pairs apart', () => {
    const windows = createWindows();
    const fee: Spend = { kind: 'fee', asset: 'XLM', amount: '8' };
    windows.add([swap('1'), swap('2', { asset: 'A' }), swap('4', { pair: 'B XLM' }), fee], 0);
    assert.equal(windows.total(SWAP, 60, [swap('100', { asset: 'A' }), fee], 0), 1n);
    assert.equal(windows.total({ ...SWAP, asset: 'A' }, 60, [], 0), 2n);
    assert.equal(windows.total({ ...SWAP, pair: 'B XLM' }, 60, [], 0), 4n);
    assert.equal(windows.total({ kind: 'fee', asset: 'XLM' }, 60, [], 0), 8n);
  });

  it('counts a changed offer once in a slot at its largest, and every new one in full', () => {
    const windows = createWindows();
    windows.add([offer('10', '1'), offer('10')], 0);
    windows.add([offer('7', '1'), offer('10')], 1_000);
    windows.add([offer('12', '1'), offer('3', '2')], 4_999);
    assert.equal(windows.total(OFFER, SLOT_SECONDS, [], 4_999), 35n);
    assert.equal(windows.total(OFFER, SLOT_SECONDS, [offer('15', '1'), offer('16', '1')], 4_999), 39n);
    assert.equal(windows.total(OFFER, SLOT_SECONDS, [offer('12', '1')], 5_000), 12n);
  });

  it('remembers seven days, through any number of slots, and forgets then', () => {
    const windows = createWindows();
    const day = 86_400_000;
    for (let at = 0; at < 9 * day; at += 60_000) windows.add([swap('1')], at);
    const end = 9 * day - 1;
    assert.equal(windows.total(SWAP, 604_800, [], end), 7n * 24n * 60n);
    assert.equal(windows.total(SWAP, 60, [], end), 1n);
    assert.ok(windows.save()[0]!.amounts.split(' ').length < 7 * 24 * 60 + 1_100);
  });

  it('counts in the newest slot what a time before it brings', () => {
    const windows = createWindows();
    windows.add([swap('3')], 1_000_000);
    windows.add([swap('4')], 500_000);
    assert.equal(windows.total(SWAP, 60, [], 500_000), 7n);
    assert.equal(windows.total(SWAP, 60, [], 1_064_999), 7n);
  });

  it('is the same after a restart, and stays so with what is added later', () => {
    const spends = fc.array(
      fc.record({
        at: fc.integer({ min: 0, max: 40_000 }),
        offer: fc.constantFrom(undefined, '1', '2'),
        amount: fc.integer({ min: 1, max: 100 }),
      }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(spends, spends, (early, late) => {
        const before = createWindows();
        const after = createWindows();
        let at = 0;
        for (const one of early) {
          at += one.at;
          before.add([offer(`${one.amount}`, one.offer)], at);
        }
        after.load(before.save());
        for (const windows of [before, after]) {
          let then = at;
          for (const one of late) {
            then += one.at;
            windows.add([offer(`${one.amount}`, one.offer)], then);
          }
        }
        assert.deepEqual(after.save(), before.save());
      }),
    );
  });

  it('says of a window what a plain reading of the rule says', () => {
    const steps = fc.array(
      fc.record({
        gap: fc.integer({ min: 0, max: 20_000 }),
        kind: fc.constantFrom('swap' as const, 'offer' as const),
        offer: fc.constantFrom(undefined, '1', '2'),
        amount: fc.integer({ min: 1, max: 100 }),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 120 }), (all, seconds) => {
        const windows = createWindows();
        let at = 0;
        const signed = all.map(({ gap, kind, offer: id, amount }) => {
          const spend = kind === 'offer' ? offer(`${amount}`, id) : swap(`${amount}`);
          at += gap;
          windows.add([spend], at);
          return { spend, at };
        });
        const slotOf = (time: number) => Math.floor(time / 5_000);
        for (const key of [SWAP, OFFER]) {
          const count = Math.ceil(seconds / 5) + (key.kind === 'offer' ? 0 : 1);
          const inside = signed.filter(
            (one) => one.spend.kind === key.kind && slotOf(one.at) > slotOf(at) - count,
          );
          let sum = 0n;
          const largest = new Map<string, bigint>();
          for (const { spend, at: time } of inside) {
            const name = `${slotOf(time)} ${spend.offer}`;
            const amount = BigInt(spend.amount);
            if (spend.offer === undefined) sum += amount;
            else if (amount > (largest.get(name) ?? 0n)) largest.set(name, amount);
          }
          for (const amount of largest.values()) sum += amount;
          assert.equal(windows.total(key, seconds, [], at), sum);
        }
      }),
    );
  });
});
