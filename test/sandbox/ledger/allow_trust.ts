import { type Asset, isValidAsset } from './asset.ts';
import { AUTH_REVOCABLE, isAuthorized, MAINTAIN_LIABILITIES } from './entries.ts';
import type { OperationModule } from './operation.ts';
import { AUTH_FLAGS, setFlags } from './trust_flags.ts';

/** AllowTrustOp of Stellar-transaction.x in SEP-51 JSON: the asset by its code alone, the issuer is the source. */
interface Body {
  trustor: string;
  asset: string;
  authorize: number;
}

const assetOf = ({ asset }: Body, source: string): Asset => `${asset}:${source}`;

export const allowTrust: OperationModule<Body> = {
  level: () => 'low',

  check(body, source) {
    const valid = body.authorize <= MAINTAIN_LIABILITIES && isValidAsset(assetOf(body, source));
    return valid && body.trustor !== source ? undefined : 'malformed';
  },

  apply(state, source, body) {
    const revocable = (state.account(source)!.flags & AUTH_REVOCABLE) !== 0;
    if (!revocable && body.authorize === 0) return { code: 'cant_revoke' };
    const line = state.trustline(body.trustor, assetOf(body, source));
    if (!line) return { code: 'no_trust_line' };
    if (!revocable && isAuthorized(line) && body.authorize & MAINTAIN_LIABILITIES) {
      return { code: 'cant_revoke' };
    }
    return setFlags(state, line, (line.flags & ~AUTH_FLAGS) | body.authorize);
  },
};
