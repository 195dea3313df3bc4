import { encodeMuxedAccountToAddress, StrKey, type xdr } from '@stellar/stellar-sdk/base';
import type { Ratio } from '../policy/price.ts';
import type { AssetId, ChangeTrust, Operation } from '../transaction.ts';
import { malformed } from './malformed.ts';

/** LIQUIDITY_POOL_FEE_V18, in basis points: the one that the protocol has. */
const POOL_FEE = 30;

/** One operation in plain data; of one that no policy looks into only its type and source. */
export function readOperation({ sourceAccount, body }: xdr.Operation): Operation {
  const source = sourceAccount === null ? undefined : encodeMuxedAccountToAddress(sourceAccount);
  switch (body.type) {
    case 'payment': {
      const { destination, asset, amount } = body.paymentOp;
      return {
        type: body.type,
        source,
        destination: encodeMuxedAccountToAddress(destination),
        asset: readAsset(asset),
        amount,
      };
    }
    case 'pathPaymentStrictSend': {
      const op = body.pathPaymentStrictSendOp;
      return { type: body.type, source, ...readEnds(op), sendMax: op.sendAmount, destMin: op.destMin };
    }
    case 'pathPaymentStrictReceive': {
      const op = body.pathPaymentStrictReceiveOp;
      return { type: body.type, source, ...readEnds(op), sendMax: op.sendMax, destMin: op.destAmount };
    }
    case 'manageSellOffer': {
      const op = body.manageSellOfferOp;
      return { type: body.type, source, ...readOffer(op), amount: op.amount };
    }
    case 'manageBuyOffer': {
      const op = body.manageBuyOfferOp;
      return { type: body.type, source, ...readOffer(op), amount: op.buyAmount };
    }
    case 'changeTrust': {
      const { line, limit } = body.changeTrustOp;
      return { type: body.type, source, line: readLine(line), limit };
    }
    case 'liquidityPoolDeposit': {
      const op = body.liquidityPoolDepositOp;
      return {
        type: body.type,
        source,
        poolId: readPoolId(op.liquidityPoolId),
        maxAmountA: op.maxAmountA,
        maxAmountB: op.maxAmountB,
        minPrice: readPrice(op.minPrice),
        maxPrice: readPrice(op.maxPrice),
      };
    }
    case 'liquidityPoolWithdraw': {
      const { liquidityPoolId, amount, minAmountA, minAmountB } = body.liquidityPoolWithdrawOp;
      return {
        type: body.type,
        source,
        poolId: readPoolId(liquidityPoolId),
        amount,
        minAmountA,
        minAmountB,
      };
    }
    default:
      return { type: body.type, source };
  }
}

const readEnds = (op: xdr.PathPaymentStrictSendOp | xdr.PathPaymentStrictReceiveOp) => ({
  destination: encodeMuxedAccountToAddress(op.destination),
  sendAsset: readAsset(op.sendAsset),
  destAsset: readAsset(op.destAsset),
  path: op.path.map(readAsset),
});

const readOffer = (op: xdr.ManageSellOfferOp | xdr.ManageBuyOfferOp) => ({
  selling: readAsset(op.selling),
  buying: readAsset(op.buying),
  price: readPrice(op.price),
  offerId: op.offerId,
});

const readPrice = ({ n, d }: xdr.Price): Ratio => ({ n: BigInt(n), d: BigInt(d) });

const readPoolId = (id: xdr.PoolId): string => Buffer.from(id.toBytes()).toString('hex');

function readLine(line: xdr.ChangeTrustAsset): ChangeTrust['line'] {
  if (line.type !== 'assetTypePoolShare') return { asset: readAsset(line) };
  const { assetA, assetB, fee } = line.liquidityPool.constantProduct;
  if (fee !== POOL_FEE) throw malformed(`the fee of a liquidity pool is ${POOL_FEE}`);
  return { pool: [readAsset(assetA), readAsset(assetB)] };
}

type Listed =
  | xdr.Asset
  | xdr.ChangeTrustAssetNative
  | xdr.ChangeTrustAssetCreditAlphanum4
  | xdr.ChangeTrustAssetCreditAlphanum12;

/** Exactly one encoding per asset: a code in the wrong width or with other bytes could pass for another asset. */
function readAsset(asset: Listed): AssetId {
  if (asset.type === 'assetTypeNative') return 'XLM';
  const [alphanum, pattern] =
    asset.type === 'assetTypeCreditAlphanum4'
      ? [asset.alphaNum4, /^[A-Za-z0-9]{1,4}\0*$/]
      : [asset.alphaNum12, /^[A-Za-z0-9]{5,12}\0*$/];
  const code = Buffer.from(alphanum.assetCode.toBytes()).toString('latin1');
  if (!pattern.test(code)) throw malformed('an asset code is not of the protocol');
  return `${code.replace(/\0+$/, '')}:${StrKey.encodeEd25519PublicKey(alphanum.issuer.value.toBytes())}`;
}
