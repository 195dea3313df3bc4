import { type Keypair, Operation, Asset as SdkAsset } from '@stellar/stellar-sdk/base';
import { formatAmount } from './amount.ts';
import { type Asset, credit } from './ledger/asset.ts';
import { offersOf } from './ledger/entries_of.ts';
import { sha256 } from './ledger/envelope.ts';
import type { Network } from './network.ts';
import { type OperationXdr, seedKey, signedEnvelope } from './signed.ts';

/** A market that the bots trade. */
export interface Pair {
  base: Asset;
  counter: Asset;
  /** Counter for one base, around which the price wanders. */
  mid: number;
  levels: number;
  /** Stroops of base that each maker quotes at each level. */
  amount: bigint;
}

export interface Crowd {
  seed: string;
  makers: number;
  takers: number;
  pairs: Pair[];
}

interface Bot {
  name: string;
  key: Keypair;
}

/** A bot has as much as this many levels. */
const HOLDING = 1000n;
/** Stroops of lumens beside what is traded. */
const POCKET_MONEY = 100_000_000_000n;
/** Denominator of all prices. */
const PRICE_UNIT = 1_000_000;
/** Distance of the first level to the middle and of one level to the next, as a part of the price. */
const LEVEL_STEP = 0.002;
/** How many ledgers each wave of the price takes, and how far one moves it, as a part of the price. */
const WAVES = [5, 23, 101, 499];
const WAVE_HEIGHT = 0.005;
/** What a taker puts up with, as a part of the price. */
const SLIPPAGE = 0.05;

const botsOf = ({ seed, makers, takers }: Crowd, role: 'maker' | 'taker'): Bot[] =>
  Array.from({ length: role === 'maker' ? makers : takers }, (_, index) => {
    const name = `crowd ${seed} ${role} ${index}`;
    return { name, key: seedKey(name) };
  });

/** The accounts of all bots, with what they trade. */
export function crowdAccounts(crowd: Crowd) {
  const holdings = new Map<Asset, bigint>([['native', POCKET_MONEY]]);
  for (const { base, counter, mid, levels, amount } of crowd.pairs) {
    const held = amount * BigInt(levels) * HOLDING;
    holdings.set(base, (holdings.get(base) ?? 0n) + held);
    holdings.set(counter, (holdings.get(counter) ?? 0n) + scale(held, mid));
  }
  const { native, ...lines } = Object.fromEntries(holdings);
  const trustlines = Object.entries(lines).map(([asset, balance]) => ({ asset, balance }));
  return [...botsOf(crowd, 'maker'), ...botsOf(crowd, 'taker')].map(({ name, key }) => ({
    name,
    address: key.publicKey(),
    balance: native!,
    trustlines,
  }));
}

/** From 0 to 1; hangs on nothing but its parameters, so that a restored network goes on alike. */
const random = (...parameters: (string | number)[]): number =>
  sha256(parameters.join(' ')).readUInt32BE() / 2 ** 32;

const scale = (amount: bigint, factor: number): bigint =>
  (amount * BigInt(Math.round(factor * PRICE_UNIT))) / BigInt(PRICE_UNIT);

/** The middle of a pair at a ledger: waves of several lengths, each from one random height to the next. */
function midAt({ mid, base, counter }: Pair, seed: string, ledger: number): number {
  const height = (wave: number): number => {
    const [turn, part] = [Math.floor(ledger / wave), (ledger % wave) / wave];
    const [from, to] = [turn, turn + 1].map((at) => random(seed, base, counter, wave, at)) as [
      number,
      number,
    ];
    return (from + (to - from) * part) * 2 - 1;
  };
  return mid * (1 + WAVES.reduce((sum, wave) => sum + height(wave) * WAVE_HEIGHT, 0));
}

function toSdk(asset: Asset): SdkAsset {
  const parts = credit(asset);
  return parts ? new SdkAsset(parts.code, parts.issuer) : SdkAsset.native();
}

