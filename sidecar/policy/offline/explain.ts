import { BURST_SECONDS } from '../../../common/rate.ts';
import { SLOT_SECONDS } from '../../journal/windows.ts';
import type { AssetId } from '../../transaction.ts';
import { DELETION_BUDGET } from '../limits.ts';
import type { PairList } from '../pairs.ts';
import type { Policy, PolicySpec } from '../schema.ts';
import type { PolicyFile } from './files.ts';
import { inAll, least, type Market, markets, mostIn, type Span } from './together.ts';
import { warningsOf } from './warnings.ts';
import { codeOf, duration, ratio, units } from './words.ts';

const HOUR = 3_600;
const SPANS = [HOUR, 86_400].map((seconds) => [seconds, duration(seconds)] as const);

const TITLES: Readonly<Record<PairList, [title: string, each: string, out: string]>> = {
  swaps: ['Swaps', 'given away in one', 'leave by swaps'],
  offers: ['Offers', 'sold by one', 'are sold by offers'],
  pools: ['Pools', 'put in at once', 'go into the pool'],
};

/** What the policies allow an account together, its worst case and what to look at again. In words. */
export function explain(files: readonly PolicyFile[], account: string): string {
  const applying = files.filter(({ policy }) => policy.spec.accounts.includes(account));
  const policies = applying.map(({ policy }) => policy);
  if (policies.length === 0)
    return `No policy names ${account}: nothing is signed for it, not even deletions of offers.\n`;
  const lists = (['swaps', 'offers', 'pools'] as const).map((list) => ({
    list,
    all: markets(list, policies),
  }));
  const warnings = warningsOf(account, policies, lists);
  return [
    `For ${account} these apply, and each must allow: ${applying
      .map(({ file, policy }) => `${policy.name} (${file})`)
      .join(', ')}.`,
    'What is not mentioned here is refused.',
    '',
    ...general(policies),
    ...lists.flatMap(({ list, all }) => all.flatMap((market) => marketLines(list, market))),
    ...paymentLines(policies),
    ...lines('Trustlines', inAll(policies.map(({ spec }) => spec.trustlines))),
    '',
    'Worst case, if whoever may ask for signatures is hostile:',
    ...lists.flatMap(({ list, all }) => all.flatMap((market) => worstOf(list, market, policies))),
    ...paymentsAtWorst(policies),
    ...feesAtWorst(policies),
    '',
    ...(warnings.length === 0 ? ['No warnings.'] : warnings.map((text) => `Warning: ${text}`)),
    '',
  ].join('\n');
}

const smallest = <Value extends bigint | number>(
  policies: readonly Policy[],
  of: (spec: PolicySpec) => Value,
): Value => least(policies.map(({ spec }) => of(spec)))!;

const lines = (title: string, items: readonly string[]): string[] =>
  items.length === 0 ? [] : [`${title}: ${items.join(', ')}.`];

const spanText = ({ amount, seconds }: Span, asset: AssetId): string =>
  `${units(amount, asset)} in ${duration(seconds)}`;

function general(policies: readonly Policy[]): string[] {
  const rate = smallest(policies, (spec) => spec.signaturesPerSecond);
  const killed = policies.filter(({ spec }) => spec.killSwitch).map(({ name }) => name);
  const memos = policies.map(({ name, spec: { memo } }) =>
    memo.kind === 'Text' ? `${JSON.stringify(memo.texts)} (${name})` : `${memo.kind} (${name})`,
  );
  return [
    ...lines('Kill switch on: only deletions of offers are signed', killed),
    `A transaction: at most ${smallest(policies, (spec) => spec.maxOperations)} operations, maxTime at most ${smallest(
      policies,
      (spec) => spec.maxTimeBoundSeconds,
    )} s ahead, memo ${memos.join(' and ')}.`,
    `Signatures: ${rate} a second on average, ${rate * BURST_SECONDS} at once.`,
    `Fees: at most ${units(
      smallest(policies, ({ fees }) => fees.perOperation),
      'XLM',
    )} an operation and ${units(
      smallest(policies, ({ fees }) => fees.perTransaction),
      'XLM',
    )} a transaction; in all ${policies.map(({ spec }) => spanText(spec.fees.window, 'XLM')).join(' and ')}.`,
    `Deletions of own offers: always, also under the kill switch, then at ${rate} a second of their own.`,
    ...lines('Channels', inAll(policies.map(({ spec }) => spec.channels))),
  ];
}

