import { StrKey } from '@stellar/stellar-sdk/base';
import type { AssetId } from '../../transaction.ts';
import type { PairList } from '../pairs.ts';
import { compare } from '../price.ts';
import type { Policy } from '../schema.ts';
import type { Market } from './together.ts';
import { codeOf } from './words.ts';

/** A collar whose ends differ more than that many times allows nearly any loss. */
const WIDE = 2n;

/** What somebody should look at again. */
export function warningsOf(
  account: string,
  policies: readonly Policy[],
  lists: readonly { list: PairList; all: readonly Market[] }[],
): string[] {
  const of = lists.flatMap(({ list, all }) =>
    all.flatMap(({ base, quote, min, max, maxAmount, windows }) => {
      const name = `${list}: ${base} with ${quote}`;
      const isShut = compare(min, max) > 0;
      const isWide = max.n * min.d > WIDE * min.n * max.d;
      return [
        ...[base, quote]
          .filter((asset) => windows[asset]!.length === 0 && maxAmount[asset]! > 0n)
          .map(
            (asset) => `${name}: no window for ${codeOf(asset)}, so only maxAmount and the rate bound it.`,
          ),
        ...(isShut ? [`${name}: the collars of the policies do not meet, so nothing is allowed.`] : []),
        ...(isWide ? [`${name}: a wide collar, the highest price is more than twice the lowest.`] : []),
      ];
    }),
  );
  const missing = lists.flatMap(({ list, all }) =>
    policies
      .filter(({ spec }) => spec[list].length > all.length)
      .map(({ name }) => `${list}: ${name} lists pairs that another policy does not, so they are refused.`),
  );
  const issuers = policies.flatMap(({ name, spec }) =>
    [...namedIn([{ spec }]).map((asset) => asset.split(':')[1] ?? ''), ...spec.accounts, ...spec.channels]
      .filter((key) => key !== '' && !StrKey.isValidEd25519PublicKey(key))
      .map(
        (key) => `${name}: ${key} is no account (its checksum is wrong), so what names it allows nothing.`,
      ),
  );
  const own = [...new Set(namedIn(policies))].filter((asset) => asset.endsWith(`:${account}`));
  const burnt = policies.flatMap(({ name, spec }) =>
    spec.payments
      .filter(({ asset, destinations }) => destinations.some((to) => asset.endsWith(`:${to}`)))
      .map(({ asset }) => `${name}: payments of ${asset} to its issuer destroy it.`),
  );
  return [
    ...of,
    ...missing,
    ...own.map((asset) => `${account} issues ${asset}: what it sells or pays of it is made out of nothing.`),
    ...burnt,
    ...new Set(issuers),
  ];
}

const namedIn = (policies: readonly Pick<Policy, 'spec'>[]): AssetId[] =>
  policies.flatMap(({ spec }) => [
    ...spec.trustlines,
    ...[...spec.swaps, ...spec.offers, ...spec.pools].flatMap(({ pair }) => pair),
    ...spec.payments.map(({ asset }) => asset),
  ]);
