/*
 * A second reading of the signing policy, from the words of its documentation and not from the code: slow, without any
 * state but the list of everything that was signed. It takes the policy as it is written, texts and all.
 */

import type { FeeBump, Offer, Operation, PoolDeposit, Transaction } from '../../../sidecar/transaction.ts';

export interface RawWindow {
  amount: string;
  seconds: number;
}
export interface RawPairRule {
  pair: string[];
  price: { min: string; max: string };
  maxAmount: Record<string, string>;
  window?: Record<string, RawWindow>;
  turnover?: Record<string, RawWindow>;
}
export interface RawSpec {
  channels: string[];
  killSwitch: boolean;
  maxOperations: number;
  maxTimeBoundSeconds: number;
  signaturesPerSecond: number;
  fees: { perOperation: string; perTransaction: string; window: RawWindow };
  swaps: RawPairRule[];
  offers: RawPairRule[];
  pools: RawPairRule[];
  payments: { asset: string; destinations: string[]; maxAmount: string; window: RawWindow }[];
  trustlines: string[];
}

export interface Ask {
  /** Names the transaction: the same number is the same transaction again. */
  id: number;
  transaction: Transaction;
  feeBump?: FeeBump | undefined;
}

export interface Signed extends Ask {
  atMs: number;
  budget: 'ordinary' | 'deletions';
  /** By how much it raised the fee that was counted for its transaction before. */
  fee: bigint;
  isFirst: boolean;
}

export interface World {
  account: string;
  /** The two assets of a pool by its id, A first. */
  pools: Record<string, readonly [string, string]>;
  signed: Signed[];
}

/** What leaves at most, by kind; a changed offer has its id. */
interface Outflow {
  kind: string;
  asset: string;
  pair: string;
  amount: bigint;
  offer?: bigint;
}

const isMadeOfDeletions = ({ operations }: Transaction): boolean =>
  operations.every(
    (op) =>
      (op.type === 'manageSellOffer' || op.type === 'manageBuyOffer') && op.amount === 0n && op.offerId > 0n,
  );

/** `ordinary`, `deletions`, or why it is refused. */
export function read(specs: readonly RawSpec[], ask: Ask, atMs: number, world: World): string {
  const now = Math.floor(atMs / 1000);
  for (const spec of specs) {
    const wrong = whatIsWrong(spec, ask, now, world);
    if (wrong !== undefined) return wrong;
  }
  const full = specs.flatMap((spec) => (spec.killSwitch ? ['kill'] : fullWindows(spec, ask, atMs, world)));
  const rate = Math.min(...specs.map(({ signaturesPerSecond }) => signaturesPerSecond));
  if (full.length === 0 && hasRate('ordinary', rate, atMs, world)) return 'ordinary';
  if (!isMadeOfDeletions(ask.transaction)) return `limit ${full[0] ?? 'rate'}`;
  const isRepeated = ask.feeBump === undefined && world.signed.some(({ id }) => id === ask.id);
  const spent = spentOn('deletions', 3600, atMs, world) + (isRepeated ? 0n : raise(ask, world));
  const budget = specs.every(({ fees }) => spent <= 10n * BigInt(fees.perTransaction));
  if (!budget && !isRepeated) return 'limit budget';
  return hasRate('deletions', rate, atMs, world) ? 'deletions' : 'limit rate of deletions';
}

function whatIsWrong(spec: RawSpec, ask: Ask, now: number, world: World): string | undefined {
  const { transaction, feeBump } = ask;
  const { operations, timeBounds } = transaction;
  const payers = [world.account, ...spec.channels];
  if (!payers.includes(transaction.source)) return 'source';
  if (operations.length === 0 || operations.length > spec.maxOperations) return 'count';
  if (timeBounds === undefined) return 'time';
  if (timeBounds.maxTime <= now || timeBounds.maxTime > now + spec.maxTimeBoundSeconds) return 'time';
  const fees = [{ fee: transaction.fee, of: operations.length }];
  if (feeBump !== undefined) {
    if (!payers.includes(feeBump.source)) return 'fee source';
    if (!world.signed.some(({ id }) => id === ask.id)) return 'inner';
    fees.push({ fee: feeBump.fee, of: operations.length + 1 });
  }
  for (const { fee, of } of fees)
    if (fee > BigInt(spec.fees.perOperation) * BigInt(of) || fee > BigInt(spec.fees.perTransaction))
      return 'fee';
  for (const op of operations) {
    if ((op.source ?? transaction.source) !== world.account) return 'operation source';
    if (!mayDo(spec, op, world)) return `operation ${op.type}`;
  }
  return undefined;
}

