import { PROTOCOL_VERSION } from '../ledger/header.ts';
import { link, ok, PAGE, type Route, template } from './http.ts';
import { formatTime } from './parameters.ts';

const book =
  '{?selling_asset_type,selling_asset_code,selling_asset_issuer,buying_asset_type,buying_asset_code,buying_asset_issuer,limit}';
const strictReceive =
  '{?source_assets,source_account,destination_account,destination_asset_type,destination_asset_issuer,destination_asset_code,destination_amount}';
const strictSend =
  '{?destination_account,destination_assets,source_asset_type,source_asset_issuer,source_asset_code,source_amount}';

/** GET / */
export const root: Route = {
  method: 'GET',
  pattern: /^$/,
  handle({ network, base }) {
    const { sequence, closeTime } = network.latest;
    return ok({
      _links: {
        account: template(`${base}/accounts/{account_id}`),
        fee_stats: link(`${base}/fee_stats`),
        ledger: template(`${base}/ledgers/{sequence}`),
        ledgers: template(`${base}/ledgers${PAGE}`),
        order_book: template(`${base}/order_book${book}`),
        self: link(`${base}/`),
        strict_receive_paths: template(`${base}/paths/strict-receive${strictReceive}`),
        strict_send_paths: template(`${base}/paths/strict-send${strictSend}`),
        transaction: template(`${base}/transactions/{hash}`),
        transactions: template(`${base}/transactions${PAGE}`),
      },
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
