import { accountOf } from './address.ts';
import { type AssetJson, assetFromJson, assetToJson, isValidAsset } from './asset.ts';
import type { OperationModule } from './operation.ts';
import { atomToJson, type ClaimAtom } from './order_book.ts';
import { creditDestination, debitSource, needsDestination, readPath, tradeHop } from './path_payment.ts';

/** PathPaymentStrictReceiveOp of Stellar-transaction.x in SEP-51 JSON. */
interface Body {
  send_asset: AssetJson;
  send_max: string;
  destination: string;
  dest_asset: AssetJson;
  dest_amount: string;
  path: AssetJson[];
}

/** Delivers exactly `dest_amount`: the destination gets first, the hops are walked backwards, the source pays last. */
export const pathPaymentStrictReceive: OperationModule<Body> = {
  level: () => 'medium',

  check(body) {
    const assets = [body.send_asset, body.dest_asset, ...body.path].map(assetFromJson);
    const positive = BigInt(body.dest_amount) > 0n && BigInt(body.send_max) > 0n;
    return positive && assets.every(isValidAsset) ? undefined : 'malformed';
  },

  apply(state, source, body) {
    const destination = accountOf(body.destination);
    const { sendAsset, path, destAsset } = readPath(body);
    const destAmount = BigInt(body.dest_amount);

    if (needsDestination(sendAsset, destAsset, path, destination) && !state.account(destination)) {
      return { code: 'no_destination' };
    }
    const credit = creditDestination(state, destination, destAsset, destAmount);
    if (credit) return { code: credit };

    let offers: ClaimAtom[] = [];
    let amount = destAmount;
    let receive = destAsset;
    let crossed = 0;
    for (const send of [...path.toReversed(), sendAsset]) {
      if (send === receive) continue;
      const trade = tradeHop(state, source, { send, receive, amount }, 'strict_receive', crossed);
      if (!trade.ok) return { code: trade.code };
      offers = [...trade.atoms, ...offers];
      ({ amount, crossed } = trade);
      receive = send;
    }
    if (amount > BigInt(body.send_max)) return { code: 'over_sendmax' };

    const debit = debitSource(state, source, sendAsset, amount);
    if (debit) return { code: debit };
    const last = { destination, asset: assetToJson(destAsset), amount: String(destAmount) };
    return { success: { offers: offers.map(atomToJson), last } };
  },
};
