import { readFile } from 'node:fs/promises';
import { StrKey } from '@stellar/stellar-sdk/base';
import { parse } from 'yaml';
import { type Crowd, crowdAccounts } from './crowd.ts';
import { type Asset, assetToJson, issuerOf, isValidAsset } from './ledger/asset.ts';
import { canBuy, canSell, changeLiabilities, spendable } from './ledger/balances.ts';
import { newTrustline } from './ledger/change_trust.ts';
import { newAccount } from './ledger/create_account.ts';
import { AUTHORIZED, type Offer } from './ledger/entries.ts';
import { adjustAmount, INT64_MAX, offerLiabilities } from './ledger/exchange.ts';
import { PROTOCOL_VERSION, TOTAL_COINS } from './ledger/header.ts';
import { type OperationName, operationModule } from './ledger/operations.ts';
import { compareAssets, POOL_FEE, poolId, poolIdToJson } from './ledger/pool.ts';
import { UNCHANGED } from './ledger/set_options.ts';
import { createState, type LedgerState } from './ledger/state.ts';
import { type Scenario, scenarioSchema } from './scenario_schema.ts';
import { seedKey } from './signed.ts';

export type { Scenario } from './scenario_schema.ts';

type AccountOf = Scenario['accounts'][number];

/** The address that stands for the account given on the command line. */
const PLACEHOLDER = '$ACCOUNT';

export interface Market {
  state: LedgerState;
  passphrase: string;
  /** Bots of the scenario, whose accounts are there. */
  crowd?: Crowd;
}

/** Reads a scenario file (YAML); `account` takes the place of `$ACCOUNT`. */
export async function loadScenario(path: string, account: string | undefined): Promise<Scenario> {
  const text = await readFile(path, 'utf8');
  if (text.includes(PLACEHOLDER) && account === undefined)
    throw new Error(`${path} needs an account for ${PLACEHOLDER}; give --account G…`);
  return scenarioSchema.parse(parse(text.replaceAll(PLACEHOLDER, account ?? '')));
}

/** Account names and assets of a scenario as addresses. */
function resolver(scenario: Scenario): { address(name: string): string; asset(text: string): Asset } {
  const named = new Map(scenario.accounts.map(({ name, address }) => [name ?? address, address]));
  const address = (name: string): string => {
    const found = named.get(name) ?? name;
    if (!StrKey.isValidEd25519PublicKey(found))
      throw new Error(`${name} is neither an account name nor an address`);
    return found;
  };
  return {
    address,
    asset(text) {
      if (text === 'XLM' || text === 'native') return 'native';
      const [code = '', issuer = ''] = text.split(':');
      const asset = `${code}:${address(issuer)}`;
      if (!isValidAsset(asset)) throw new Error(`${text} is no asset`);
      return asset;
    },
  };
}

/**
 * The state at its first ledger. The network's root account holds the lumens that nobody else has, so that they add up.
 * @param closeTime Unix seconds
 * @throws where accounts, offers or pools could not stand in a real ledger
 */
export function createMarket(scenario: Scenario, closeTime: number, firstLedger = 1): Market {
  const { networkPassphrase: passphrase, maxTxSetSize = 1000, baseFee = 100, pools = [] } = scenario;
  const { address, asset } = resolver(scenario);
  const state = createState({
    sequence: firstLedger,
    closeTime: BigInt(closeTime),
    version: PROTOCOL_VERSION,
    baseFee: BigInt(baseFee),
    baseReserve: 5_000_000n,
    maxTxSetSize,
    feePool: 0n,
    idPool: BigInt(scenario.offers.length),
  });
  const crowd: Crowd | undefined = scenario.crowd && {
    ...scenario.crowd,
    pairs: scenario.crowd.pairs.map((pair) => ({
      ...pair,
      base: asset(pair.base),
      counter: asset(pair.counter),
    })),
  };
  const accounts: AccountOf[] = [...scenario.accounts, ...(crowd ? crowdAccounts(crowd) : [])];
  const given = accounts.reduce((sum, { balance }) => sum + balance, 0n);
  const root = seedKey(passphrase).publicKey();
  state.put({ ...newAccount(root, TOTAL_COINS - given, firstLedger), sequence: 0n });
  for (const account of accounts) addAccount(state, account, address, asset);
  scenario.offers.forEach((offer, index) => {
    addOffer(state, {
      ...offer,
      type: 'offer',
      id: BigInt(index + 1),
      seller: address(offer.seller),
      selling: asset(offer.selling),
      buying: asset(offer.buying),
      passive: false,
      modified: firstLedger,
    });
  });
  for (const pool of pools)
    addPool(state, address(pool.owner), [asset(pool.a), pool.amountA], [asset(pool.b), pool.amountB]);
  for (const entry of state.entries()) {
    if (entry.type === 'account' && spendable(state.header, entry) < 0n) {
      throw new Error(`${entry.address} is below its reserve`);
    }
  }
  state.commit();
  return { state, passphrase, ...(crowd && { crowd }) };
}

