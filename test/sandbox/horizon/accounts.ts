import { StrKey } from '@stellar/stellar-sdk/base';
import { formatAmount } from '../amount.ts';
import {
  type Account,
  isAuthorized,
  isPoolShare,
  maintainsLiabilities,
  type Trustline,
} from '../ledger/entries.ts';
import { trustlinesOf } from '../ledger/entries_of.ts';
import { closeTimeOf } from '../network.ts';
import { link, ok, PAGE, type Route, template } from './http.ts';
import { assetFields, formatTime } from './parameters.ts';
import { badField, problem } from './problems.ts';

const liabilities = (entry: Account | Trustline) => ({
  buying_liabilities: formatAmount(entry.liabilities.buying),
  selling_liabilities: formatAmount(entry.liabilities.selling),
});

const lineBalance = (line: Trustline) => ({
  balance: formatAmount(line.balance),
  limit: formatAmount(line.limit),
  ...liabilities(line),
  last_modified_ledger: line.modified,
  is_authorized: isAuthorized(line),
  is_authorized_to_maintain_liabilities: maintainsLiabilities(line),
  ...assetFields(line.asset),
});

/** GET /accounts/{account_id} */
export const account: Route = {
  method: 'GET',
  pattern: /^\/accounts\/([^/]+)$/,
  fromState: true,
  handle({ network, base, parameters: [id = ''] }) {
    if (!StrKey.isValidEd25519PublicKey(id)) {
      throw badField('account_id', 'Account ID must start with `G` and contain 56 alphanum characters');
    }
    const entry = network.state.account(id);
    if (!entry) throw problem('not_found');
    const self = `${base}/accounts/${id}`;
    return ok({
      _links: {
        self: link(self),
        transactions: template(`${self}/transactions${PAGE}`),
        operations: template(`${self}/operations${PAGE}`),
        payments: template(`${self}/payments${PAGE}`),
        effects: template(`${self}/effects${PAGE}`),
        offers: template(`${self}/offers${PAGE}`),
        trades: template(`${self}/trades${PAGE}`),
        data: template(`${self}/data/{key}`),
      },
      id,
      account_id: id,
      sequence: String(entry.sequence),
      ...(entry.sequenceLedger > 0 && {
        sequence_ledger: entry.sequenceLedger,
        sequence_time: String(entry.sequenceTime),
      }),
      subentry_count: entry.subentries,
      last_modified_ledger: entry.modified,
      last_modified_time: formatTime(closeTimeOf(network, entry.modified)),
      thresholds: { low_threshold: 0, med_threshold: 0, high_threshold: 0 },
      flags: {
        auth_required: false,
        auth_revocable: false,
        auth_immutable: false,
        auth_clawback_enabled: false,
      },
      balances: [
        ...trustlinesOf(network.state, id).flatMap((line) =>
          isPoolShare(line.asset) ? [] : [lineBalance(line)],
        ),
        { balance: formatAmount(entry.balance), ...liabilities(entry), asset_type: 'native' },
      ],
      signers: [{ weight: 1, key: id, type: 'ed25519_public_key' }],
      data: {},
      num_sponsoring: 0,
      num_sponsored: 0,
      paging_token: id,
    });
  },
};