const ruleOf = (rules: readonly RawPairRule[], one: string, other: string): RawPairRule | undefined =>
  one === other ? undefined : rules.find(({ pair }) => pair.includes(one) && pair.includes(other));

/** A decimal times 10^20. */
function scaled(text: string): bigint {
  const [whole, fraction = ''] = text.split('.');
  return BigInt(whole! + fraction.padEnd(20, '0'));
}

/** Whether `paid` of asset `of` for `got` of the other asset lies in the collar of the rule. */
function isInCollar({ pair, price }: RawPairRule, of: string, paid: bigint, got: bigint): boolean {
  if (paid <= 0n || got <= 0n) return false;
  const [base, quote] = pair[0] === of ? [paid, got] : [got, paid];
  const one = 10n ** 20n;
  return quote * one >= scaled(price.min) * base && quote * one <= scaled(price.max) * base;
}

const atMost = ({ maxAmount }: RawPairRule, asset: string, amount: bigint): boolean =>
  amount <= BigInt(maxAmount[asset]!);

/** Of a buy offer what its amount costs, rounded up. */
function sold({ type, amount, price: { n, d } }: Offer): bigint {
  if (type === 'manageSellOffer') return amount;
  const whole = (amount * n) / d;
  return whole * d === amount * n ? whole : whole + 1n;
}

function mayDo(spec: RawSpec, op: Operation, world: World): boolean {
  switch (op.type) {
    case 'payment':
      return mayPay(spec, op.asset, op.destination, op.amount);
    case 'pathPaymentStrictSend':
    case 'pathPaymentStrictReceive': {
      const rule = ruleOf(spec.swaps, op.sendAsset, op.destAsset);
      if (rule === undefined) return false;
      if (op.destination !== world.account && !mayPay(spec, op.sendAsset, op.destination, op.sendMax))
        return false;
      if (!op.path.every((asset) => spec.swaps.some(({ pair }) => pair.includes(asset)))) return false;
      return isInCollar(rule, op.sendAsset, op.sendMax, op.destMin) && atMost(rule, op.sendAsset, op.sendMax);
    }
    case 'manageSellOffer':
    case 'manageBuyOffer': {
      const { price, selling, buying, amount, offerId } = op;
      if (selling === buying || price.n <= 0n || price.d <= 0n || offerId < 0n || amount < 0n) return false;
      if (amount === 0n) return offerId > 0n;
      const rule = ruleOf(spec.offers, selling, buying);
      if (rule === undefined) return false;
      const isFair =
        op.type === 'manageSellOffer'
          ? isInCollar(rule, selling, price.d, price.n)
          : isInCollar(rule, buying, price.d, price.n);
      return isFair && atMost(rule, selling, sold(op));
    }
    case 'changeTrust':
      return 'pool' in op.line
        ? ruleOf(spec.pools, ...op.line.pool) !== undefined
        : spec.trustlines.includes(op.line.asset);
    case 'liquidityPoolDeposit': {
      const [a, b] = world.pools[op.poolId] ?? ['', ''];
      const rule = ruleOf(spec.pools, a, b);
      if (rule === undefined || op.maxAmountA <= 0n || op.maxAmountB <= 0n) return false;
      // A price is of A for one B.
      const isFair = [op.minPrice, op.maxPrice].every(({ n, d }) => isInCollar(rule, a, n, d));
      return isFair && atMost(rule, a, op.maxAmountA) && atMost(rule, b, op.maxAmountB);
    }
    case 'liquidityPoolWithdraw':
      return op.amount > 0n && ruleOf(spec.pools, ...(world.pools[op.poolId] ?? ['', ''])) !== undefined;
    default:
      return false;
  }
}

function mayPay(spec: RawSpec, asset: string, destination: string, amount: bigint): boolean {
  const rules = spec.payments.filter(
    (rule) => rule.asset === asset && rule.destinations.includes(destination),
  );
  return rules.length > 0 && rules.every(({ maxAmount }) => amount > 0n && amount <= BigInt(maxAmount));
}