function marketLines(list: PairList, market: Market): string[] {
  const { base, quote, min, max, maxAmount, windows } = market;
  const [title, each] = TITLES[list];
  const price = `${ratio(min)} to ${ratio(max)} ${codeOf(quote)} for one ${codeOf(base)}`;
  return [
    `${title} of ${base} with ${quote}: ${price}.`,
    ...[base, quote].map((asset) => {
      const spans = windows[asset]!.map((span) => spanText(span, asset));
      return `  ${codeOf(asset)}: at most ${units(maxAmount[asset]!, asset)} ${each}, ${
        spans.length === 0 ? 'no window' : `in all ${spans.join(' and ')}`
      }.`;
    }),
  ];
}

function paymentLines(policies: readonly Policy[]): string[] {
  return policies.flatMap(({ name, spec }) =>
    spec.payments.map(
      ({ asset, destinations, maxAmount, window }) =>
        `Payments of ${asset} by ${name}: to ${destinations.join(', ')}, at most ${units(maxAmount, asset)} each; all payments of ${codeOf(asset)} together ${spanText(window, asset)}.`,
    ),
  );
}

/**
 * The loss is linear in what the market is worth, so it is largest at an end of the collar: there all base that leaves at the
 * lowest price, or all that comes for the quote at the highest, gives away the whole band. A deposit of x base at one price,
 * when the market has another, loses x·(√one − √other)², never more than the band; the quote bounds x at the lowest price.
 */
function worstOf(
  list: PairList,
  { base, quote, min, max, maxAmount, windows }: Market,
  policies: readonly Policy[],
): string[] {
  const [, , out] = TITLES[list];
  const perSecond = smallest(policies, (spec) => spec.signaturesPerSecond);
  const band = { n: max.n * min.d - min.n * max.d, d: max.d * min.d };
  const when = ([seconds, text]: (typeof SPANS)[number]): string =>
    list === 'offers' ? `in ${text} (${seconds / SLOT_SECONDS} slots)` : `in ${text}`;
  // An offer that is changed counts once in a slot, and may be filled after each change: also those saved up.
  const changes = BigInt(perSecond * (SLOT_SECONDS + BURST_SECONDS));
  const again =
    list === 'offers'
      ? [
          `  What an offer loses counts once in a slot; filled after every change within it, up to ${changes} times that.`,
        ]
      : [];
  return SPANS.map((span) => {
    const [seconds] = span;
    const count = signaturesIn(seconds, policies);
    const mostOf = (asset: AssetId): bigint => {
      const byRate = count * maxAmount[asset]!;
      return least([byRate, mostIn(seconds, windows[asset]!) ?? byRate])!;
    };
    const [given, paid] = [mostOf(base), mostOf(quote)];
    const through =
      list === 'pools' ? least([given, (paid * min.d) / min.n])! : most(given, (paid * max.d) / max.n);
    const loss = band.n <= 0n ? 0n : (through * band.n) / band.d;
    return `  ${when(span)} at most ${units(given, base)} and ${units(paid, quote)} ${out}; at most ${units(loss, quote)} are lost by it while the market is in the collar (band ${ratio(band)} × ${units(through, base)}).`;
  }).concat(again);
}

const most = (one: bigint, other: bigint): bigint => (one > other ? one : other);

/** Operations that the rate lets through: five seconds' worth may have been saved up. */
const signaturesIn = (seconds: number, policies: readonly Policy[]): bigint =>
  BigInt(
    smallest(policies, (spec) => spec.signaturesPerSecond) *
      (seconds + BURST_SECONDS) *
      smallest(policies, (spec) => spec.maxOperations),
  );

/** Of an asset what its largest window lets through: each window holds all payments of it, whoever is paid. */
function paymentsAtWorst(policies: readonly Policy[]): string[] {
  const assets = inAll(policies.map(({ spec }) => spec.payments.map(({ asset }) => asset)));
  return [...new Set(assets)].flatMap((asset) =>
    SPANS.map(([seconds, text]) => {
      const paid = smallest(policies, ({ payments }) =>
        payments
          .filter((rule) => rule.asset === asset)
          .map(({ window }) => mostIn(seconds, [window])!)
          .reduce(most),
      );
      return `  in ${text} at most ${units(paid, asset)} are paid to listed destinations.`;
    }),
  );
}

function feesAtWorst(policies: readonly Policy[]): string[] {
  const spans = policies.map(({ spec }) => spec.fees.window);
  const deletions = DELETION_BUDGET * smallest(policies, ({ fees }) => fees.perTransaction);
  return SPANS.map(([seconds, text]) => {
    const extra = deletions * BigInt(seconds / HOUR);
    return `  in ${text} at most ${units(mostIn(seconds, spans)!, 'XLM')} of fees, and ${units(extra, 'XLM')} more for deletions while the rest is refused.`;
  });
}
