import { type Claim, judge, type Verdict } from './agree.ts';
import type { HorizonHead } from './horizon/types.ts';

/** Ledgers whose hashes are remembered of each source: at one in five seconds, twenty minutes. */
const KEPT = 256;

/** The ledgers that one source showed, by number: the heads it named and the hashes that these name as previous. */
export interface Chain {
  readonly hashes: Map<number, string>;
  readonly heads: Map<number, HorizonHead>;
  /** The highest so far. */
  top: HorizonHead | undefined;
}

export const createChain = (): Chain => ({ hashes: new Map(), heads: new Map(), top: undefined });

/**
 * Notes a head. What it says why it cannot be true: another hash for a ledger that was shown before, one hash for two
 * ledgers, or a ledger that closed before an earlier one (so that a made-up number far ahead is found out by the next true one). A lower number than before is none of these: behind one
 * name there may be several servers, and one of them lags. Nothing of a contradiction is noted.
 */
export function follow(chain: Chain, head: HorizonHead): string | undefined {
  const links = [
    [head.sequence, head.hash],
    [head.sequence - 1, head.previousHash],
  ] as const;
  for (const [sequence, hash] of links) {
    const known = chain.hashes.get(sequence);
    if (known !== undefined && known !== hash) return `ledger ${sequence} has another hash than it had`;
    for (const [other, its] of chain.hashes) {
      if (its === hash && other !== sequence) return `ledgers ${other} and ${sequence} have the same hash`;
    }
  }
  const { top } = chain;
  if (top !== undefined && (head.sequence - top.sequence) * (head.closedAt - top.closedAt) < 0) {
    const [first, second] = head.sequence > top.sequence ? [top, head] : [head, top];
    return `ledger ${second.sequence} closed before ledger ${first.sequence}`;
  }
  for (const [sequence, hash] of links) chain.hashes.set(sequence, hash);
  chain.heads.set(head.sequence, head);
  if (top === undefined || head.sequence > top.sequence) chain.top = head;
  for (const map of [chain.hashes, chain.heads]) {
    for (const sequence of map.keys()) {
      if (sequence > chain.top!.sequence - KEPT) continue;
      map.delete(sequence);
    }
  }
  return undefined;
}

/** What a source showed last, and all that it showed before. */
export interface Shown {
  source: string;
  head: HorizonHead;
  chain: Chain;
}

/**
 * The highest ledger that `need` sources have under one hash. Only ledgers of the latest answers are compared, each with
 * all that the others ever showed. The head that is handed on is of a source of the group that showed it whole.
 */
export function judgeHeads(
  voters: readonly Shown[],
  need: number,
  observers: readonly Shown[] = [],
): Verdict<Shown> {
  const latest = [...voters, ...observers].flatMap(({ head }) => [head.sequence, head.sequence - 1]);
  const claims = (of: readonly Shown[], sequence: number): Claim<Shown>[] =>
    of.flatMap((value) => {
      const key = value.chain.hashes.get(sequence);
      return key === undefined ? [] : [{ source: value.source, ledger: sequence, key, value }];
    });
  const verdict: Verdict<Shown> = { agreed: undefined, liars: [], disputed: [] };
  for (const sequence of new Set(latest.sort((a, b) => b - a))) {
    const said = claims(voters, sequence);
    const { agreed, liars, disputed } = judge(said, need, claims(observers, sequence));
    verdict.liars.push(...liars);
    verdict.disputed.push(...disputed);
    if (agreed === undefined || verdict.agreed !== undefined) continue;
    const whole = said.find(({ key, value }) => key === agreed.key && value.chain.heads.has(sequence))?.value;
    const head = whole?.chain.heads.get(sequence);
    if (whole !== undefined && head !== undefined) verdict.agreed = { ...agreed, value: { ...whole, head } };
  }
  return verdict;
}
