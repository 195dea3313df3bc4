import { accountOf } from './address.ts';
import { type AssetJson, assetFromJson, isValidAsset } from './asset.ts';
import { DONE, type OperationModule } from './operation.ts';
import { creditDestination, debitSource, needsDestination } from './path_payment.ts';

/** PaymentOp of Stellar-transaction.x in SEP-51 JSON. */
interface Body {
  /** G… or M…. */
  destination: string;
  asset: AssetJson;
  amount: string;
}

/** A path payment without a trade: the destination gets first, the source pays last. */
export const payment: OperationModule<Body> = {
  level: () => 'medium',

  check: (body) =>
    BigInt(body.amount) > 0n && isValidAsset(assetFromJson(body.asset)) ? undefined : 'malformed',

  apply(state, source, body) {
    const destination = accountOf(body.destination);
    const asset = assetFromJson(body.asset);
    const amount = BigInt(body.amount);
    if (destination === source && asset === 'native') return DONE;
    if (needsDestination(asset, asset, [], destination) && !state.account(destination)) {
      return { code: 'no_destination' };
    }
    const code =
      creditDestination(state, destination, asset, amount) ?? debitSource(state, source, asset, amount);
    return code === undefined ? DONE : { code };
  },
};
