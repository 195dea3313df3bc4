import type * as z from 'zod';
import { CodedError } from '../common/errors.ts';
import { exactlyOne, listOptions, options, variableOf } from './config/options.ts';
import { at, type Given, gather, type Sources } from './config/sources.ts';
import type { VaultAuth } from './keystore/vault/options.ts';

type Options = z.infer<typeof options>;
/** Optional fields are absent or have a value. */
type Defined<T> = { [Name in keyof T]: Exclude<T[Name], undefined> };

type Pkcs11Section = Defined<NonNullable<Options['pkcs11']>>;

export interface Pkcs11Config
  extends Omit<Pkcs11Section, 'tokenLabel' | 'tokenSerial' | 'keyLabel' | 'keyId' | 'auditKeyLabel'> {
  type: 'pkcs11';
  token: { label: string } | { serial: string };
  key: { label: string } | { id: Buffer };
  auditKey?: { label: string };
}

type VaultSection = Defined<NonNullable<Options['vault']>>;

export interface VaultConfig
  extends Omit<VaultSection, 'tokenFile' | 'auth' | 'auditKey' | 'auditKeyVersion'> {
  type: 'vault';
  auditKey?: { name: string; version: number };
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
  const isSection = issue.code === 'invalid_type' && issue.expected === 'object';
  const message = isSection ? 'must be a section with options of its own' : issue.message;
  return [`${origin.get(name) ?? either(name)}: ${message}`];
}

function structured({ pkcs11, vault, ...rest }: Options): SignerConfig {
  if (pkcs11 !== undefined) {
    const { tokenLabel, tokenSerial, keyLabel, keyId, auditKeyLabel, ...others } = pkcs11;
    return {
      ...rest,
      backend: {
        type: 'pkcs11',
        ...defined(others),
        ...(auditKeyLabel === undefined ? {} : { auditKey: { label: auditKeyLabel } }),
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
      ...defined(others),
      ...(auditKey === undefined ? {} : { auditKey: { name: auditKey, version: auditKeyVersion } }),
      auth: authOf(auth, tokenFile),
    },
  };
}

const defined = <T extends object>(fields: T): Defined<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;

function authOf(
  { kubernetes, approle }: NonNullable<Options['vault']>['auth'],
  tokenFile?: string,
): VaultAuth {
  if (kubernetes !== undefined) return { kubernetes };
  return approle === undefined ? { tokenFile: tokenFile! } : { appRole: approle };
}
