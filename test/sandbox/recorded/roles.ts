import { Keypair, xdr } from '@stellar/stellar-sdk/base';
import { sha256 } from '../ledger/envelope.ts';
import { outcomeOf } from './compare.ts';
import { type Answer, answerOf, json, type Recordings, requestOf, submitted } from './recordings.ts';

export const ROLES = ['issuer', 'maker', 'taker', 'alice', 'bob', 'multisig'] as const;
export type Role = (typeof ROLES)[number];

type Fields = Record<string, unknown>;

/** What the recordings tell of the network that they were made on. */
export interface Facts {
  /** Recorded address of each role, where one is found. */
  roles: Partial<Record<Role, string>>;
  /** Codes of the issuer's assets: one of at most four characters, one longer. */
  codes: { short: string; long: string };
  /** Accounts that exist besides. */
  others: Set<string>;
  /** Those of `others` that cannot pay a high fee. */
  poor: Set<string>;
  signers: { key: string; weight: number }[];
  thresholds: { low: number; medium: number; high: number };
  data: Record<string, string>;
  /** Types of the operations by hash; of fee bumps by both. */
  transactions: Map<
    string,
    { types: string[]; feeBump: boolean; failed: boolean; outer: boolean; ledger: number }
  >;
  operations: Map<string, string>;
  offers: Set<string>;
  pools: Set<string>;
  latest: number;
  passphrase: string;
}

function* walk(value: unknown): Generator<Fields> {
  if (value === null || typeof value !== 'object') return;
  if (!Array.isArray(value)) yield value as Fields;
  for (const item of Object.values(value)) yield* walk(item);
}

/** Names of the operations of an envelope, as on the wire, and whether it is a fee bump. */
export function operationsOf(envelopeXdr: string): { types: string[]; feeBump: boolean } {
  const found: string[] = [];
  const envelope = xdr.TransactionEnvelope.fromXdr(envelopeXdr, 'base64').toJson();
  for (const { operations } of walk(envelope)) {
    if (!Array.isArray(operations)) continue;
    for (const { body } of operations) found.push(typeof body === 'string' ? body : Object.keys(body)[0]!);
  }
  return { types: found, feeBump: 'tx_fee_bump' in (envelope as Fields) };
}

const mostOf = (counts: Map<string, number>, not: (string | undefined)[] = []): string | undefined =>
  [...counts].filter(([name]) => !not.includes(name)).sort((a, b) => b[1] - a[1])[0]?.[0];