function outflows(transaction: Transaction, world: World): Outflow[] {
  // Taking an offer off the book takes nothing.
  const flows = outflowsOfEach(transaction, world).filter(
    ({ kind, amount }) => kind !== 'offer' || amount > 0n,
  );
  // The second change of an offer in one transaction counts like a new offer.
  return flows.map(({ offer, ...flow }, i) =>
    offer === undefined || flows.slice(0, i).some((one) => one.offer === offer) ? flow : { ...flow, offer },
  );
}

function outflowsOfEach({ operations }: Transaction, world: World): Outflow[] {
  const marketOf = (one: string, other: string) => [one, other].sort().join();
  return operations.flatMap((op): Outflow[] => {
    switch (op.type) {
      case 'payment':
        return [{ kind: 'payment', asset: op.asset, pair: '', amount: op.amount }];
      case 'pathPaymentStrictSend':
      case 'pathPaymentStrictReceive': {
        const swap = { asset: op.sendAsset, amount: op.sendMax };
        const isPayment = op.destination !== world.account;
        return [
          { ...swap, kind: 'swap', pair: marketOf(op.sendAsset, op.destAsset) },
          ...(isPayment ? [{ ...swap, kind: 'payment', pair: '' }] : []),
        ];
      }
      case 'manageSellOffer':
      case 'manageBuyOffer': {
        const own = {
          kind: 'offer',
          asset: op.selling,
          pair: marketOf(op.selling, op.buying),
          amount: sold(op),
        };
        return [op.offerId === 0n ? own : { ...own, offer: op.offerId }];
      }
      case 'liquidityPoolDeposit':
        return depositsOf(op, world.pools[op.poolId]!, marketOf);
      default:
        return [];
    }
  });
}

const depositsOf = (
  { maxAmountA, maxAmountB }: PoolDeposit,
  [a, b]: readonly [string, string],
  marketOf: (one: string, other: string) => string,
): Outflow[] => [
  { kind: 'deposit', asset: a, pair: marketOf(a, b), amount: maxAmountA },
  { kind: 'deposit', asset: b, pair: marketOf(a, b), amount: maxAmountB },
];

const slotOf = (atMs: number): number => Math.floor(atMs / 5000);

/** What was signed, and what is asked for, as it would be counted. */
function counted(ask: Ask, atMs: number, world: World): { atMs: number; flow: Outflow }[] {
  const isNew = ask.feeBump === undefined && !world.signed.some(({ id }) => id === ask.id);
  const all = [...world.signed.filter(({ isFirst }) => isFirst), ...(isNew ? [{ ...ask, atMs }] : [])];
  return all.flatMap((signed) =>
    outflows(signed.transaction, world).map((flow) => ({ atMs: signed.atMs, flow })),
  );
}

function raise({ id, transaction, feeBump }: Ask, { signed }: World): bigint {
  const before = signed.filter((other) => other.id === id).reduce((sum, { fee }) => sum + fee, 0n);
  const bid = feeBump?.fee ?? transaction.fee;
  return bid > before ? bid - before : 0n;
}

/** Everything but offers: the slots of the window and one more. */
const isCounted = (thenMs: number, seconds: number, nowMs: number, extra: number): boolean =>
  slotOf(thenMs) > slotOf(nowMs) - Math.ceil(seconds / 5) - extra;

function spentOn(budget: Signed['budget'], seconds: number, atMs: number, { signed }: World): bigint {
  return signed
    .filter((other) => other.budget === budget && isCounted(other.atMs, seconds, atMs, 1))
    .reduce((sum, { fee }) => sum + fee, 0n);
}

/** The windows that the transaction would overfill. One that it takes nothing from is not asked. */
function fullWindows(spec: RawSpec, ask: Ask, atMs: number, world: World): string[] {
  const isRepeated = ask.feeBump === undefined && world.signed.some(({ id }) => id === ask.id);
  if (isRepeated) return [];
  const { amount, seconds } = spec.fees.window;
  const fees = spentOn('ordinary', seconds, atMs, world) + raise(ask, world);
  const full = fees > BigInt(amount) ? ['fees'] : [];
  if (ask.feeBump !== undefined) return full;
  const all = counted(ask, atMs, world);
  for (const flow of outflows(ask.transaction, world))
    for (const window of windowsFor(spec, flow, ask))
      if (totalOf(all, flow, window, atMs) > BigInt(window.amount)) full.push(`${flow.kind} ${flow.asset}`);
  return full;
}

