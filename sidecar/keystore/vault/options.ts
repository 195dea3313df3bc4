import * as z from 'zod';

/** How the signer logs in. Secrets are files only, read anew at each login. */
export type VaultAuth =
  /** Kubernetes auth with the projected token in `jwtFile`. */
  | { kubernetes: { role: string; mount: string; jwtFile: string } }
  /** AppRole, with exactly one of `roleId` and `roleIdFile`. */
  | {
      appRole: {
        roleId?: string | undefined;
        roleIdFile?: string | undefined;
        secretIdFile: string;
        mount: string;
      };
    }
  /** A token that somebody else keeps fresh in a file (Vault agent, an operator). */
  | { tokenFile: string };

/** Where the account's key is in Vault or OpenBao: checked where it is read, by the configuration. */
export interface VaultOptions {
  address: string;
  namespace?: string | undefined;
  /** Mount of the transit engine. */
  mount: string;
  key: string;
  /** Pinned: rotating a key makes another key pair, which is another Stellar account. */
  keyVersion: number;
  auditKey?: { name: string; version: number } | undefined;
  auth: VaultAuth;
  /** PEM of the authorities that may have signed Vault's certificate; the public ones if absent. */
  caFile?: string | undefined;
}

const text = z.string('must be text; put it in quotes');
/** Names become part of a path, which node-vault does not encode. */
export const vaultName = text.regex(/^[\w-]{1,64}$/, 'must be letters, digits, "_" and "-", at most 64');
export const vaultNamespace = text.regex(
  /^[\w-]{1,64}(\/[\w-]{1,64}){0,7}$/,
  'must be names of letters, digits, "_" and "-", separated by "/"',
);

const LOOPBACK = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\]|localhost)$/;

const address = z.string().refine((text) => {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const isBare = url.href === `${url.origin}/`;
  return isBare && (url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname)));
}, 'must be https://HOST[:PORT] without path or user; http only to loopback');

/** What a command line says of a transit mount; the signer's own configuration has its table of options. */
export const vaultOptions = z.object({
  address,
  namespace: vaultNamespace.optional(),
  mount: vaultName.default('transit'),
  key: vaultName,
  caFile: z.string().startsWith('/', 'must be an absolute path').optional(),
});
