import type * as z from 'zod';
import { CodedError } from '../common/errors.ts';
import { exactlyOne, listOptions, options, variableOf } from './config/options.ts';
import { at, type Given, gather, type Sources } from './config/sources.ts';

type Options = z.infer<typeof options>;

export interface Pkcs11Config {
  type: 'pkcs11';
  module: string;
  token: { label: string } | { serial: string };
  key: { label: string } | { id: Buffer };
  auditKeyLabel: string | undefined;
  pinFile: string;
  vendor: NonNullable<Options['pkcs11']>['vendor'];
  pointEncoding?: NonNullable<Options['pkcs11']>['pointEncoding'];
  sessions: number;
}

export type VaultAuth =
  | { kubernetes: { role: string; mount: string; jwtFile: string } }
  | {
      appRole: {
        roleId?: string | undefined;
        roleIdFile?: string | undefined;
        secretIdFile: string;
        mount: string;
      };
    }
  | { tokenFile: string };

export interface VaultConfig {
  type: 'vault';
  address: string;
  namespace: string | undefined;
  mount: string;
  key: string;
  keyVersion: number;
  auditKey: { name: string; version: number } | undefined;
  caFile: string | undefined;
  auth: VaultAuth;
}

/** The signer's configuration, whole and checked. Secrets are in it only as paths. */
export interface SignerConfig extends Omit<Options, 'pkcs11' | 'vault'> {
  backend: Pkcs11Config | VaultConfig;
}

/**
 * Configuration from `STELLAR_` variables and one YAML file; variables win. An unknown name refuses the start (a misspelt
 * limit must not be silently absent), and an error names every option that is wrong, never its value.
 * @throws CodedError `config-invalid`
 */
export const loadSignerConfig = (sources: Sources): SignerConfig => judge(gather(sources));

/** @throws CodedError `config-invalid` */
export function judge(given: Given): SignerConfig {
  const { tree } = given;
  const result = options.safeParse(tree);
  const complaints = [
    ...given.complaints,
    ...(result.error?.issues ?? []).flatMap((issue) => sayIssue(issue, given)),
    ...exactlyOne
      .filter(({ within, of }) => (within === undefined || has(tree, within)) && countOf(tree, of) !== 1)
      .map(({ of }) => `exactly one of ${of.map(either).join(', ')} must be given`),
  ];
  if (result.success && complaints.length === 0) return structured(result.data);
  throw new CodedError('config-invalid', `configuration refused:\n  ${complaints.join('\n  ')}`);
}

const has = (tree: unknown, name: string): boolean => at(tree, name) !== undefined;
const countOf = (tree: unknown, names: readonly string[]): number =>
  names.filter((name) => has(tree, name)).length;

/** `STELLAR_ACCOUNT (account)`: how an option is called in a message that does not know where it was given. */
const either = (name: string): string => {
  const isOption = listOptions().some((option) => option.name === name);
  return `${variableOf(name)}${isOption ? '' : '_…'} (${name})`;
};

function sayIssue(issue: z.core.$ZodIssue, { tree, origin }: Given): string[] {
  // Unknown names were complained of when the sources were put together.
  if (issue.code === 'unrecognized_keys') return [];
  const name = issue.path.join('.');
  if (!has(tree, name)) return [`${either(name)}: is missing`];
  return [`${origin.get(name) ?? either(name)}: ${issue.message}`];
}

function structured({ pkcs11, vault, ...rest }: Options): SignerConfig {
  if (pkcs11 !== undefined) {
    const { tokenLabel, tokenSerial, keyLabel, keyId, ...others } = pkcs11;
    return {
      ...rest,
      backend: {
        type: 'pkcs11',
        ...others,
        auditKeyLabel: pkcs11.auditKeyLabel,
        token: tokenLabel === undefined ? { serial: tokenSerial! } : { label: tokenLabel },
        key: keyLabel === undefined ? { id: Buffer.from(keyId!, 'hex') } : { label: keyLabel },
      },
    };
  }
  const { tokenFile, auth, auditKey, auditKeyVersion, ...others } = vault!;
  return {
    ...rest,
    backend: {
      type: 'vault',
      ...others,
      namespace: others.namespace,
      caFile: others.caFile,
      auditKey: auditKey === undefined ? undefined : { name: auditKey, version: auditKeyVersion },
      auth: authOf(auth, tokenFile),
    },
  };
}

function authOf(
  { kubernetes, approle }: NonNullable<Options['vault']>['auth'],
  tokenFile?: string,
): VaultAuth {
  if (kubernetes !== undefined) return { kubernetes };
  return approle === undefined ? { tokenFile: tokenFile! } : { appRole: approle };
}
