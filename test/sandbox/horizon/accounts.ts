import { formatAmount } from '../amount.ts';
import {
  type Account,
  AUTH_CLAWBACK,
  AUTH_IMMUTABLE,
  AUTH_REQUIRED,
  AUTH_REVOCABLE,
  CLAWBACK_ENABLED,
  isAuthorized,
  isPoolShare,
  maintainsLiabilities,
  type Signer,
  type Trustline,
} from '../ledger/entries.ts';
import { accounts as allAccounts, dataOf, trustlinesOf } from '../ledger/entries_of.ts';
import type { View } from '../network.ts';
import { unescaped } from './history.ts';
import { type Answer, link, ok, PAGE, type Route, template } from './http.ts';
import { pageOf } from './page.ts';
import {
  accountId,
  assetFields,
  modifiedFields,
  poolIdOf,
  readAccountId,
  readShortAsset,
} from './parameters.ts';
import { badField, problem } from './problems.ts';
import { compare, stateList } from './state_list.ts';

/** Printable ASCII as SEP-51 writes it. */
const escaped = (text: string): string => text.replaceAll('\\', '\\\\');

const sponsorField = ({ sponsor }: { sponsor?: string | null }) => (sponsor ? { sponsor } : {});

const liabilities = (entry: Account | Trustline) => ({
  buying_liabilities: formatAmount(entry.liabilities.buying),
  selling_liabilities: formatAmount(entry.liabilities.selling),
});

/** Pool shares have no liabilities and are never authorized. */
function lineBalance(line: Trustline) {
  const { asset } = line;
  const pool = isPoolShare(asset);
  return {
    balance: formatAmount(line.balance),
    ...(pool && { liquidity_pool_id: asset.slice('pool:'.length) }),
    limit: formatAmount(line.limit),
    ...(!pool && liabilities(line)),
    ...sponsorField(line),
    last_modified_ledger: line.modified,
    is_authorized: !pool && isAuthorized(line),
    is_authorized_to_maintain_liabilities: !pool && maintainsLiabilities(line),
    ...(!pool && line.flags & CLAWBACK_ENABLED && { is_clawback_enabled: true }),
    ...(pool ? { asset_type: 'liquidity_pool_shares' } : assetFields(asset)),
  };
}

/** By code, then issuer; pool shares, which have neither, come first. */
const lineKey = ({ asset }: Trustline): string =>
  isPoolShare(asset) ? ` ${asset}` : asset.replace(':', ' ');

const SIGNER_TYPES: Record<string, string> = {
  G: 'ed25519_public_key',
  T: 'preauth_tx',
  X: 'sha256_hash',
  P: 'ed25519_signed_payload',
};

/** By key, the master key among them; one without weight stands last. */
function signersOf({ address, thresholds, signers }: Account) {
  const master: Signer = { key: address, weight: thresholds.master };
  const sorted = (master.weight > 0 ? [...signers, master] : [...signers]).sort((a, b) =>
    compare(a.key, b.key),
  );
  return (master.weight > 0 ? sorted : [...sorted, master]).map((signer) => ({
    weight: signer.weight,
    key: signer.key,
    type: SIGNER_TYPES[signer.key[0]!],
    ...sponsorField(signer),
  }));
}

