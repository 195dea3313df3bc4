import { type AssetJson, assetFromJson, issuerOf, isValidAsset } from './asset.ts';
import { AUTH_REVOCABLE, AUTHORIZED, CLAWBACK_ENABLED } from './entries.ts';
import type { OperationModule } from './operation.ts';
import { AUTH_FLAGS, setFlags } from './trust_flags.ts';

/** SetTrustLineFlagsOp of Stellar-transaction.x in SEP-51 JSON. */
interface Body {
  trustor: string;
  asset: AssetJson;
  clear_flags: number;
  set_flags: number;
}

const KNOWN_FLAGS = AUTH_FLAGS | CLAWBACK_ENABLED;
const bothAuthorizations = (flags: number): boolean => (flags & AUTH_FLAGS) === AUTH_FLAGS;

export const setTrustLineFlags: OperationModule<Body> = {
  level: () => 'low',

  check({ trustor, asset: json, clear_flags: clear, set_flags: set }, source) {
    const asset = assetFromJson(json);
    if (!isValidAsset(asset) || issuerOf(asset) !== source || trustor === source) return 'malformed';
    if (set & clear || bothAuthorizations(set)) return 'malformed';
    if ((set & ~AUTH_FLAGS) !== 0 || (clear & ~KNOWN_FLAGS) !== 0) return 'malformed';
    return undefined;
  },

  apply(state, source, { trustor, asset, clear_flags: clear, set_flags: set }) {
    const revocable = state.account(source)!.flags & AUTH_REVOCABLE;
    if (!revocable && clear & AUTH_FLAGS && !(set & AUTHORIZED)) return { code: 'cant_revoke' };
    const line = state.trustline(trustor, assetFromJson(asset));
    if (!line) return { code: 'no_trust_line' };
    const flags = (line.flags & ~clear) | set;
    return bothAuthorizations(flags) ? { code: 'invalid_state' } : setFlags(state, line, flags);
  },
};
