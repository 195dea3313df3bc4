import { Asset, getLiquidityPoolId, Keypair } from '@stellar/stellar-sdk';
import { createWindows } from '../../../sidecar/journal/windows.ts';
import type { Context, Refusal } from '../../../sidecar/policy/check.ts';
import { evaluate } from '../../../sidecar/policy/evaluate.ts';
import { parsePolicies } from '../../../sidecar/policy/load.ts';
import type { Policy } from '../../../sidecar/policy/schema.ts';
import type {
  ChangeTrust,
  FeeBump,
  Offer,
  PathPayment,
  Payment,
  PoolDeposit,
  PoolWithdraw,
  Transaction,
} from '../../../sidecar/transaction.ts';
import { EURC, ISSUER, policyYaml, STRANGER, USDC } from '../transactions.ts';

export const ACCOUNT = STRANGER.publicKey();
export const USDC_ID = `USDC:${ISSUER}`;
export const EURC_ID = `EURC:${ISSUER}`;
/** Unix seconds at which these tests play. */
export const NOW = 1_800_000_000n;

/** The example policy with changes to its spec, read as from a file. */
export function policy(spec: Record<string, unknown> = {}): Policy {
  return parsePolicies([{ name: 'p.yaml', bytes: Buffer.from(policyYaml(ACCOUNT, spec)) }], ACCOUNT)[0]!;
}

/** A customer who may be paid, and a channel. */
export const CUSTOMER = Keypair.fromRawEd25519Seed(Buffer.alloc(32, 4)).publicKey();
export const CHANNEL = Keypair.fromRawEd25519Seed(Buffer.alloc(32, 5)).publicKey();

const poolId = (a: Asset, b: Asset): string =>
  Buffer.from(getLiquidityPoolId('constant_product', { assetA: a, assetB: b, fee: 30 })).toString('hex');
export const XLM_USDC_POOL = poolId(Asset.native(), USDC);
export const XLM_EURC_POOL = poolId(Asset.native(), EURC);

const most = { XLM: '10000000000', [USDC_ID]: '1000000000' };

/** Beside the example's swaps: offers and a pool of the same pair, payments to a customer, a line. */
export const RICH = {
  channels: [CHANNEL],
  offers: [{ pair: ['XLM', USDC_ID], price: { min: '0.08', max: '0.20' }, maxAmount: most, turnover: {} }],
  pools: [{ pair: ['XLM', USDC_ID], price: { min: '0.08', max: '0.20' }, maxAmount: most }],
  payments: [
    {
      asset: 'XLM',
      destinations: [CUSTOMER],
      maxAmount: '500000000',
      window: { amount: '800000000', seconds: 3600 },
    },
  ],
  trustlines: [EURC_ID],
};

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

/** 10 XLM at 0.1 USDC each. */
export const offer = (changes: Partial<Offer> = {}): Offer => ({
  type: 'manageSellOffer',
  source: undefined,
  selling: 'XLM',
  buying: USDC_ID,
  amount: 100_000_000n,
  price: { n: 1n, d: 10n },
  offerId: 0n,
  ...changes,
});

/** 10 XLM bought at 0.1 USDC each. */
export const buyOffer = (changes: Partial<Offer> = {}): Offer =>
  offer({ type: 'manageBuyOffer', selling: USDC_ID, buying: 'XLM', ...changes });

export const deletion = (changes: Partial<Offer> = {}): Offer =>
  offer({ amount: 0n, offerId: 7n, ...changes });

/** 10 XLM to the customer. */
export const payment = (changes: Partial<Payment> = {}): Payment => ({
  type: 'payment',
  source: undefined,
  destination: CUSTOMER,
  asset: 'XLM',
  amount: 100_000_000n,
  ...changes,
});

export const changeTrust = (changes: Partial<ChangeTrust> = {}): ChangeTrust => ({
  type: 'changeTrust',
  source: undefined,
  line: { asset: EURC_ID },
  limit: 1_000n,
  ...changes,
});

/** 10 XLM and 1 USDC, at 9 to 11 XLM per USDC: A is XLM. */
export const deposit = (changes: Partial<PoolDeposit> = {}): PoolDeposit => ({
  type: 'liquidityPoolDeposit',
  source: undefined,
  poolId: XLM_USDC_POOL,
  maxAmountA: 100_000_000n,
  maxAmountB: 10_000_000n,
  minPrice: { n: 9n, d: 1n },
  maxPrice: { n: 11n, d: 1n },
  ...changes,
});

export const withdrawal = (changes: Partial<PoolWithdraw> = {}): PoolWithdraw => ({
  type: 'liquidityPoolWithdraw',
  source: undefined,
  poolId: XLM_USDC_POOL,
  amount: 5n,
  minAmountA: 0n,
  minAmountB: 0n,
  ...changes,
});

export const bump = (changes: Partial<FeeBump> = {}): FeeBump => ({
  source: ACCOUNT,
  fee: 400n,
  innerHash: 'ab'.repeat(32),
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

/** The refusal, or undefined when it is allowed. A fee bump may be among the changes. */
export function refusalOf(
  { feeBump, ...changes }: Changes,
  policies: readonly Policy[],
  contextChanges: Partial<Context> = {},
): Refusal | undefined {
  const decision = evaluate(
    { transaction: transaction(changes), feeBump },
    policies,
    context(contextChanges),
  );
  return decision.allowed ? undefined : decision.refusal;
}

export type Changes = Partial<Transaction> & { feeBump?: FeeBump };

/** `allowed`, or the code and field of the refusal. */
export function verdict(
  changes: Changes,
  spec: Record<string, unknown> = {},
  contextChanges: Partial<Context> = {},
): string {
  const refusal = refusalOf(changes, [policy(spec)], contextChanges);
  return refusal === undefined ? 'allowed' : `${refusal.code} ${refusal.field ?? ''}`.trim();
}