function resource(network: View, base: string, entry: Account) {
  const { state } = network;
  const { address: id, flags, thresholds } = entry;
  const self = `${base}/accounts/${id}`;
  const lines = trustlinesOf(state, id).sort((a, b) => compare(lineKey(a), lineKey(b)));
  const data = dataOf(state, id).map(({ name, value }): [string, string] => [
    unescaped(name),
    Buffer.from(value, 'hex').toString('base64'),
  ]);
  return {
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
    ...(entry.inflationDestination !== null && { inflation_destination: entry.inflationDestination }),
    ...(entry.homeDomain !== '' && { home_domain: unescaped(entry.homeDomain) }),
    ...modifiedFields(network, entry),
    thresholds: {
      low_threshold: thresholds.low,
      med_threshold: thresholds.medium,
      high_threshold: thresholds.high,
    },
    flags: {
      auth_required: (flags & AUTH_REQUIRED) !== 0,
      auth_revocable: (flags & AUTH_REVOCABLE) !== 0,
      auth_immutable: (flags & AUTH_IMMUTABLE) !== 0,
      auth_clawback_enabled: (flags & AUTH_CLAWBACK) !== 0,
    },
    balances: [
      ...lines.map(lineBalance),
      { balance: formatAmount(entry.balance), ...liabilities(entry), asset_type: 'native' },
    ],
    signers: signersOf(entry),
    data: Object.fromEntries(data.sort(([a], [b]) => compare(a, b))),
    num_sponsoring: entry.sponsoring,
    num_sponsored: entry.sponsored,
    ...sponsorField(entry),
    paging_token: id,
  };
}

/** GET /accounts/{account_id}. Horizon's stream sends it once: it takes two states of an account for the same. */
export const account: Route = {
  method: 'GET',
  pattern: /^\/accounts\/([^/]+)$/,
  fromState: true,
  streamsObject: 'once',
  handle({ network, base, parameters }) {
    const entry = network.state.account(accountId('account_id', parameters[0]!));
    if (!entry) throw problem('not_found');
    return ok(resource(network, base, entry));
  },
};

/** GET /accounts, with exactly one filter. */
export const accounts: Route = {
  method: 'GET',
  pattern: /^\/accounts$/,
  fromState: true,
  handle(request) {
    const { network, base, query } = request;
    const { state } = network;
    const [signer, sponsor] = [readAccountId(query, 'signer'), readAccountId(query, 'sponsor')];
    const asset = readShortAsset(query, 'asset');
    const pool = query.get('liquidity_pool') || undefined;
    if (pool !== undefined) poolIdOf('liquidity_pool', pool);
    if (asset === 'native') throw badField('asset', "you can't filter by asset: native");
    if ([signer, sponsor, asset, pool].filter((filter) => filter !== undefined).length !== 1) {
      throw problem('invalid_accounts_params');
    }
    const line = asset ?? (`pool:${pool}` as const);
    const isWanted = (one: Account): boolean => {
      if (sponsor !== undefined) {
        const parts = [one, ...one.signers, ...trustlinesOf(state, one.address)];
        return parts.some((part) => part.sponsor === sponsor);
      }
      if (signer !== undefined) return signersOf(one).some(({ key, weight }) => key === signer && weight > 0);
      return state.trustline(one.address, line) !== undefined;
    };
    const list = stateList(request, 'texts', {
      entries: () => allAccounts(state).filter(isWanted),
      tokenOf: ({ address }) => address,
      render: (one) => resource(network, base, one),
    });
    return ok(pageOf(request, list));
  },
};

/** Tab, line feed, form feed, carriage return, escape: control characters that a text may have. */
const TEXT_CONTROLS = [0x09, 0x0a, 0x0c, 0x0d, 0x1b];

/** What Go's sniffing makes of bytes, as far as it tells text from the rest. */
const sniff = (bytes: Buffer): string =>
  bytes.some((byte) => byte < 0x20 && !TEXT_CONTROLS.includes(byte))
    ? 'application/octet-stream'
    : 'text/plain; charset=utf-8';

/** GET /accounts/{account_id}/data/{key}, as JSON or as its bytes. */
export const accountData: Route = {
  method: 'GET',
  pattern: /^\/accounts\/([^/]+)\/data\/([^/]+)$/,
  fromState: true,
  streamsObject: 'changes',
  handle({ network, parameters: [owner = '', key = ''], mediaType }): Answer {
    const entry = network.state.data(accountId('account_id', owner), escaped(key));
    if (!entry) throw problem('not_found');
    const bytes = Buffer.from(entry.value, 'hex');
    if (mediaType === 'raw') return { status: 200, body: bytes, contentType: sniff(bytes) };
    return ok({ value: bytes.toString('base64'), ...sponsorField(entry) });
  },
  servesRaw: true,
};
