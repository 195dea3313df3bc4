/*
 * Who is believed, decided on data alone.
 *
 * What a source says holds for a ledger, and sources are not at the same ledger at the same time: an account that changed
 * a moment ago is truly different at a server one ledger behind. So a difference is a contradiction only where both speak
 * of the same ledger. With at most `need - 1` liars every value that `need` sources say was said by an honest one, and
 * nobody honest is ever contradicted by `need` sources about one ledger; the property tests hold both.
 */

/** What one source says of a fact. `key` is equal for equal values. */
export interface Claim<T> {
  source: string;
  /** Ledger that it holds for; undefined when the source does not say. */
  ledger: number | undefined;
  key: string;
  value: T;
}

/** A value that enough sources say. Its ledger is one that an honest one of them vouches for. */
export interface Agreed<T> extends Claim<T> {
  /** The claims that count, one of each source, for the highest ledger that it named: as many as must agree. */
  group: readonly Claim<T>[];
}

export interface Verdict<T> {
  /** Undefined: no value is said by enough sources. */
  agreed: Agreed<T> | undefined;
  /** Sources that enough others contradict. */
  liars: string[];
  /** Sources that contradict each other, and it cannot be told which of them is wrong. */
  disputed: string[];
}

/** Whether two different claims cannot both be true. */
export type Contradicts<T> = (a: Claim<T>, b: Claim<T>) => boolean;

export const ofSameLedger: Contradicts<unknown> = (a, b) => a.ledger !== undefined && a.ledger === b.ledger;

/** One claim of each source, the one for its highest ledger; highest ledger first. */
function highest<T>(claims: readonly Claim<T>[]): Claim<T>[] {
  const best = new Map<string, Claim<T>>();
  for (const claim of claims) {
    const before = best.get(claim.source);
    if (before === undefined || (claim.ledger ?? 0) > (before.ledger ?? 0)) best.set(claim.source, claim);
  }
  return [...best.values()].sort((a, b) => (b.ledger ?? 0) - (a.ledger ?? 0));
}

/**
 * @param voters their claims; a source may have said something for one ledger and something else for another
 * @param need how many sources must say the same
 * @param observers claims that are judged and do not count (sources in quarantine)
 */
export function judge<T>(
  voters: readonly Claim<T>[],
  need: number,
  observers: readonly Claim<T>[] = [],
  contradicts: Contradicts<T> = ofSameLedger,
): Verdict<T> {
  const groups = [...Map.groupBy(voters, ({ key }) => key).values()];
  /** Of each other value the sources that contradict a claim. */
  const against = (claim: Claim<T>): Set<string>[] =>
    groups
      .filter(([first]) => first!.key !== claim.key)
      .map((group) => group.filter((other) => other.source !== claim.source && contradicts(claim, other)))
      .map((others) => new Set(others.map(({ source }) => source)));

  let agreed: Agreed<T> | undefined;
  for (const group of groups) {
    // Up to `need - 1` of them may name a ledger that they have not: the highest that is surely reached is the need-th.
    const counted = highest(group).slice(0, need);
    if (counted.length < need) continue;
    const ledger = counted.at(-1)!.ledger ?? 0;
    if (agreed === undefined || ledger > agreed.ledger!) {
      agreed = { ...counted.at(-1)!, ledger, group: counted };
    }
  }
  const isLiar = (claim: Claim<T>): boolean => need > 1 && against(claim).some(({ size }) => size >= need);
  const sourcesOf = (claims: readonly Claim<T>[]): string[] => [
    ...new Set(claims.map(({ source }) => source)),
  ];
  const liars = sourcesOf([...voters, ...observers].filter(isLiar));
  const disputed = sourcesOf(
    voters.filter((claim) => against(claim).some((others) => [...others].some((it) => !liars.includes(it)))),
  );
  return { agreed, liars, disputed: disputed.filter((source) => !liars.includes(source)) };
}