/** Does what an operation would do. */
function perform(state: LedgerState, what: string, source: string, name: OperationName, body: unknown): void {
  const module = operationModule(name)!;
  const code = module.check(body, source);
  const outcome = code ? { code } : module.apply(state, source, body, { highestSequence: () => undefined });
  if ('code' in outcome) throw new Error(`${what}: ${name} says ${outcome.code}`);
}

function addAccount(
  state: LedgerState,
  account: AccountOf,
  address: (name: string) => string,
  asset: (text: string) => Asset,
): void {
  const owner = address(account.address);
  const what = `the account ${account.name ?? owner}`;
  if (state.account(owner)) throw new Error(`${what} is there twice`);
  const { trustlines, thresholds, signers = [], data = {} } = account;
  const { sequence: modified } = state.header;
  state.put({ ...newAccount(owner, account.balance, modified), subentries: trustlines.length });
  for (const { asset: text, limit = INT64_MAX, balance, flags = AUTHORIZED } of trustlines) {
    if (balance > limit) throw new Error(`${what} holds more ${text} than its limit`);
    state.put({ ...newTrustline(owner, asset(text), flags), balance, limit });
  }
  const options = {
    ...UNCHANGED,
    set_flags: account.flags ?? null,
    master_weight: thresholds?.master ?? null,
    low_threshold: thresholds?.low ?? null,
    med_threshold: thresholds?.medium ?? null,
    high_threshold: thresholds?.high ?? null,
    home_domain: account.homeDomain ?? null,
  };
  for (const { key, weight } of signers)
    perform(state, what, owner, 'set_options', {
      ...options,
      set_flags: null,
      signer: { key: address(key), weight },
    });
  perform(state, what, owner, 'set_options', options);
  for (const [name, text] of Object.entries(data))
    perform(state, what, owner, 'manage_data', {
      data_name: name,
      data_value: Buffer.from(text).toString('hex'),
    });
}

type Stake = readonly [asset: Asset, amount: bigint];

/** The first deposit sets the price; a further one is as large as fits it. */
function addPool(state: LedgerState, owner: string, x: Stake, y: Stake): void {
  const [[a, amountA], [b, amountB]] = compareAssets(x[0], y[0]) < 0 ? [x, y] : [y, x];
  const what = `the pool of ${x[0]} and ${y[0]}`;
  const parameters = { asset_a: assetToJson(a), asset_b: assetToJson(b), fee: Number(POOL_FEE) };
  perform(state, what, owner, 'change_trust', {
    line: { pool_share: { liquidity_pool_constant_product: parameters } },
    limit: String(INT64_MAX),
  });
  perform(state, what, owner, 'liquidity_pool_deposit', {
    liquidity_pool_id: poolIdToJson(poolId(a, b)),
    max_amount_a: String(amountA),
    max_amount_b: String(amountB),
    min_price: { n: 1, d: 0x7fffffff },
    max_price: { n: 0x7fffffff, d: 1 },
  });
}

function addOffer(state: LedgerState, offer: Offer): void {
  const { selling, buying } = offerLiabilities(offer.price, offer.amount);
  const what = `the offer of ${offer.seller} to sell ${offer.selling}`;
  const owner = state.account(offer.seller);
  if (!owner) throw new Error(`${what} has no account`);
  state.put({ ...owner, subentries: owner.subentries + 1 });
  for (const side of [offer.selling, offer.buying]) {
    const held = side === 'native' || issuerOf(side) === offer.seller || state.trustline(offer.seller, side);
    if (!held) throw new Error(`${what} has no trust line of ${side}`);
  }
  if (selling > canSell(state, offer.seller, offer.selling)) throw new Error(`${what} is not covered`);
  if (buying > canBuy(state, offer.seller, offer.buying)) throw new Error(`${what} would not fit its limit`);
  if (adjustAmount(offer.price, offer.amount, INT64_MAX) !== offer.amount)
    throw new Error(`${what} has an amount that its price cannot express`);
  state.put(offer);
  changeLiabilities(state, offer, 1n);
}
