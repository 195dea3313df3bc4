import { StrKey } from '@stellar/stellar-sdk/base';
import type * as xdr from '@stellar/stellar-sdk/xdr';
import type { LedgerTrade } from '../../../connector/ledger/types.ts';
import { fromXdrAsset } from '../../../connector/market/asset.ts';
import { decodeResult } from '../../../connector/transactions/result.ts';
import type { Network } from '../../sandbox/network.ts';

/** Trades of native against `quote` in a ledger, as Horizon tells them. */
export function tradesOf({ transactions }: Network['latest'], quote: string, at: number): LedgerTrade[] {
  return transactions.flatMap(({ resultXdr, transaction, ledger, order }) => {
    const taker = transaction.source;
    const atoms = decodeResult(resultXdr)!.operations.flatMap((result) => {
      if (result.type !== 'opInner') return [];
      const { value } = result.tr as { value: { success?: unknown } };
      const success = value.success as
        | { offersClaimed?: xdr.ClaimAtom[]; offers?: xdr.ClaimAtom[]; offer?: { offer?: xdr.OfferEntry } }
        | undefined;
      const claimed = success?.offersClaimed ?? success?.offers ?? [];
      return claimed.map((atom) => ({ atom, rests: success?.offer?.offer?.offerId.toString() }));
    });
    return atoms.flatMap(({ atom, rests }, index): LedgerTrade[] => {
      if (atom.type !== 'claimAtomTypeOrderBook') return [];
      const { sellerId, offerId, assetSold, amountSold, assetBought, amountBought } = atom.value;
      const seller = StrKey.encodeEd25519PublicKey(sellerId.value.toBytes());
      const [sold, bought] = [fromXdrAsset(assetSold), fromXdrAsset(assetBought)];
      if (![sold, bought].includes('native')) return [];
      const sells = sold === 'native';
      const [baseAmount, quoteAmount] = sells ? [amountSold, amountBought] : [amountBought, amountSold];
      // Horizon names the taker's offer too, when it then rests with the remainder.
      const [maker, other] = [offerId.toString(), rests];
      return [
        {
          cursor: `${(BigInt(ledger) << 32n) | (BigInt(order) << 12n) | 1n}-${index}`,
          ...{ at, baseAsset: 'native', quoteAsset: quote, baseAmount, quoteAmount, baseIsSeller: sells },
          price: { numerator: quoteAmount, denominator: baseAmount },
          ...{ baseAccount: sells ? seller : taker, baseOfferId: sells ? maker : other },
          ...{ quoteAccount: sells ? taker : seller, quoteOfferId: sells ? other : maker },
          poolId: undefined,
        },
      ];
    });
  });
}
