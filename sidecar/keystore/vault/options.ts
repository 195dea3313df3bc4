import * as z from 'zod';

const NAME = /^[A-Za-z0-9_-]{1,64}$/;
/** Names become part of a path, which node-vault does not encode. */
const name = z.string().regex(NAME, 'must be 1 to 64 letters, digits, _ or -');
const file = z.string().startsWith('/', 'must be an absolute path');
const version = z.int().min(1, 'must be at least 1');

const LOOPBACK = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\]|localhost)$/;

const address = z.string().refine((text) => {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const isBare = url.href === `${url.origin}/`;
  return isBare && (url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname)));
}, 'must be https://HOST[:PORT] without path or user; http only to loopback');

const auth = z.union([
  z.strictObject({
    /** Kubernetes auth with the projected token in `jwtFile`. */
    kubernetes: z.strictObject({
      role: z.string().min(1).max(253),
      mount: name.default('kubernetes'),
      jwtFile: file,
    }),
  }),
  z.strictObject({
    appRole: z
      .strictObject({
        roleId: z.string().min(1).max(256).optional(),
        roleIdFile: file.optional(),
        secretIdFile: file,
        mount: name.default('approle'),
      })
      .refine(
        ({ roleId, roleIdFile }) => (roleId === undefined) !== (roleIdFile === undefined),
        'give exactly one of roleId and roleIdFile',
      ),
  }),
  /** A token that somebody else keeps fresh in a file (Vault agent, an operator). */
  z.strictObject({ tokenFile: file }),
]);

/** Where the account's key is in Vault or OpenBao, and how the signer logs in. Secrets are files only. */
export const vaultOptions = z.strictObject({
  address,
  namespace: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}(\/[A-Za-z0-9_-]{1,64}){0,7}$/, 'must be names with / between')
    .optional(),
  /** Mount of the transit engine. */
  mount: name.default('transit'),
  key: name,
  /** Pinned: rotating a key makes another key pair, which is another Stellar account. */
  keyVersion: version.default(1),
  auditKey: z.strictObject({ name, version: version.default(1) }).optional(),
  auth,
  /** PEM of the authorities that may have signed Vault's certificate; the public ones if absent. */
  caFile: file.optional(),
});

export type VaultOptions = z.infer<typeof vaultOptions>;
export type VaultAuth = VaultOptions['auth'];
