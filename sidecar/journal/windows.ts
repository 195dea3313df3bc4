import type { SavedState, Spend } from './entry.ts';

/** The longest window that a policy can ask for (7 days), and how long amounts are remembered. */
const MAX_WINDOW_SECONDS = 604_800;
/** A ledger closes about this often: an offer that is changed within a slot counts once, at its largest. */
export const SLOT_SECONDS = 5;

/** What is counted together: kind, asset and pair, never policy or rule, so that no edit of a policy resets a window. */
export type WindowKey = Pick<Spend, 'kind' | 'asset' | 'pair'>;

/** One key's amounts, oldest slot first; `sums[i]` is the total of all slots up to `slots[i]`, since ever. */
interface Series {
  slots: number[];
  sums: bigint[];
  /** Of the last slot: the largest amount signed for each offer that was changed in it. */
  offers: Map<string, bigint>;
}

/** A series as a checkpoint keeps it. */
type SavedSeries = SavedState['windows'][number];

export interface Windows {
  /** What a window of `seconds` that ends now would hold (stroops) if those of `spends` that are of `key` were added. */
  total(key: WindowKey, seconds: number, spends: readonly Spend[], atMs: number): bigint;
  /** Counts the spends, for good: what was reserved stays so when signing fails. */
  add(spends: readonly Spend[], atMs: number): void;
  save(): SavedSeries[];
  /** In place of all that was there. */
  load(saved: readonly SavedSeries[]): void;
}

/**
 * What was signed in the last seven days, in slots of five seconds. Time never goes back in here: after a clock that
 * jumped back amounts go to the newest slot, so that they count longer and never shorter.
 *
 * Offers: a window of n seconds is the newest ⌈n/5⌉ slots. Everything else counts one slot more, so that no span of n
 * seconds, wherever it begins, holds more than was allowed.
 */
export function createWindows(): Windows {
  const all = new Map<string, Series>();

  return {
    total(key, seconds, spends, atMs) {
      const name = nameOf(key);
      const series = all.get(name);
      const slot = slotAt(series, atMs);
      const count = Math.ceil(seconds / SLOT_SECONDS) + (key.kind === 'offer' ? 0 : 1);
      const own = spends.filter((spend) => nameOf(spend) === name);
      return sumAfter(series, slot - count) + increase(own, offersAt(series, slot));
    },
    add(spends, atMs) {
      for (const spend of spends) {
        const name = nameOf(spend);
        const series = all.get(name) ?? { slots: [], sums: [], offers: new Map<string, bigint>() };
        all.set(name, series);
        append(series, spend, slotAt(series, atMs));
      }
    },
    save: () => [...all].map(([name, series]) => ({ ...keyOf(name), ...saveSeries(series) })),
    load(saved) {
      all.clear();
      for (const series of saved) all.set(nameOf(series), loadSeries(series));
    },
  };
}

/** As text, each slot by its distance from the one before: weeks of slots are most of a checkpoint. */
function saveSeries({ slots, sums, offers }: Series): Pick<SavedSeries, 'amounts' | 'offers'> {
  const amounts = slots.map(
    (slot, i) => `${slot - (slots[i - 1] ?? 0)}:${(sums[i] ?? 0n) - (sums[i - 1] ?? 0n)}`,
  );
  return {
    amounts: amounts.join(' '),
    offers: Object.fromEntries([...offers].map(([id, amount]) => [id, amount.toString()])),
  };
}

function loadSeries({ amounts, offers }: SavedSeries): Series {
  const series: Series = { slots: [], sums: [], offers: new Map() };
  let slot = 0;
  let sum = 0n;
  for (const part of amounts === '' ? [] : amounts.split(' ')) {
    const colon = part.indexOf(':');
    slot += Number(part.slice(0, colon));
    sum += BigInt(part.slice(colon + 1));
    series.slots.push(slot);
    series.sums.push(sum);
  }
  for (const [id, amount] of Object.entries(offers)) series.offers.set(id, BigInt(amount));
  return series;
}

const nameOf = ({ kind, asset, pair }: WindowKey): string => `${kind} ${asset} ${pair ?? ''}`;

function keyOf(name: string): WindowKey {
  const [kind, asset, ...pair] = name.split(' ');
  return {
    kind: kind as Spend['kind'],
    asset: asset!,
    ...(pair.join(' ') === '' ? {} : { pair: pair.join(' ') }),
  };
}

const slotAt = (series: Series | undefined, atMs: number): number =>
  Math.max(Math.floor(atMs / 1000 / SLOT_SECONDS), series?.slots.at(-1) ?? 0);

const offersAt = (series: Series | undefined, slot: number): ReadonlyMap<string, bigint> =>
  series?.slots.at(-1) === slot ? series.offers : new Map();

/** How much more is counted when these are added: of an offer that is changed only what exceeds its largest so far. */
function increase(spends: readonly Spend[], before: ReadonlyMap<string, bigint>): bigint {
  const largest = new Map<string, bigint>();
  let sum = 0n;
  for (const { amount: text, offer } of spends) {
    const amount = BigInt(text);
    const counted = offer === undefined ? 0n : (largest.get(offer) ?? before.get(offer) ?? 0n);
    if (amount <= counted) continue;
    sum += amount - counted;
    if (offer !== undefined) largest.set(offer, amount);
  }
  return sum;
}

function append(series: Series, spend: Spend, slot: number): void {
  const { slots, sums } = series;
  if (slots.at(-1) !== slot) {
    slots.push(slot);
    sums.push(sums.at(-1) ?? 0n);
    series.offers = new Map();
    prune(series, slot);
  }
  const { offer } = spend;
  sums[sums.length - 1]! += increase([spend], series.offers);
  const amount = BigInt(spend.amount);
  if (offer !== undefined && amount > (series.offers.get(offer) ?? 0n)) series.offers.set(offer, amount);
}

/** Drops what no window can ask for any more, many slots at a time. The newest of them stays as the sum before the rest. */
function prune({ slots, sums }: Series, slot: number): void {
  const keep = indexAfter(slots, slot - MAX_WINDOW_SECONDS / SLOT_SECONDS - 2) - 1;
  if (keep < 1_000) return;
  slots.splice(0, keep);
  sums.splice(0, keep);
}

/** The total of all slots after `slot`. */
function sumAfter(series: Series | undefined, slot: number): bigint {
  if (series === undefined) return 0n;
  const before = series.sums[indexAfter(series.slots, slot) - 1] ?? 0n;
  return (series.sums.at(-1) ?? 0n) - before;
}

/** Index of the first slot after `slot`, by halves. */
function indexAfter(slots: readonly number[], slot: number): number {
  let low = 0;
  let high = slots.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (slots[middle]! > slot) high = middle;
    else low = middle + 1;
  }
  return low;
}
