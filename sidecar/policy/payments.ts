import type { AssetId, Payment } from '../transaction.ts';
import { first, type OperationRule, type Refusal, type Taken } from './check.ts';
import type { PolicySpec } from './schema.ts';

export const payments: OperationRule<Payment> = (operation, field, spec) =>
  takePayment(operation, field, 'asset', spec);

/**
 * What leaves for whom, also in a path payment. Every rule that lists asset and destination must allow; all payments of an
 * asset count together, whoever is paid. `assetField` names the field of the operation that holds the asset.
 */
export function takePayment(
  { destination, asset, amount }: Pick<Payment, 'destination' | 'asset' | 'amount'>,
  field: string,
  assetField: string,
  spec: PolicySpec,
): Refusal | Taken {
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
  const tooLarge = first(rules, ({ rule: { maxAmount }, path }) =>
    amount > 0n && amount <= maxAmount
      ? undefined
      : {
          code: 'amount-too-large',
          message: `${amount} stroops of ${asset}, at most ${maxAmount} and more than 0`,
          field,
          rule: [...path, 'maxAmount'],
        },
  );
  if (tooLarge !== undefined) return tooLarge;
  const key = { kind: 'payment' as const, asset };
  return {
    spends: [{ ...key, amount: amount.toString() }],
    limits: rules.map(({ rule: { window }, path }) => ({ key, ...window, rule: [...path, 'window'] })),
  };
}

/** A destination is meant as it is written: the muxed forms of an account are other customers of it. */
const rulesFor = (asset: AssetId, destination: string, spec: PolicySpec) =>
  spec.payments
    .map((rule, index) => ({ rule, path: ['payments', index] }))
    .filter(({ rule }) => rule.asset === asset && rule.destinations.includes(destination));