function windowsFor(spec: RawSpec, { kind, asset, pair }: Outflow, ask: Ask): RawWindow[] {
  const [one = '', other = ''] = pair.split(',');
  const optional = (window: RawWindow | undefined) => (window === undefined ? [] : [window]);
  if (kind === 'swap') return optional(ruleOf(spec.swaps, one, other)?.window?.[asset]);
  if (kind === 'offer') return optional(ruleOf(spec.offers, one, other)?.turnover?.[asset]);
  if (kind === 'deposit') return optional(ruleOf(spec.pools, one, other)?.window?.[asset]);
  const destinations = ask.transaction.operations.flatMap((op) => {
    if (op.type === 'payment' && op.asset === asset) return [op.destination];
    return 'sendAsset' in op && op.sendAsset === asset ? [op.destination] : [];
  });
  return spec.payments
    .filter((rule) => rule.asset === asset && destinations.some((to) => rule.destinations.includes(to)))
    .map(({ window }) => window);
}

/** Of a changed offer the largest of each slot counts, of everything else all of it. */
export function totalOf(
  all: readonly { atMs: number; flow: Outflow }[],
  { kind, asset, pair }: Outflow,
  { seconds }: RawWindow,
  nowMs: number,
): bigint {
  const own = all.filter(
    ({ atMs, flow }) =>
      flow.kind === kind &&
      flow.asset === asset &&
      flow.pair === pair &&
      isCounted(atMs, seconds, nowMs, kind === 'offer' ? 0 : 1),
  );
  let sum = 0n;
  const largest = new Map<string, bigint>();
  for (const { atMs, flow } of own) {
    if (flow.offer === undefined) {
      sum += flow.amount;
      continue;
    }
    const name = `${slotOf(atMs)} ${flow.offer}`;
    if (flow.amount > (largest.get(name) ?? 0n)) largest.set(name, flow.amount);
  }
  for (const amount of largest.values()) sum += amount;
  return sum;
}

/**
 * Windows that hold more than their amount in any span of their seconds, wherever it begins, slots or not. Of offers the
 * turnover is by slots alone, and a payment is held by the rules for its destination alone: neither is asked here.
 */
export function overfull(specs: readonly RawSpec[], world: World): string[] {
  const flows = world.signed.flatMap((signed) => [
    ...(signed.isFirst ? outflows(signed.transaction, world) : []).map((flow) => ({
      ...flow,
      atMs: signed.atMs,
    })),
    { kind: signed.budget, asset: 'XLM', pair: '', amount: signed.fee, atMs: signed.atMs },
  ]);
  const isOver = (window: RawWindow, kind: string, asset: string, pair: readonly string[]): boolean => {
    const name = [...pair].sort().join();
    const own = flows.filter((flow) => flow.kind === kind && flow.asset === asset && flow.pair === name);
    return own.some(({ atMs: start }) => {
      const span = own.filter(({ atMs }) => atMs >= start && atMs < start + window.seconds * 1000);
      return span.reduce((sum, { amount }) => sum + amount, 0n) > BigInt(window.amount);
    });
  };
  return specs.flatMap(({ fees, swaps, pools }) => [
    ...(isOver(fees.window, 'ordinary', 'XLM', []) ? ['fees'] : []),
    ...[['swap', swaps] as const, ['deposit', pools] as const].flatMap(([kind, rules]) =>
      rules.flatMap(({ pair, window = {} }) =>
        Object.entries(window)
          .filter(([asset, one]) => isOver(one, kind, asset, pair))
          .map(([asset]) => `${kind} ${asset}`),
      ),
    ),
  ]);
}

/** A bucket that holds five seconds' worth and fills steadily, emptied by what was signed in that way. */
function hasRate(of: Signed['budget'], perSecond: number, atMs: number, { signed }: World): boolean {
  let tokens = perSecond * 5;
  let last: number | undefined;
  for (const { atMs: then, budget } of signed) {
    if (budget !== of) continue;
    if (last !== undefined) tokens = Math.min(perSecond * 5, tokens + ((then - last) / 1000) * perSecond);
    tokens -= 1;
    last = then;
  }
  if (last === undefined) return true;
  return Math.min(perSecond * 5, tokens + ((atMs - last) / 1000) * perSecond) >= 1;
}