const priceOf = (price: number) => ({ n: Math.round(price * PRICE_UNIT), d: PRICE_UNIT });

/** Moves a maker's offers to where the middle is now; those that were taken are made anew. */
function quote({ state }: Network, maker: string, pair: Pair, seed: string, ledger: number): OperationXdr[] {
  const [base, counter] = [toSdk(pair.base), toSdk(pair.counter)];
  const own = offersOf(state, maker).sort((a, b) => (a.id < b.id ? -1 : 1));
  const asks = own.filter(({ selling, buying }) => selling === pair.base && buying === pair.counter);
  const bids = own.filter(({ selling, buying }) => selling === pair.counter && buying === pair.base);
  const mid = midAt(pair, seed, ledger);
  const amount = formatAmount(pair.amount);
  const levels = Array.from({ length: pair.levels }, (_, level) => level);
  const sells = levels.map((level) =>
    Operation.manageSellOffer({
      selling: base,
      buying: counter,
      amount,
      price: priceOf(mid * (1 + LEVEL_STEP * (level + 1))),
      offerId: String(asks[level]?.id ?? 0),
    }),
  );
  const buys = levels.map((level) =>
    Operation.manageBuyOffer({
      selling: counter,
      buying: base,
      buyAmount: amount,
      price: priceOf(mid * (1 - LEVEL_STEP * (level + 1))),
      offerId: String(bids[level]?.id ?? 0),
    }),
  );
  // Out of the way first what the other side moves towards: nobody may cross its own offers.
  return mid > midAt(pair, seed, ledger - 1) ? [...sells, ...buys] : [...buys, ...sells];
}

/** Buys or sells some base at once. */
function take(taker: Bot, { pairs, seed }: Crowd, ledger: number): OperationXdr[] {
  const dice = (what: string): number => random(taker.name, ledger, what);
  const pair = pairs[Math.floor(dice('pair') * pairs.length)]!;
  const mid = midAt(pair, seed, ledger);
  const amount = scale(pair.amount, 0.1 + 2 * dice('amount'));
  const [base, counter, destination] = [toSdk(pair.base), toSdk(pair.counter), taker.key.publicKey()];
  if (dice('side') < 0.5) {
    return [
      Operation.pathPaymentStrictSend({
        sendAsset: base,
        sendAmount: formatAmount(amount),
        destination,
        destAsset: counter,
        destMin: formatAmount(scale(amount, mid * (1 - SLIPPAGE))),
      }),
    ];
  }
  return [
    Operation.pathPaymentStrictReceive({
      sendAsset: counter,
      sendMax: formatAmount(scale(amount, mid * (1 + SLIPPAGE))),
      destination,
      destAsset: base,
      destAmount: formatAmount(amount),
    }),
  ];
}

/**
 * Bots that quote and take, one transaction each between two closes, submitted like anybody's: what the network does
 * not take or lets fail is tried again with the next ledger's prices.
 * @returns how to stop them
 */
export function startCrowd(network: Network, crowd: Crowd): () => void {
  const { passphrase, state } = network;
  const [makers, takers] = [botsOf(crowd, 'maker'), botsOf(crowd, 'taker')];

  function send({ name, key }: Bot, operations: OperationXdr[], ledger: number): void {
    const account = state.account(key.publicKey());
    if (!account) return;
    const fee = state.header.baseFee * BigInt(1 + Math.floor(10 * random(name, ledger, 'fee')));
    const sequence = account.sequence + 1n;
    network.submit(signedEnvelope({ source: key, sequence, operations, fee, passphrase }));
  }

  function step(): void {
    const ledger = network.latest.sequence + 1;
    for (const maker of makers) {
      const offers = crowd.pairs.flatMap((pair) =>
        quote(network, maker.key.publicKey(), pair, crowd.seed, ledger),
      );
      send(maker, offers, ledger);
    }
    for (const taker of takers) send(taker, take(taker, crowd, ledger), ledger);
  }

  step();
  return network.onClose(step);
}
