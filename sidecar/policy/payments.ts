import type { Spend } from '../journal/entry.ts';
import type { AssetId, Payment } from '../transaction.ts';
import { first, type Limit, type OperationRule, type Refusal } from './check.ts';
import type { PolicySpec } from './schema.ts';

/** What leaves for whom, also in a path payment. */
type Paid = Pick<Payment, 'destination' | 'asset' | 'amount'>;

export const payments: OperationRule<Payment> = {
  judge: (operation, field, spec) => judgePayment(operation, field, 'asset', spec),
  spends: (operation) => [paymentSpend(operation)],
  limits: paymentLimits,
};

/** `assetField` names the field of the operation that holds the asset. Every rule that lists asset and destination must allow. */
export function judgePayment(
  { destination, asset, amount }: Paid,
  field: string,
  assetField: string,
  spec: PolicySpec,
): Refusal | undefined {
  if (!spec.payments.some((rule) => rule.asset === asset))
    return {
      code: 'asset-not-allowed',
      message: `no rule of payments lists ${asset}`,
      field: `${field}.${assetField}`,
      rule: ['payments'],
    };
  const rules = rulesFor(asset, destination, spec);
  if (rules.length === 0)
    return {
      code: 'destination-not-allowed',
      message: `no rule of payments lists ${destination} for ${asset}`,
      field: `${field}.destination`,
      rule: ['payments'],
    };
  return first(rules, ({ rule: { maxAmount }, path }) =>
    amount > 0n && amount <= maxAmount
      ? undefined
      : {
          code: 'amount-too-large',
          message: `${amount} stroops of ${asset}, at most ${maxAmount} and more than 0`,
          field,
          rule: [...path, 'maxAmount'],
        },
  );
}

/** All payments of an asset count together, whoever is paid. */
const keyOf = (asset: AssetId) => ({ kind: 'payment' as const, asset });

export const paymentSpend = ({ asset, amount }: Paid): Spend => ({
  ...keyOf(asset),
  amount: amount.toString(),
});

export function paymentLimits({ asset, destination }: Paid, spec: PolicySpec): Limit[] {
  return rulesFor(asset, destination, spec).map(({ rule: { window }, path }) => ({
    key: keyOf(asset),
    ...window,
    rule: [...path, 'window'],
  }));
}

/** A destination is meant as it is written: the muxed forms of an account are other customers of it. */
const rulesFor = (asset: AssetId, destination: string, spec: PolicySpec) =>
  spec.payments
    .map((rule, index) => ({ rule, path: ['payments', index] }))
    .filter(({ rule }) => rule.asset === asset && rule.destinations.includes(destination));
