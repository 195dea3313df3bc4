import assert from 'node:assert/strict';
import type { Keypair } from '@stellar/stellar-sdk/base';
import * as xdr from '@stellar/stellar-sdk/xdr';
import { toXdrAsset } from '../../../connector/market/asset.ts';
import { readOutcome, type Step } from '../../../connector/orders/steps.ts';
import { trader } from '../../sandbox/testing.ts';
import { market, taker, UNIT, USDC } from './orders-rig.ts';

const self = trader.publicKey();
const keyOf = (key: Keypair) => xdr.AccountId.publicKeyTypeEd25519(key.rawPublicKey());

const step = (change: Partial<Step> = {}): Step => ({
  ...{ action: 'place', id: 'o-1', offerId: '0', market, side: 'SELL', price: { n: 1n, d: 8n } },
  amount: 10n * UNIT,
  ...change,
});

interface Shown {
  seller?: Keypair;
  offerId?: bigint;
  selling?: string;
  buying?: string;
  amount?: bigint;
  price?: [number, number];
  effect?: 'manageOfferCreated' | 'manageOfferUpdated' | 'manageOfferDeleted';
  claims?: { sold?: string; bought?: string; got: bigint; gave: bigint }[];
  as?: 'manageSellOffer' | 'manageBuyOffer';
}

/** A result as a server would show it: 8 of 10 rest after 2 were sold for 0.25, unless told otherwise. */
function shown(change: Shown = {}): xdr.OperationResult {
  const { seller = trader, offerId = 7n, selling = 'native', buying = USDC, amount = 8n * UNIT } = change;
  const { price: [n, d] = [1, 8], effect = 'manageOfferCreated', as = 'manageSellOffer' } = change;
  const { claims = [{ got: 2_500_000n, gave: 2n * UNIT }] } = change;
  const entry = new xdr.OfferEntry({
    ...{ sellerId: keyOf(seller), offerId, selling: toXdrAsset(selling), buying: toXdrAsset(buying), amount },
    ...{ price: new xdr.Price({ n, d }), flags: 0, ext: xdr.OfferEntryExt.v0() },
  });
  const offersClaimed = claims.map(({ sold = USDC, bought = 'native', got, gave }) =>
    xdr.ClaimAtom.claimAtomTypeOrderBook(
      new xdr.ClaimOfferAtom({
        ...{ sellerId: keyOf(taker), offerId: 3n, assetSold: toXdrAsset(sold), amountSold: got },
        ...{ assetBought: toXdrAsset(bought), amountBought: gave },
      }),
    ),
  );
  const offer = xdr.ManageOfferSuccessResultOffer[effect](entry);
  const success = new xdr.ManageOfferSuccessResult({ offersClaimed, offer });
  return xdr.OperationResult.opInner(
    as === 'manageSellOffer'
      ? xdr.OperationResultTr.manageSellOffer(xdr.ManageSellOfferResult.manageSellOfferSuccess(success))
      : xdr.OperationResultTr.manageBuyOffer(xdr.ManageBuyOfferResult.manageBuyOfferSuccess(success)),
  );
}

