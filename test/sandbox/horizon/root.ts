import { PROTOCOL_VERSION } from '../ledger/header.ts';
import { link, ok, type Route, template } from './http.ts';
import { formatTime } from './parameters.ts';

/** All that Horizon names; the sandbox refuses by name what it does not serve. */
const LINKS = {
  account: '/accounts/{account_id}',
  accounts: '/accounts{?signer,sponsor,asset,liquidity_pool,cursor,limit,order}',
  account_transactions: '/accounts/{account_id}/transactions{?cursor,limit,order}',
  claimable_balances: '/claimable_balances{?asset,sponsor,claimant,cursor,limit,order}',
  assets: '/assets{?asset_code,asset_issuer,cursor,limit,order}',
  effects: '/effects{?cursor,limit,order}',
  fee_stats: '/fee_stats',
  ledger: '/ledgers/{sequence}',
  ledgers: '/ledgers{?cursor,limit,order}',
  liquidity_pools: '/liquidity_pools{?reserves,account,cursor,limit,order}',
  offer: '/offers/{offer_id}',
  offers: '/offers{?selling,buying,seller,sponsor,cursor,limit,order}',
  operation: '/operations/{id}',
  operations: '/operations{?cursor,limit,order,include_failed}',
  order_book:
    '/order_book{?selling_asset_type,selling_asset_code,selling_asset_issuer,buying_asset_type,buying_asset_code,buying_asset_issuer,limit}',
  payments: '/payments{?cursor,limit,order,include_failed}',
  self: '/',
  strict_receive_paths:
    '/paths/strict-receive{?source_assets,source_account,destination_account,destination_asset_type,destination_asset_issuer,destination_asset_code,destination_amount}',
  strict_send_paths:
    '/paths/strict-send{?destination_account,destination_assets,source_asset_type,source_asset_issuer,source_asset_code,source_amount}',
  trade_aggregations:
    '/trade_aggregations?base_asset_type={base_asset_type}&base_asset_code={base_asset_code}&base_asset_issuer={base_asset_issuer}&counter_asset_type={counter_asset_type}&counter_asset_code={counter_asset_code}&counter_asset_issuer={counter_asset_issuer}',
  trades:
    '/trades?base_asset_type={base_asset_type}&base_asset_code={base_asset_code}&base_asset_issuer={base_asset_issuer}&counter_asset_type={counter_asset_type}&counter_asset_code={counter_asset_code}&counter_asset_issuer={counter_asset_issuer}',
  transaction: '/transactions/{hash}',
  transactions: '/transactions{?cursor,limit,order}',
};

/** GET / */
export const root: Route = {
  method: 'GET',
  pattern: /^$/,
  handle({ network, base }) {
    const { sequence, closeTime } = network.latest;
    const links = Object.entries(LINKS).map(([name, path]) => [
      name,
      path.includes('{') ? template(base + path) : link(base + path),
    ]);
    return ok({
      _links: Object.fromEntries(links),
      horizon_version: 'sandbox',
      core_version: 'sandbox',
      ingest_latest_ledger: sequence,
      history_latest_ledger: sequence,
      history_latest_ledger_closed_at: formatTime(closeTime),
      history_elder_ledger: network.ledgers[0]!.sequence,
      core_latest_ledger: sequence,
      network_passphrase: network.passphrase,
      current_protocol_version: PROTOCOL_VERSION,
      supported_protocol_version: PROTOCOL_VERSION,
      core_supported_protocol_version: PROTOCOL_VERSION,
    });
  },
};
