import { readFile } from 'node:fs/promises';
import { Keypair, StrKey } from '@stellar/stellar-sdk/base';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseAmount } from './amount.ts';
import { type Asset, issuerOf, isValidAsset } from './ledger/asset.ts';
import { canBuy, canSell, changeLiabilities, spendable } from './ledger/balances.ts';
import { newAccount } from './ledger/create_account.ts';
import { AUTHORIZED, type Offer } from './ledger/entries.ts';
import { sha256 } from './ledger/envelope.ts';
import { adjustAmount, INT64_MAX, offerLiabilities } from './ledger/exchange.ts';
import { PROTOCOL_VERSION, TOTAL_COINS } from './ledger/header.ts';
import { createState, type LedgerState } from './ledger/state.ts';

/** The address that stands for the account given on the command line. */
const PLACEHOLDER = '$ACCOUNT';

/** Decimal text with at most seven places, as stroops. */
const amount = z.string().transform((text, context) => {
  const stroops = parseAmount(text);
  if (stroops === undefined)
    context.addIssue({ code: 'custom', message: `${text} is no amount; quote it, seven decimals at most` });
  return stroops ?? 0n;
});
const int32 = z.number().int().min(1).max(0x7fffffff);

const scenarioSchema = z.strictObject({
  networkPassphrase: z.string().min(1),
  accounts: z.array(
    z.strictObject({
      name: z.string().optional(),
      address: z.string(),
      balance: amount,
      trustlines: z
        .array(z.strictObject({ asset: z.string(), limit: amount.optional(), balance: amount }))
        .default([]),
    }),
  ),
  offers: z
    .array(
      z.strictObject({
        seller: z.string(),
        selling: z.string(),
        buying: z.string(),
        amount,
        price: z.strictObject({ n: int32, d: int32 }),
      }),
    )
    .default([]),
});

export type Scenario = z.infer<typeof scenarioSchema>;

export interface Market {
  state: LedgerState;
  passphrase: string;
}

/** Reads a scenario file (YAML); `account` takes the place of `$ACCOUNT`. */
export async function loadScenario(path: string, account: string | undefined): Promise<Scenario> {
  const text = await readFile(path, 'utf8');
  if (text.includes(PLACEHOLDER) && account === undefined)
    throw new Error(`${path} needs an account for ${PLACEHOLDER}`);
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
 * @throws where accounts or offers could not stand in a real ledger
 */
export function createMarket(scenario: Scenario, closeTime: number, firstLedger = 1): Market {
  const { address, asset } = resolver(scenario);
  const state = createState({
    sequence: firstLedger,
    closeTime: BigInt(closeTime),
    version: PROTOCOL_VERSION,
    baseFee: 100n,
    baseReserve: 5_000_000n,
    maxTxSetSize: 1000,
    feePool: 0n,
    idPool: BigInt(scenario.offers.length),
  });
  const root = Keypair.fromRawEd25519Seed(sha256(scenario.networkPassphrase)).publicKey();
  const given = scenario.accounts.reduce((sum, { balance }) => sum + balance, 0n);
  state.put({ ...newAccount(root, TOTAL_COINS - given, firstLedger), sequence: 0n });
  for (const account of scenario.accounts) {
    const subentries = account.trustlines.length;
    state.put({ ...newAccount(address(account.address), account.balance, firstLedger), subentries });
    for (const { asset: text, limit = INT64_MAX, balance } of account.trustlines) {
      if (balance > limit) throw new Error(`${account.address} holds more ${text} than its limit`);
      state.put({
        type: 'trustline',
        owner: address(account.address),
        asset: asset(text),
        balance,
        limit,
        flags: AUTHORIZED,
        extension: 0,
        liabilities: { buying: 0n, selling: 0n },
        poolUses: 0,
        modified: firstLedger,
      });
    }
  }
  scenario.offers.forEach((offer, index) => {
    const [selling, buying] = [asset(offer.selling), asset(offer.buying)];
    addOffer(state, {
      ...offer,
      type: 'offer',
      id: BigInt(index + 1),
      seller: address(offer.seller),
      selling,
      buying,
      passive: false,
      modified: firstLedger,
    });
  });
  for (const entry of state.entries()) {
    if (entry.type === 'account' && spendable(state.header, entry) < 0n) {
      throw new Error(`${entry.address} is below its reserve`);
    }
  }
  state.commit();
  return { state, passphrase: scenario.networkPassphrase };
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
