import * as z from 'zod';
import { createRateLimit } from '../../../common/rate.ts';
import { GRACE_SECONDS } from '../../journal/sequences.ts';
import { createWindows } from '../../journal/windows.ts';
import { SIGNER_ERROR_CODES } from '../../protocol.ts';
import { isRefusal } from '../check.ts';
import { evaluate } from '../evaluate.ts';
import { countOf } from '../limits.ts';
import { takeOperations } from '../operations.ts';
import { account } from '../schema.ts';
import { readAs } from '../source.ts';
import { type PolicyFile, placeOf, reasonOf } from './files.ts';
import { type Readable, readable, toJudged } from './readable.ts';

const earlier = z.strictObject({
  ...readable,
  /** Seconds before the case. */
  ago: z.number().min(0),
  /** That many, each another transaction of the same content. */
  times: z.int().min(1).max(1_000_000).default(1),
});

const policyCase = z.strictObject({
  name: z.string().min(1),
  time: z.iso.datetime({ offset: true }).prefault('2026-01-01T00:00:00Z'),
  ...readable,
  earlier: z.array(earlier).default([]),
  expect: z.union(
    [
      z.literal('allow'),
      z.strictObject({ refuse: z.enum(SIGNER_ERROR_CODES), field: z.string().optional() }),
    ],
    {
      error:
        'must be allow, or {refuse: CODE} with a code that the signer answers, such as fee-too-high, and maybe its field',
    },
  ),
});
export type PolicyCase = z.infer<typeof policyCase>;

const caseFile = z.strictObject({
  account,
  networkPassphrase: z.string().optional(),
  cases: z.array(policyCase).min(1),
});
export type CaseFile = z.infer<typeof caseFile>;

/** @throws Error naming the file, and line and field of all that is wrong in it */
export const parseCases = (file: string, text: string): CaseFile => readAs(file, text, caseFile).value;

export interface CaseResult {
  isOk: boolean;
  /** What came out, and what refused. */
  text: string;
}

/** Judges one case under policies, after what it says was signed earlier. Pure. */
export function runCase(
  given: PolicyCase,
  files: readonly PolicyFile[],
  { account, networkPassphrase }: Pick<CaseFile, 'account' | 'networkPassphrase'>,
): CaseResult {
  const applying = files.filter(({ policy }) => policy.spec.accounts.includes(account));
  const policies = applying.map(({ policy }) => policy);
  const atMs = Date.parse(given.time);
  const read = (one: Readable, timeMs: number) =>
    toJudged(one, Math.floor(timeMs / 1000), account, networkPassphrase);
  const past = [...given.earlier].sort((one, other) => other.ago - one.ago);

  let clock = atMs - (past[0]?.ago ?? 0) * 1000;
  const windows = createWindows();
  const rate = createRateLimit(() => clock);
  const smallest = Math.min(...policies.map(({ spec }) => spec.signaturesPerSecond));
  const signed = new Map<string, { fee: bigint; maxTime: bigint }>();
  for (const one of past) {
    clock = atMs - one.ago * 1000;
    const { name, judged } = read(one, clock);
    const { transaction, feeBump } = judged;
    const context = { countedFee: feeBump && signed.get(name)?.fee, isRepeated: false };
    const [policy] = policies;
    const taken = policy && takeOperations(judged, policy.spec, account);
    if (taken !== undefined && isRefusal(taken))
      throw new Error(`what was signed earlier: ${reasonOf(taken)}`);
    const spends = countOf(judged, taken?.spends ?? [], context, 'fee');
    for (let i = 0; i < one.times; i++) {
      windows.add(spends, clock);
      // What is said to have been signed was, however fast.
      if (rate.has(smallest)) rate.take();
    }
    const fee = feeBump?.fee ?? transaction.fee;
    signed.set(name, { fee, maxTime: transaction.timeBounds?.maxTime ?? 0n });
  }

  clock = atMs;
  const now = BigInt(Math.floor(atMs / 1000));
  const { name, judged } = read(given, atMs);
  const before = signed.get(name);
  const live = before !== undefined && now <= before.maxTime + GRACE_SECONDS ? before : undefined;
  const decision = evaluate(judged, policies, {
    account,
    now,
    total: (key, seconds, spends) => windows.total(key, seconds, spends, atMs),
    hasRate: (budget, perSecond) => budget === 'deletions' || rate.has(perSecond),
    countedFee: live?.fee,
    isRepeated: given.envelope !== undefined && judged.feeBump === undefined && live !== undefined,
  });
  if (decision.allowed) {
    const text = decision.budget === 'deletions' ? 'allowed, by the budget of deletions' : 'allowed';
    return { isOk: given.expect === 'allow', text };
  }
  const { refusal } = decision;
  const isExpected =
    given.expect !== 'allow' &&
    given.expect.refuse === refusal.code &&
    (given.expect.field === undefined || given.expect.field === refusal.field);
  return { isOk: isExpected, text: `refused by ${placeOf(refusal, applying)}: ${reasonOf(refusal)}` };
}
