import type { ChangeTrust } from '../transaction.ts';
import { NOTHING, type OperationRule } from './check.ts';
import { findPair, pairMissing } from './pairs.ts';

/** Lines of listed assets, and pool shares of listed pools, to any limit: a line holds what comes, and nothing leaves by it. */
export const trustlines: OperationRule<ChangeTrust> = ({ line }, field, spec) => {
  if ('pool' in line) {
    const [a, b] = line.pool;
    return findPair('pools', spec.pools, a, b) === undefined
      ? pairMissing(a, b, `${field}.line`, 'pools')
      : NOTHING;
  }
  return spec.trustlines.includes(line.asset)
    ? NOTHING
    : {
        code: 'asset-not-allowed',
        message: `trustlines does not list ${line.asset}`,
        field: `${field}.line`,
        rule: ['trustlines'],
      };
};
