import { Asset as SdkAsset, StrKey, xdr } from '@stellar/stellar-sdk/base';
import { accountOf } from './address.ts';
import { type Asset, type AssetJson, assetFromJson, credit, issuerOf } from './asset.ts';
import type { AppliedTransaction } from './close.ts';
import { type Change, isAuthorized, type Pool, type Trustline } from './entries.ts';
import { feeSourceOf, type Memo } from './envelope.ts';
import { poolIdToJson } from './pool.ts';

/** Events of the asset contracts for what classic transactions move (CAP-0067), in SEP-51 JSON. */

type ScVal = Record<string, unknown>;

const symbol = (text: string): ScVal => ({ symbol: text });
const i128 = (amount: bigint | string): ScVal => ({ i128: String(amount) });

function contractEvent(passphrase: string, asset: Asset, topics: ScVal[], data: ScVal): unknown {
  const { code, issuer } = credit(asset) ?? { code: 'XLM', issuer: undefined };
  const contract_id = new SdkAsset(code, issuer).contractId(passphrase);
  return { ext: 'v0', contract_id, type: 'contract', body: { v0: { topics, data } } };
}

function memoValue({ type, value }: Memo): ScVal | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'bigint') return { u64: String(value) };
  if (type === 'text') return xdr.ScVal.scvString(value).toJson() as ScVal;
  return { bytes: Buffer.from(value).toString('hex') };
}

/** The number within an M… address, else the memo where the address is an account's. */
function destinationId(to: string, memo: Memo): ScVal | undefined {
  if (to.startsWith('M'))
    return { u64: String(Buffer.from(StrKey.decodeMed25519PublicKey(to)).readBigUInt64BE(32)) };
  return to.startsWith('G') ? memoValue(memo) : undefined;
}

/** G…, M… or L… (a pool); with `memo` the event tells for whom at the destination it is. */
interface Movement {
  asset: Asset;
  from: string;
  to: string;
  amount: bigint | string;
  memo?: Memo;
}

/** What an issuer sends is made by it, what it gets is gone. */
function movement(passphrase: string, { asset, from, to, amount, memo }: Movement): unknown {
  const [sender, receiver] = [accountOf(from), accountOf(to)];
  const issuer = issuerOf(asset);
  const mints = sender === issuer && receiver !== issuer;
  const burns = receiver === issuer && sender !== issuer;
  const name = mints ? 'mint' : burns ? 'burn' : 'transfer';
  const parties = mints ? [receiver] : burns ? [sender] : [sender, receiver];
  const id = memo && !burns ? destinationId(to, memo) : undefined;
  const data = id
    ? {
        map: [
          { key: symbol('amount'), val: i128(amount) },
          { key: symbol('to_muxed_id'), val: id },
        ],
      }
    : i128(amount);
  const topics = [symbol(name), ...parties.map((address) => ({ address })), { string: asset }];
  return contractEvent(passphrase, asset, topics, data);
}

/** ClaimAtom in SEP-51 JSON. */
type AtomJson = Record<
  string,
  {
    seller_id?: string;
    liquidity_pool_id?: string;
    asset_sold: AssetJson;
    amount_sold: string;
    asset_bought: AssetJson;
    amount_bought: string;
  }
>;

/** Both sides of each trade: first what the source gives. */
const trades = (source: string, atoms: readonly AtomJson[]): Movement[] =>
  atoms.flatMap((atom) => {
    const [claim] = Object.values(atom);
    const other = claim!.seller_id ?? claim!.liquidity_pool_id!;
    return [
      { asset: assetFromJson(claim!.asset_bought), from: source, to: other, amount: claim!.amount_bought },
      { asset: assetFromJson(claim!.asset_sold), from: other, to: source, amount: claim!.amount_sold },
    ];
  });

function poolMovements(source: string, changes: readonly Change[], memo: Memo): Movement[] {
  const [{ before, after }] = changes.filter((one) => one.after?.type === 'pool') as [
    { before: Pool; after: Pool },
  ];
  const pool = poolIdToJson(after.id);
  const moved: [Asset, bigint][] = [
    [after.assetA, after.reserveA - before.reserveA],
    [after.assetB, after.reserveB - before.reserveB],
  ];
  return moved.map(([asset, amount]) =>
    after.shares > before.shares
      ? { asset, from: source, to: pool, amount }
      : { asset, from: pool, to: source, amount: -amount, memo },
  );
}

interface Body {
  destination: string;
  starting_balance: string;
  asset: AssetJson;
  amount: string;
  dest_asset: AssetJson;
}

interface Success {
  offers: AtomJson[];
  offers_claimed: AtomJson[];
  last: { amount: string };
}

/** Trust lines of which an issuer changed whether they are authorized. */
const authorizations = (passphrase: string, changes: readonly Change[]): unknown[] =>
  changes.flatMap(({ before, after }) => {
    if (before?.type !== 'trustline' || after?.type !== 'trustline') return [];
    const { owner, asset } = after as Trustline & { asset: Asset };
    if (isAuthorized(before) === isAuthorized(after)) return [];
    const topics = [symbol('set_authorized'), { address: owner }, { string: asset }];
    return [contractEvent(passphrase, asset, topics, { bool: isAuthorized(after) })];
  });

function movementsOf(
  { transaction, result, changes }: AppliedTransaction,
  index: number,
  source: string,
): Movement[] {
  const { memo, operations } = transaction;
  const { name } = operations[index]!;
  const body = operations[index]!.body as Body;
  const { outcome } = result.operations[index]!;
  const success = 'success' in outcome ? (outcome.success as Success) : undefined;
  switch (name) {
    case 'create_account':
      return [{ asset: 'native', from: source, to: body.destination, amount: body.starting_balance, memo }];
    case 'account_merge':
      return [{ asset: 'native', from: source, to: String(body), amount: String(success), memo }];
    case 'payment':
      return [
        { asset: assetFromJson(body.asset), from: source, to: body.destination, amount: body.amount, memo },
      ];
    case 'path_payment_strict_send':
    case 'path_payment_strict_receive': {
      const asset = assetFromJson(body.dest_asset);
      const { amount } = success!.last;
      return [
        ...trades(source, success!.offers),
        { asset, from: source, to: body.destination, amount, memo },
      ];
    }
    case 'manage_sell_offer':
    case 'manage_buy_offer':
    case 'create_passive_sell_offer':
      return trades(source, success!.offers_claimed);
    case 'liquidity_pool_deposit':
    case 'liquidity_pool_withdraw':
      return poolMovements(source, changes.operations[index]!, memo);
    default:
      return [];
  }
}

/** ContractEvents of each operation that was carried out. */
export function operationEvents(applied: AppliedTransaction): unknown[][] {
  const { transaction, changes } = applied;
  const { passphrase } = transaction;
  return changes.operations.map((changed, index) => {
    const { name, sourceAddress } = transaction.operations[index]!;
    if (name === 'allow_trust' || name === 'set_trust_line_flags') return authorizations(passphrase, changed);
    const source = sourceAddress ?? transaction.sourceAddress;
    return movementsOf(applied, index, source).map((one) => movement(passphrase, one));
  });
}

/** TransactionEvents: the fee. */
export function transactionEvents({ transaction, result }: AppliedTransaction): unknown[] {
  if (result.feeCharged === 0n) return [];
  const topics = [symbol('fee'), { address: feeSourceOf(transaction) }];
  const event = contractEvent(transaction.passphrase, 'native', topics, i128(result.feeCharged));
  return [{ stage: 'before_all_txs', event }];
}
