import { StrKey } from '@stellar/stellar-sdk/base';
import { isEmptyPayload } from './address.ts';
import { addSubentries, removeSubentries } from './balances.ts';
import {
  type Account,
  AUTH_CLAWBACK,
  AUTH_IMMUTABLE,
  AUTH_REQUIRED,
  AUTH_REVOCABLE,
  type Signer,
} from './entries.ts';
import { Refused } from './errors.ts';
import { DONE, type OperationModule } from './operation.ts';
import type { LedgerState } from './state.ts';

/** SetOptionsOp of Stellar-transaction.x in SEP-51 JSON; null leaves an option as it is. */
interface Body {
  inflation_dest: string | null;
  clear_flags: number | null;
  set_flags: number | null;
  master_weight: number | null;
  low_threshold: number | null;
  med_threshold: number | null;
  high_threshold: number | null;
  home_domain: string | null;
  signer: Signer | null;
}

const KNOWN_FLAGS = AUTH_REQUIRED | AUTH_REVOCABLE | AUTH_IMMUTABLE | AUTH_CLAWBACK;
const MAX_SIGNERS = 20;

/** Whether an escaped SEP-51 string holds printable ASCII only. */
export const isPrintable = (text: string): boolean => !/\\(x|n|r|t|0)/.test(text.replaceAll('\\\\', ''));

/** Changes nothing. */
export const UNCHANGED: Readonly<Body> = {
  inflation_dest: null,
  clear_flags: null,
  set_flags: null,
  master_weight: null,
  low_threshold: null,
  med_threshold: null,
  high_threshold: null,
  home_domain: null,
  signer: null,
};

const thresholdsOf = (body: Body): (number | null)[] => [
  body.master_weight,
  body.low_threshold,
  body.med_threshold,
  body.high_threshold,
];

/** Signers are sorted by kind, then by key (and payload). */
function signerSortKey(key: string): Buffer {
  const kinds = 'GTXP';
  const raw =
    key[0] === 'G'
      ? StrKey.decodeEd25519PublicKey(key)
      : key[0] === 'T'
        ? StrKey.decodePreAuthTx(key)
        : key[0] === 'X'
          ? StrKey.decodeSha256Hash(key)
          : StrKey.decodeSignedPayload(key);
  const bytes = Buffer.from(raw);
  // A payload is compared without its length.
  const payload = key[0] === 'P' ? bytes.subarray(36, 36 + bytes.readUInt32BE(32)) : Buffer.alloc(0);
  return Buffer.concat([Buffer.from([kinds.indexOf(key[0]!)]), bytes.subarray(0, 32), payload]);
}

function setSigner(state: LedgerState, account: Account, signer: Signer): string | undefined {
  const known = account.signers.some(({ key }) => key === signer.key);
  if (signer.weight === 0) {
    if (known) removeSigner(state, account, signer.key);
    return undefined;
  }
  if (known) {
    const signers = account.signers.map((other) =>
      other.key === signer.key ? { ...other, ...signer } : other,
    );
    state.put({ ...account, signers });
    return undefined;
  }
  if (account.signers.length === MAX_SIGNERS) return 'too_many_signers';
  const refusal = addSubentries(state, account, 1);
  if (refusal) return refusal;
  const signers = [...account.signers, signer].sort((a, b) =>
    Buffer.compare(signerSortKey(a.key), signerSortKey(b.key)),
  );
  state.put({ ...state.account(account.address)!, signers });
  return undefined;
}

/** Takes a signer that is there away, and its reserve. */
export function removeSigner(state: LedgerState, account: Account, key: string): void {
  if (account.signers.some((signer) => signer.key === key && signer.sponsor))
    throw new Refused('sponsorship');
  removeSubentries(state, account.address, 1);
  const signers = account.signers.filter((other) => other.key !== key);
  state.put({ ...state.account(account.address)!, signers });
}

export const setOptions: OperationModule<Body> = {
  level: (body) =>
    thresholdsOf(body).some((value) => value !== null) || body.signer !== null ? 'high' : 'medium',

  check(body, source) {
    const [set, clear] = [body.set_flags ?? 0, body.clear_flags ?? 0];
    if ((set | clear) & ~KNOWN_FLAGS) return 'unknown_flag';
    if (set & clear) return 'bad_flags';
    if (thresholdsOf(body).some((value) => value !== null && value > 255)) return 'threshold_out_of_range';
    if (body.signer) {
      const { key, weight } = body.signer;
      if (key === source || weight > 255 || isEmptyPayload(key)) return 'bad_signer';
    }
    if (body.home_domain !== null && !isPrintable(body.home_domain)) return 'invalid_home_domain';
    return undefined;
  },

  apply(state, source, body) {
    const account = state.account(source)!;
    const { inflation_dest: destination, set_flags: set, clear_flags: clear } = body;
    if (destination !== null && destination !== source && !state.account(destination)) {
      return { code: 'invalid_inflation' };
    }
    if ((set || clear) && account.flags & AUTH_IMMUTABLE) return { code: 'cant_change' };
    const flags = (account.flags & ~(clear ?? 0)) | (set ?? 0);
    if (flags & AUTH_CLAWBACK && !(flags & AUTH_REVOCABLE)) return { code: 'auth_revocable_required' };

    state.put({
      ...account,
      flags,
      inflationDestination: destination ?? account.inflationDestination,
      homeDomain: body.home_domain ?? account.homeDomain,
      thresholds: {
        master: body.master_weight ?? account.thresholds.master,
        low: body.low_threshold ?? account.thresholds.low,
        medium: body.med_threshold ?? account.thresholds.medium,
        high: body.high_threshold ?? account.thresholds.high,
      },
    });
    const code = body.signer && setSigner(state, state.account(source)!, body.signer);
    return code ? { code } : DONE;
  },
};
