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

export interface Verdict<T> {
  /** Undefined: no value is said by enough sources. Its ledger is one that an honest one of them vouches for. */
  agreed: Claim<T> | undefined;
  /** Sources that enough others contradict. */
  liars: string[];
  /** Sources that contradict each other, and it cannot be told which of them is wrong. */
  disputed: string[];
}

/** Whether two different claims cannot both be true. */
export type Contradicts<T> = (a: Claim<T>, b: Claim<T>) => boolean;

export const ofSameLedger: Contradicts<unknown> = (a, b) => a.ledger !== undefined && a.ledger === b.ledger;

/**
 * @param voters their claims, one of each source, best source first: the first of a group is the one that is handed on
 * @param need how many sources must say the same
 * @param observers claims that are judged and do not count (sources in quarantine)
 */
export function judge<T>(
  voters: readonly Claim<T>[],
  need: number,
  observers: readonly Claim<T>[] = [],
  contradicts: Contradicts<T> = ofSameLedger,
): Verdict<T> {
  const groups = Map.groupBy(voters, ({ key }) => key);
  const against = (claim: Claim<T>): Claim<T>[][] =>
    [...groups.values()]
      .filter(([first]) => first!.key !== claim.key)
      .map((group) => group.filter((other) => contradicts(claim, other)));

  let agreed: Claim<T> | undefined;
  for (const group of groups.values()) {
    if (group.length < need) continue;
    // Up to `need - 1` of them may name a ledger that they have not: the highest that is surely reached is the need-th.
    const ledger = group.map((claim) => claim.ledger ?? 0).sort((a, b) => b - a)[need - 1]!;
    if (agreed === undefined || ledger > agreed.ledger!) agreed = { ...group[0]!, ledger };
  }
  const isLiar = (claim: Claim<T>): boolean =>
    need > 1 && against(claim).some((group) => group.length >= need);
  const liars = [...voters, ...observers].filter(isLiar).map(({ source }) => source);
  const disputed = voters
    .filter((claim) => !isLiar(claim))
    .filter((claim) => against(claim).some((group) => group.some((other) => !isLiar(other))))
    .map(({ source }) => source);
  return { agreed, liars, disputed };
}
