import { readFile } from 'node:fs/promises';
import { Keypair, StrKey } from '@stellar/stellar-sdk/base';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseAmount } from './amount.ts';
import { type Asset, issuerOf, isValidAsset } from './ledger/asset.ts';
import { canBuy, canSell, changeLiabilities, spendable } from './ledger/balances.ts';
import { sha256 } from './ledger/envelope.ts';
import { adjustAmount, INT64_MAX, offerLiabilities } from './ledger/exchange.ts';
import { TOTAL_COINS } from './ledger/header.ts';
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
  /** The highest offer id given out. */
  idPool: bigint;
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
  const state = createState({ ledger: firstLedger, time: closeTime });
  const putAccount = (owner: string, balance: bigint, sequence: bigint, subentries: number): void =>
    state.put({
      account: {
        address: owner,
        balance,
        sequence,
        sequenceLedger: 0,
        sequenceTime: 0,
        subentries,
        buyingLiabilities: 0n,
        sellingLiabilities: 0n,
      },
    });

  const root = Keypair.fromRawEd25519Seed(sha256(scenario.networkPassphrase)).publicKey();
  const given = scenario.accounts.reduce((sum, { balance }) => sum + balance, 0n);
  putAccount(root, TOTAL_COINS - given, 0n, 0);
  for (const account of scenario.accounts) {
    putAccount(
      address(account.address),
      account.balance,
      BigInt(firstLedger) << 32n,
      account.trustlines.length,
    );
    for (const { asset: text, limit = INT64_MAX, balance } of account.trustlines) {
      if (balance > limit) throw new Error(`${account.address} holds more ${text} than its limit`);
      state.put({
        trustline: {
          owner: address(account.address),
          asset: asset(text),
          balance,
          limit,
          authorization: 'full',
          buyingLiabilities: 0n,
          sellingLiabilities: 0n,
        },
      });
    }
  }
  scenario.offers.forEach((offer, index) => {
    const [selling, buying] = [asset(offer.selling), asset(offer.buying)];
    addOffer(state, { ...offer, id: BigInt(index + 1), seller: address(offer.seller), selling, buying });
  });
  for (const account of state.accounts()) {
    if (spendable(account) < 0n) throw new Error(`${account.address} is below its reserve`);
  }
  state.commit();
  return { state, passphrase: scenario.networkPassphrase, idPool: BigInt(scenario.offers.length) };
}

function addOffer(state: LedgerState, offer: Parameters<LedgerState['putOffer']>[0]): void {
  const { selling, buying } = offerLiabilities(offer.price, offer.amount);
  const what = `the offer of ${offer.seller} to sell ${offer.selling}`;
  const owner = state.account(offer.seller);
  if (!owner) throw new Error(`${what} has no account`);
  state.put({ account: { ...owner, subentries: owner.subentries + 1 } });
  for (const side of [offer.selling, offer.buying]) {
    const held = side === 'native' || issuerOf(side) === offer.seller || state.trustline(offer.seller, side);
    if (!held) throw new Error(`${what} has no trust line of ${side}`);
  }
  if (selling > canSell(state, offer.seller, offer.selling)) throw new Error(`${what} is not covered`);
  if (buying > canBuy(state, offer.seller, offer.buying)) throw new Error(`${what} would not fit its limit`);
  if (adjustAmount(offer.price, offer.amount, INT64_MAX) !== offer.amount)
    throw new Error(`${what} has an amount that its price cannot express`);
  state.putOffer(offer);
  changeLiabilities(state, offer, 1n);
}
