import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRateLimit } from '../../../common/rate.ts';
import { createWindows } from '../../../sidecar/journal/windows.ts';
import { evaluate } from '../../../sidecar/policy/evaluate.ts';
import { parsePolicy } from '../../../sidecar/policy/load.ts';
import type { Offer } from '../../../sidecar/transaction.ts';
import { transaction } from './fixtures.ts';

const FILE = 'examples/signingpolicy-market-maker.yaml';
const { policy } = parsePolicy(FILE, readFileSync(new URL(`../../../${FILE}`, import.meta.url)));
const [ACCOUNT] = policy.spec.accounts;
const [rule] = policy.spec.offers;
const [XLM, USDC] = rule!.pair;

/** 20 levels a side, each at the most that it may sell. `ids` from 1, or 0 for new ones. */
const ladder = (isNew: boolean): Offer[] =>
  Array.from({ length: 40 }, (_, i) => {
    const isBid = i % 2 === 1;
    const cents = BigInt(isBid ? 12000 - i : 12000 + i);
    return {
      type: isBid ? ('manageBuyOffer' as const) : ('manageSellOffer' as const),
      source: undefined,
      selling: isBid ? USDC : XLM,
      buying: isBid ? XLM : USDC,
      amount: 5_000_000_000n,
      price: { n: isBid ? 14n : cents, d: isBid ? 100n : 100_000n },
      offerId: isNew ? 0n : BigInt(i + 1),
    };
  });

describe('signing policy: a market maker’s day @security', () => {
  it('lets 20 offers a side be requoted in every ledger, all day and the next, and nothing beyond', () => {
    const windows = createWindows();
    let atMs = 1_800_000_000_000;
    const rate = createRateLimit(() => atMs);
    const ask = (operations: Offer[]) => {
      const now = BigInt(Math.floor(atMs / 1000));
      const decision = evaluate(
        {
          transaction: transaction({
            source: ACCOUNT!,
            operations,
            fee: BigInt(operations.length) * 100n,
            timeBounds: { minTime: 0n, maxTime: now + 30n },
          }),
        },
        [policy],
        {
          account: ACCOUNT!,
          now,
          total: (key, seconds, spends) => windows.total(key, seconds, spends, atMs),
          hasRate: (budget, perSecond) => budget === 'deletions' || rate.has(perSecond),
          countedFee: undefined,
          isRepeated: false,
        },
      );
      if (!decision.allowed) return decision.refusal.code;
      windows.add(decision.spends, atMs);
      if (decision.budget === 'ordinary') rate.take();
      return decision.budget;
    };
    const refused = new Map<string, number>();
    const started = atMs;
    const requote = ladder(false);
    assert.equal(ask(ladder(true)), 'ordinary');
    for (let ledger = 1; ledger < 17_280 + 300; ledger++) {
      // Somewhere in its slot, since no ledger closes at an exact time; now and then twice.
      atMs = started + ledger * 5_000 + ((ledger * 1_733) % 4_000);
      for (let i = 0; i < (ledger % 97 === 0 ? 2 : 1); i++) {
        const outcome = ask(requote);
        if (outcome !== 'ordinary') refused.set(outcome, (refused.get(outcome) ?? 0) + 1);
      }
    }
    assert.deepEqual([...refused], []);
    const [ask0, bid0] = requote as [Offer, Offer];
    for (const one of [ask0, bid0]) {
      assert.equal(ask([{ ...one, offerId: 99n, amount: 1n }]), 'window-exhausted');
      assert.equal(ask([{ ...one, offerId: 0n, amount: 1n }]), 'window-exhausted');
      assert.equal(ask([one]), 'ordinary');
      assert.equal(ask([{ ...one, amount: 0n }]), 'ordinary');
    }
  }).timeout(30_000);
});