describe('connector/orders/steps', () => {
  it('reads what an offer took and what rests', () => {
    assert.deepEqual(readOutcome(step(), shown(), self), {
      ...{ takenBase: 2n * UNIT, takenQuote: 2_500_000n, resting: { offerId: '7', remaining: 8n * UNIT } },
    });
    const buy: Shown = { as: 'manageBuyOffer', selling: USDC, buying: 'native', price: [8, 1], amount: UNIT };
    const claims = [{ sold: 'native', bought: USDC, got: 2n * UNIT, gave: 2_500_000n }];
    assert.deepEqual(readOutcome(step({ side: 'BUY' }), shown({ ...buy, claims }), self), {
      ...{ takenBase: 2n * UNIT, takenQuote: 2_500_000n, resting: { offerId: '7', remaining: 8n * UNIT } },
    });
  });

  const amended = step({ action: 'amend', offerId: '7' });
  const updated: Shown = { effect: 'manageOfferUpdated' };
  const forgeries: [string, Step, Shown][] = [
    ['another operation', step(), { as: 'manageBuyOffer' }],
    ['another seller', step(), { seller: taker }],
    ['another asset sold', step(), { selling: USDC }],
    ['another asset bought', step(), { buying: 'native' }],
    ['another price', step(), { price: [1, 7] }],
    ['more left than asked', step(), { amount: 8n * UNIT + 1n }],
    ['more taken than asked', step(), { claims: [{ got: UNIT * 2n, gave: 11n * UNIT }], amount: 1n }],
    ['a worse price than the ledger could give', step(), { claims: [{ got: 2_400_000n, gave: 2n * UNIT }] }],
    ['claims of other assets', step(), { claims: [{ sold: 'native', bought: USDC, got: 1n, gave: 1n }] }],
    ['a new offer where one was changed', amended, {}],
    ['a changed offer where one was made', step(), updated],
    ['another offer than the one changed', amended, { ...updated, offerId: 8n }],
    [
      'an offer after its deletion',
      step({ action: 'delete', offerId: '7', amount: 0n }),
      { ...updated, claims: [] },
    ],
  ];
  for (const [name, asked, forged] of forgeries) {
    it(`does not believe ${name} @security`, () => {
      assert.equal(readOutcome(asked, shown(forged), self), undefined);
    });
  }

  it('believes the same of an amendment and a deletion when it is theirs', () => {
    assert.equal(readOutcome(amended, shown(updated), self)?.resting?.offerId, '7');
    const deleted = shown({ effect: 'manageOfferDeleted', claims: [] });
    const gone = { takenBase: 0n, takenQuote: 0n, resting: undefined };
    assert.deepEqual(readOutcome(step({ action: 'delete', offerId: '7', amount: 0n }), deleted, self), gone);
  });

  describe('a market order', () => {
    const take = step({ action: 'take' });
    const paid = (
      change: { to?: Keypair; asset?: string; amount?: bigint; sent?: bigint; from?: string } = {},
    ) => {
      const { to = trader, asset = USDC, amount = 12_500_000n, sent = 10n * UNIT, from = 'native' } = change;
      const last = new xdr.SimplePaymentResult({ destination: keyOf(to), asset: toXdrAsset(asset), amount });
      const atom = new xdr.ClaimOfferAtom({
        ...{ sellerId: keyOf(taker), offerId: 3n, assetSold: toXdrAsset(USDC), amountSold: amount },
        ...{ assetBought: toXdrAsset(from), amountBought: sent },
      });
      const offers = [xdr.ClaimAtom.claimAtomTypeOrderBook(atom)];
      const success = new xdr.PathPaymentStrictSendResultSuccess({ offers, last });
      return xdr.OperationResult.opInner(
        xdr.OperationResultTr.pathPaymentStrictSend(
          xdr.PathPaymentStrictSendResult.pathPaymentStrictSendSuccess(success),
        ),
      );
    };
    it('moved all of it at its price or better', () => {
      const all = { takenBase: 10n * UNIT, takenQuote: 12_500_000n, resting: undefined };
      assert.deepEqual(readOutcome(take, paid(), self), all);
    });
    const lies: [string, Parameters<typeof paid>[0]][] = [
      ['another destination', { to: taker }],
      ['another asset', { asset: 'native' }],
      ['less than its price', { amount: 12_499_999n }],
      ['less sent than asked', { sent: 9n * UNIT }],
      ['more sent than asked', { sent: 11n * UNIT }],
      ['another asset sent', { from: USDC }],
    ];
    for (const [name, forged] of lies) {
      it(`is not believed with ${name} @security`, () => {
        assert.equal(readOutcome(take, paid(forged), self), undefined);
      });
    }
  });
});