/** Finds roles, assets and what is known of ids in the recordings, whatever their names. */
export function readFacts({ exchanges }: Recordings, names: Record<string, string>): Facts {
  const facts: Facts = {
    roles: {},
    codes: { short: 'USDC', long: 'LONGEURTOKN' },
    others: new Set(),
    poor: new Set(),
    signers: [],
    thresholds: { low: 1, medium: 2, high: 3 },
    data: { config: 'eyJ2IjoxfQ==', empty: '' },
    transactions: new Map(),
    operations: new Map(),
    offers: new Set(),
    pools: new Set(),
    latest: 0,
    passphrase: 'Standalone Network ; February 2017',
  };
  const counts: Record<string, Map<string, number>> = {};
  const count = (what: string, name: unknown): void => {
    counts[what] ??= new Map();
    counts[what].set(String(name), (counts[what].get(String(name)) ?? 0) + 1);
  };
  const gone = new Set<string>();
  const exists = (address: unknown): void => {
    const base = String(address);
    if (/^G[A-Z2-7]{55}$/.test(base)) facts.others.add(base);
  };
  let multisig: string | undefined;
  let owner: string | undefined;

  /** Who exists and who trades what, as far as the submissions tell. */
  function readSubmission(envelope: string | undefined, answer: Answer): void {
    let decoded: unknown;
    try {
      decoded = xdr.TransactionEnvelope.fromXdr(envelope ?? '', 'base64').toJson();
    } catch {
      return;
    }
    const outcome = outcomeOf(answer);
    for (const one of walk(decoded)) {
      if ('seq_num' in one) {
        const source = String(one.source_account);
        if (outcome === 'tx_no_account') gone.add(source);
        else exists(source);
        if (outcome === 'tx_insufficient_balance') facts.poor.add(source);
        if (outcome === 'tx_failed op_bad_auth') multisig ??= source;
      }
      if ('fee_source' in one) exists(one.fee_source);
      // Those of payments; a new account's has a starting balance.
      if ('destination' in one && !('starting_balance' in one) && !outcome?.includes('no_destination')) {
        exists(one.destination);
      }
      if (typeof one.issuer === 'string') asset(one.asset_code, one.issuer);
    }
  }
  function asset(code: unknown, issuer: unknown): void {
    count('issuer', issuer);
    count(String(code).length > 4 ? 'long' : 'short', code);
  }

  for (const exchange of exchanges) {
    const { path, body } = requestOf(exchange);
    const answer = answerOf(exchange);
    const account = /^\/accounts\/(G[A-Z2-7]{55})(?!\/data)/.exec(path)?.[1];
    if (account && answer.status === 404) gone.add(account);
    const called = json(body ?? '') as { params?: { keys?: unknown } } | undefined;
    for (const key of Array.isArray(called?.params?.keys) ? called.params.keys : []) {
      for (const part of walk(readKey(String(key)))) {
        if (part.data_name) {
          owner = String(part.account_id);
          facts.data = { [String(part.data_name)]: 'dg==' };
        }
        if (part.asset) count('line', part.account_id);
        if (part.issuer) asset(part.asset_code, part.issuer);
      }
    }
    const value = json(answer.body);
    for (const one of walk(value)) {
      if ('asset_issuer' in one && one.asset_code) asset(one.asset_code, one.asset_issuer);
      if ('seller' in one && 'price_r' in one) {
        count('maker', one.seller);
        facts.offers.add(String(one.id));
      }
      if ('trade_type' in one)
        for (const side of [one.base_account, one.counter_account]) if (side) count('trader', side);
      if (one.type === 'payment' && one.to) count('bob', one.to);
      if ('total_shares' in one && 'reserves' in one) facts.pools.add(String(one.id));
      if ('liquidity_pool_id' in one) facts.pools.add(String(one.liquidity_pool_id));
      if ('account_id' in one && 'thresholds' in one && Array.isArray(one.signers)) {
        exists(one.account_id);
        if (/selling_liabilities":"[0.]*[1-9]|liquidity_pool_shares/.test(JSON.stringify(one.balances))) {
          count('maker', one.account_id);
        }
        const { data } = one;
        if (one.signers.length > 1) {
          multisig = String(one.account_id);
          facts.signers = one.signers as Facts['signers'];
          const levels = one.thresholds as Record<string, number>;
          facts.thresholds = {
            low: levels.low_threshold!,
            medium: levels.med_threshold!,
            high: levels.high_threshold!,
          };
        } else if (data && Object.keys(data).length > 0 && owner === undefined) {
          owner = String(one.account_id);
          facts.data = data as Record<string, string>;
        }
      }
      const passphrase = one.network_passphrase ?? one.passphrase;
      if (typeof passphrase === 'string') facts.passphrase = passphrase;
      if ('source_account' in one) exists(one.source_account);
      if (one.type === 'account_created') exists(one.account);
      if ('envelope_xdr' in one && 'ledger' in one) {
        const read = operationsOf(String(one.envelope_xdr));
        const bump = one.fee_bump_transaction as { hash: string } | undefined;
        const inner = one.inner_transaction as { hash: string } | undefined;
        const known = { ...read, failed: one.successful === false, ledger: Number(one.ledger) };
        facts.transactions.set(bump?.hash ?? String(one.hash), { ...known, outer: true });
        if (inner) facts.transactions.set(inner.hash, { ...known, outer: false });
      }
      if ('transaction_hash' in one && typeof one.type === 'string' && 'source_account' in one) {
        facts.operations.set(String(one.id), one.type);
      }
      for (const key of ['sequence', 'latestLedger', 'ledger']) {
        if (typeof one[key] === 'number') facts.latest = Math.max(facts.latest, one[key]);
      }
    }
    readSubmission(submitted(exchange), answer);
  }
  const root = Keypair.fromRawEd25519Seed(sha256(facts.passphrase)).publicKey();
  const named = (role: Role): string | undefined => names[role];
  const { roles } = facts;
  const set = (role: Role, address: string | undefined): void => {
    if (address) roles[role] = address;
  };
  set('issuer', named('issuer') ?? mostOf(counts.issuer ?? new Map()));
  set('maker', named('maker') ?? mostOf(counts.maker ?? new Map()));
  set('multisig', multisig ?? named('multisig'));
  set('alice', owner ?? named('alice'));
  const taken = () => [...Object.values(roles), root, ...gone];
  set('bob', named('bob') ?? mostOf(counts.bob ?? counts.line ?? new Map(), taken()));
  set('taker', named('taker') ?? mostOf(counts.trader ?? new Map(), taken()));
  facts.codes = {
    short: mostOf(counts.short ?? new Map()) ?? 'USDC',
    long: mostOf(counts.long ?? new Map()) ?? 'LONGEURTOKN',
  };
  for (const address of Object.values(names)) exists(address);
  for (const address of [...facts.poor]) exists(address);
  for (const address of [...taken(), names.nobody ?? '']) facts.others.delete(address);
  return facts;
}

function readKey(text: string): unknown {
  try {
    return xdr.LedgerKey.fromXdr(text, 'base64').toJson();
  } catch {
    return undefined;
  }
}
