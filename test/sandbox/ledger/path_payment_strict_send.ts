import { accountOf } from './address.ts';
import { type AssetJson, assetFromJson, assetToJson, isValidAsset } from './asset.ts';
import type { OperationModule } from './operation.ts';
import { atomToJson, type ClaimAtom } from './order_book.ts';
import { creditDestination, debitSource, needsDestination, readPath, tradeHop } from './path_payment.ts';

/** PathPaymentStrictSendOp of Stellar-transaction.x in SEP-51 JSON. */
interface Body {
  send_asset: AssetJson;
  send_amount: string;
  destination: string;
  dest_asset: AssetJson;
  dest_min: string;
  path: AssetJson[];
}

/** Sends exactly `send_amount`; the source pays first, the destination gets last, what the last hop brought. */
export const pathPaymentStrictSend: OperationModule<Body> = {
  level: () => 'medium',

  check(body) {
    const assets = [body.send_asset, body.dest_asset, ...body.path].map(assetFromJson);
    const positive = BigInt(body.send_amount) > 0n && BigInt(body.dest_min) > 0n;
    return positive && assets.every(isValidAsset) ? undefined : 'malformed';
  },

  apply(state, source, body) {
    const destination = accountOf(body.destination);
    const { sendAsset, path, destAsset } = readPath(body);
    let amount = BigInt(body.send_amount);

    if (needsDestination(sendAsset, destAsset, path, destination) && !state.account(destination)) {
      return { code: 'no_destination' };
    }
    const debit = debitSource(state, source, sendAsset, amount);
    if (debit) return { code: debit };

    const offers: ClaimAtom[] = [];
    let send = sendAsset;
    let crossed = 0;
    for (const receive of [...path, destAsset]) {
      if (receive === send) continue;
      const trade = tradeHop(state, source, { send, receive, amount }, 'strict_send', crossed);
      if (!trade.ok) return { code: trade.code };
      offers.push(...trade.atoms);
      ({ amount, crossed } = trade);
      send = receive;
    }
    if (amount < BigInt(body.dest_min)) return { code: 'under_destmin' };

    const credit = creditDestination(state, destination, destAsset, amount);
    if (credit) return { code: credit };
    const last = { destination, asset: assetToJson(destAsset), amount: String(amount) };
    return { success: { offers: offers.map(atomToJson), last } };
  },
};
