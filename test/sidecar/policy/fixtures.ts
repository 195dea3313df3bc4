import { createWindows } from '../../../sidecar/journal/windows.ts';
import type { Context, Refusal } from '../../../sidecar/policy/check.ts';
import { evaluate } from '../../../sidecar/policy/evaluate.ts';
import { parsePolicies } from '../../../sidecar/policy/load.ts';
import type { Policy } from '../../../sidecar/policy/schema.ts';
import type { PathPayment, Transaction } from '../../../sidecar/transaction.ts';
import { ISSUER, policyYaml, STRANGER } from '../transactions.ts';

export const ACCOUNT = STRANGER.publicKey();
export const USDC_ID = `USDC:${ISSUER}`;
export const EURC_ID = `EURC:${ISSUER}`;
/** Unix seconds at which these tests play. */
export const NOW = 1_800_000_000n;

/** The example policy with changes to its spec, read as from a file. */
export function policy(spec: Record<string, unknown> = {}): Policy {
  return parsePolicies([{ name: 'p.yaml', bytes: Buffer.from(policyYaml(ACCOUNT, spec)) }], ACCOUNT)[0]!;
}

/** 10 XLM for at least 1 USDC. */
export const swap = (changes: Partial<PathPayment> = {}): PathPayment => ({
  type: 'pathPaymentStrictSend',
  source: undefined,
  destination: ACCOUNT,
  sendAsset: 'XLM',
  sendMax: 100_000_000n,
  destAsset: USDC_ID,
  destMin: 10_000_000n,
  path: [],
  ...changes,
});

/** A transaction that the example policy allows, with changes. */
export const transaction = (changes: Partial<Transaction> = {}): Transaction => ({
  source: ACCOUNT,
  sequence: 7n,
  fee: 100n,
  timeBounds: { minTime: 0n, maxTime: NOW + 30n },
  otherPreconditions: [],
  memo: { kind: 'none' },
  operations: [swap()],
  hasSorobanData: false,
  ...changes,
});

/** Empty windows, room in the rate, nothing signed before. */
export const context = (changes: Partial<Context> = {}): Context => {
  const windows = createWindows();
  return {
    account: ACCOUNT,
    now: NOW,
    total: (key, seconds, spends) => windows.total(key, seconds, spends, Number(NOW) * 1000),
    hasRate: () => true,
    countedFee: undefined,
    isRepeated: false,
    ...changes,
  };
};

/** The refusal, or undefined when it is allowed. */
export function refusalOf(
  changes: Partial<Transaction>,
  policies: readonly Policy[],
  contextChanges: Partial<Context> = {},
): Refusal | undefined {
  const decision = evaluate({ transaction: transaction(changes) }, policies, context(contextChanges));
  return decision.allowed ? undefined : decision.refusal;
}

/** `allowed`, or the code and field of the refusal. */
export function verdict(
  changes: Partial<Transaction>,
  spec: Record<string, unknown> = {},
  contextChanges: Partial<Context> = {},
): string {
  const refusal = refusalOf(changes, [policy(spec)], contextChanges);
  return refusal === undefined ? 'allowed' : `${refusal.code} ${refusal.field ?? ''}`.trim();
}
