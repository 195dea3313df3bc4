import { StrKey } from '@stellar/stellar-sdk/base';
import type { AssetId } from '../transaction.ts';
import type { PolicyFile } from './files.ts';
import { DELETION_BUDGET } from './limits.ts';
import type { PairList } from './pairs.ts';
import { compare } from './price.ts';
import type { Policy, PolicySpec } from './schema.ts';
import { inAll, least, type Market, markets, mostIn, type Span } from './together.ts';
import { codeOf, duration, ratio, units } from './words.ts';

const HOUR = 3_600;
const DAY = 86_400;
/** A collar whose ends differ more than that many times allows nearly any loss. */
const WIDE = 2n;

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
  const warnings = warningsOf(policies, lists);
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
    `Signatures: ${rate} a second on average, ${rate * 5} at once.`,
    `Fees: at most ${units(
      smallest(policies, ({ fees }) => fees.perOperation),
      'XLM',
    )} an operation and ${units(
      smallest(policies, ({ fees }) => fees.perTransaction),
      'XLM',
    )} a transaction; in all ${policies.map(({ spec }) => spanText(spec.fees.window, 'XLM')).join(' and ')}.`,
    'Deletions of own offers: always, also under the kill switch.',
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
 * Selling at the lowest price of the collar and buying back at the highest gives away the band for every unit of base that
 * goes both ways. The amounts themselves leave against something in return, at the collar's far end.
 */
function worstOf(
  list: PairList,
  { base, quote, min, max, maxAmount, windows }: Market,
  policies: readonly Policy[],
): string[] {
  const [, , out] = TITLES[list];
  const perSecond = smallest(policies, (spec) => spec.signaturesPerSecond);
  const operations = smallest(policies, (spec) => spec.maxOperations);
  return [HOUR, DAY].flatMap((seconds) => {
    const when = `in ${duration(seconds)}`;
    // What the rate lets through: five seconds' worth may have been saved up.
    const count = BigInt(perSecond * (seconds + 5) * operations);
    const mostOf = (asset: AssetId): bigint => {
      const byRate = count * maxAmount[asset]!;
      return least([byRate, mostIn(seconds, windows[asset]!) ?? byRate])!;
    };
    const [sold, paid] = [mostOf(base), mostOf(quote)];
    const leaving = [units(sold, base), units(paid, quote)];
    const text = `  ${when} at most ${leaving.join(' and ')} ${out}`;
    if (list === 'pools') return [`${text}; it stays the account’s as shares.`];
    // Of the base only as much can go both ways as the quote buys back at the highest price.
    const back = (paid * max.d) / max.n;
    const both = least([sold, back])!;
    const band = { n: max.n * min.d - min.n * max.d, d: max.d * min.d };
    const loss = band.n <= 0n ? 0n : (both * band.n) / band.d;
    return [
      `${text}; at most ${units(loss, quote)} are lost by it while the market is in the collar (band ${ratio(band)} × ${units(both, base)}).`,
    ];
  });
}

function feesAtWorst(policies: readonly Policy[]): string[] {
  const spans = policies.map(({ spec }) => spec.fees.window);
  const deletions = DELETION_BUDGET * smallest(policies, ({ fees }) => fees.perTransaction);
  return [HOUR, DAY].map((seconds) => {
    const extra = deletions * BigInt(seconds / HOUR);
    return `  in ${duration(seconds)} at most ${units(mostIn(seconds, spans)!, 'XLM')} of fees, and ${units(extra, 'XLM')} more for deletions while the rest is refused.`;
  });
}

function warningsOf(
  policies: readonly Policy[],
  lists: readonly { list: PairList; all: readonly Market[] }[],
): string[] {
  const of = lists.flatMap(({ list, all }) =>
    all.flatMap(({ base, quote, min, max, maxAmount, windows }) => {
      const name = `${list}: ${base} with ${quote}`;
      const isShut = compare(min, max) > 0;
      const isWide = max.n * min.d > WIDE * min.n * max.d;
      return [
        ...[base, quote]
          .filter((asset) => windows[asset]!.length === 0 && maxAmount[asset]! > 0n)
          .map(
            (asset) => `${name}: no window for ${codeOf(asset)}, so only maxAmount and the rate bound it.`,
          ),
        ...(isShut ? [`${name}: the collars of the policies do not meet, so nothing is allowed.`] : []),
        ...(isWide ? [`${name}: a wide collar, the highest price is more than twice the lowest.`] : []),
      ];
    }),
  );
  const missing = lists.flatMap(({ list, all }) =>
    policies
      .filter(({ spec }) => spec[list].length > all.length)
      .map(({ name }) => `${list}: ${name} lists pairs that another policy does not, so they are refused.`),
  );
  const issuers = policies.flatMap(({ name, spec }) =>
    [
      ...JSON.stringify([
        spec.trustlines,
        ...[spec.swaps, spec.offers, spec.pools].map((l) => l.map((r) => r.pair)),
        spec.payments.map((r) => r.asset),
      ]).matchAll(/G[A-Z2-7]{55}/g),
    ]
      .map(([key]) => key)
      .concat(spec.accounts, spec.channels)
      .filter((key) => !StrKey.isValidEd25519PublicKey(key))
      .map(
        (key) => `${name}: ${key} is no account (its checksum is wrong), so what names it allows nothing.`,
      ),
  );
  return [...of, ...missing, ...new Set(issuers)];
}
