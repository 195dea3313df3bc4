import { StrKey } from '@stellar/stellar-sdk/base';
import * as z from 'zod';
import { listenAddress, logLevel } from '../../common/config.ts';
import { VENDORS, type VendorName } from '../keystore/pkcs11/vendors.ts';
import { vaultName, vaultNamespace } from '../keystore/vault/options.ts';

/** What people read about an option; the schema itself says type, limits and default. */
export interface About {
  description: string;
  example: string;
  unit?: string;
  /** The file holds a secret: its rights are checked, and the option's name without `File` is refused. */
  isSecretFile?: boolean;
}

export const about = z.registry<About>();

const text = (max: number) => z.string('must be text; put it in quotes').min(1).max(max);
const path = text(4096).startsWith('/', 'must be an absolute path');
const label = text(255);
const whole = (min: number, max: number) =>
  z.preprocess(
    (given) => (typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : given),
    z.int('must be a whole number').min(min).max(max),
  );
const yesOrNo = z.preprocess(
  (given) => (given === 'true' ? true : given === 'false' ? false : given),
  z.boolean('must be true or false'),
);
const keyId = text(128).regex(/^([0-9a-f]{2})+$/, 'must be lower-case hexadecimal, two characters a byte');
const vaultAddress = text(253).regex(
  /^https?:\/\/([-A-Za-z0-9.]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?\/?$/,
  'must be https://host or https://host:port, without user, path, query or fragment',
);

/** A section that is absent is read as an empty one, so that what it lacks is named. */
const absent = {} as never;

const pkcs11 = z.strictObject({
  module: path.clone().register(about, {
    description: 'The vendor’s PKCS#11 library.',
    example: '/usr/lib/softhsm/libsofthsm2.so',
  }),
  tokenLabel: text(32).optional().register(about, { description: 'Label of the token.', example: 'stellar' }),
  tokenSerial: text(16)
    .optional()
    .register(about, { description: 'Serial number of the token.', example: '3c9f6b1d7a02e845' }),
  keyLabel: label
    .optional()
    .register(about, { description: 'CKA_LABEL of the trading key.', example: 'trading' }),
  keyId: keyId
    .optional()
    .register(about, { description: 'CKA_ID of the trading key, hexadecimal.', example: '01' }),
  auditKeyLabel: label.optional().register(about, {
    description: 'CKA_LABEL of a second key in the same token, which signs the journal’s checkpoints.',
    example: 'audit',
  }),
  pinFile: path.clone().register(about, {
    description: 'File with the user PIN.',
    example: '/run/secrets/pin',
    isSecretFile: true,
  }),
  vendor: z
    .enum(Object.keys(VENDORS) as [VendorName, ...VendorName[]])
    .default('generic')
    .register(about, {
      description: 'Whose token it is: the defaults of how the vendor’s library differs from the others.',
      example: 'yubihsm2',
    }),
  pointEncoding: z.enum(['Auto', 'DerOctetString', 'Raw', 'BitString']).optional().register(about, {
    description:
      'How the token writes the public point (CKA_EC_POINT), if not as the vendor’s others; Auto goes by its length.',
    example: 'Raw',
  }),
  mechanismParameter: z.enum(['None', 'Empty', 'EddsaParams']).optional().register(about, {
    description: 'What goes with CKM_EDDSA, if not as with the vendor’s others.',
    example: 'EddsaParams',
  }),
  sessions: whole(1, 64).optional().register(about, {
    description:
      'Sessions that sign at once, at most UV_THREADPOOL_SIZE; if not given, 8 or two less than that, whichever is less.',
    example: '4',
  }),
});

const vault = z.strictObject({
  address: vaultAddress.register(about, {
    description: 'Address of Vault or OpenBao; http only on loopback.',
    example: 'https://vault.example:8200',
  }),
  namespace: vaultNamespace
    .optional()
    .register(about, { description: 'Namespace (Vault Enterprise, HCP, OpenBao).', example: 'treasury' }),
  mount: vaultName
    .default('transit')
    .register(about, { description: 'Path of the transit engine.', example: 'transit' }),
  key: vaultName.clone().register(about, {
    description: 'Name of the transit key, of type ed25519, not exportable.',
    example: 'stellar-hot',
  }),
  keyVersion: whole(1, 1_000_000).default(1).register(about, {
    description: 'Version of the key, pinned: a rotated key is another account.',
    example: '1',
  }),
  auditKey: vaultName.optional().register(about, {
    description: 'Name of a second transit key, which signs the journal’s checkpoints.',
    example: 'stellar-audit',
  }),
  auditKeyVersion: whole(1, 1_000_000)
    .default(1)
    .register(about, { description: 'Version of that key, pinned.', example: '1' }),
  caFile: path.optional().register(about, {
    description: 'PEM certificates of the CA of Vault; they replace the public roots.',
    example: '/etc/vault/ca.pem',
  }),
  tokenFile: path.optional().register(about, {
    description: 'File with a Vault token, which another program renews (Vault Agent).',
    example: '/run/secrets/vault-token',
    isSecretFile: true,
  }),
  auth: z
    .strictObject({
      kubernetes: z
        .strictObject({
          role: text(253).register(about, {
            description: 'Role of Vault’s Kubernetes auth.',
            example: 'stellar-signer',
          }),
          mount: vaultName
            .default('kubernetes')
            .register(about, { description: 'Path of Vault’s Kubernetes auth.', example: 'kubernetes' }),
          jwtFile: path.clone().register(about, {
            description: 'The projected service account token, read anew at each login.',
            example: '/run/secrets/vault/token',
            isSecretFile: true,
          }),
        })
        .optional(),
      approle: z
        .strictObject({
          roleId: text(253)
            .optional()
            .register(about, { description: 'Role id of AppRole (no secret).', example: 'stellar-signer' }),
          roleIdFile: path
            .optional()
            .register(about, { description: 'File with the role id.', example: '/etc/vault/role-id' }),
          secretIdFile: path.clone().register(about, {
            description: 'File with the secret id.',
            example: '/run/secrets/secret-id',
            isSecretFile: true,
          }),
          mount: vaultName
            .default('approle')
            .register(about, { description: 'Path of Vault’s AppRole auth.', example: 'approle' }),
        })
        .optional(),
    })
    .prefault(absent),
});

/** Every option of the signer, by its place in the YAML file: the one source of schema, variables, help and docs. */
export const options = z.strictObject({
  networkPassphrase: text(256).register(about, {
    description: 'Passphrase of the Stellar network.',
    example: 'Test SDF Network ; September 2015',
  }),
  account: z
    .string()
    .refine((given) => StrKey.isValidEd25519PublicKey(given), 'must be an account (G…)')
    .register(about, {
      description: 'The one account that is signed for; the key’s public half must be this.',
      example: 'GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7',
    }),
  signerSocket: path.max(107, 'must have at most 107 characters (unix socket)').register(about, {
    description: 'The unix socket to listen on. Who reaches it may ask for signatures.',
    example: '/run/stellar-signer/signer.sock',
  }),
  policyDir: path.clone().register(about, {
    description: 'Folder of the signing policies, *.yaml; read again whenever it changes.',
    example: '/etc/stellar-signer/policy',
  }),
  journal: z
    .strictObject({
      dir: path.clone().register(about, {
        description: 'Folder of the journal. Losing it stops signing for minutes and fills the windows.',
        example: '/var/lib/stellar-signer',
      }),
      expectedFile: path.optional().register(about, {
        description:
          'JSON {"id", "checkpoint"}: the journal that must be found, as the operator recorded it.',
        example: '/etc/stellar-signer/journal.json',
      }),
      init: yesOrNo.default(false).register(about, {
        description: 'A journal may begin here: the first start outside Kubernetes. The same as --init.',
        example: 'true',
      }),
      retentionDays: whole(1, 36_500).default(30).register(about, {
        description: 'How long lines before a signed checkpoint are kept.',
        example: '90',
        unit: 'days',
      }),
    })
    .prefault(absent),
  healthAddress: listenAddress.prefault('[::]:15889').register(about, {
    description: 'Where /healthz, /readyz, /metrics and /status are served, over TLS.',
    example: '127.0.0.1:15889',
  }),
  tls: z
    .strictObject({
      certFile: path.clone().register(about, {
        description: 'PEM certificate chain of that port; read again when it changes.',
        example: '/etc/stellar-signer/tls/tls.crt',
      }),
      keyFile: path.clone().register(about, {
        description: 'PEM private key of that port.',
        example: '/etc/stellar-signer/tls/tls.key',
        isSecretFile: true,
      }),
    })
    .prefault(absent),
  logLevel: logLevel.register(about, { description: 'What is logged, at least.', example: 'debug' }),
  pkcs11: pkcs11.optional(),
  vault: vault.optional(),
});

/** Of each group exactly one must be given, if `within` is given at all. */
export const exactlyOne: readonly { within?: string; of: readonly string[] }[] = [
  { of: ['pkcs11', 'vault'] },
  { within: 'pkcs11', of: ['pkcs11.tokenLabel', 'pkcs11.tokenSerial'] },
  { within: 'pkcs11', of: ['pkcs11.keyLabel', 'pkcs11.keyId'] },
  { within: 'vault', of: ['vault.auth.kubernetes', 'vault.auth.approle', 'vault.tokenFile'] },
  { within: 'vault.auth.approle', of: ['vault.auth.approle.roleId', 'vault.auth.approle.roleIdFile'] },
];

export interface Option extends About {
  /** Place in the YAML file, `pkcs11.tokenLabel`. */
  name: string;
  /** `STELLAR_PKCS11_TOKEN_LABEL`. */
  variable: string;
  /** As it would be written; undefined when there is none. */
  default: string | undefined;
  isRequired: boolean;
  /** The section that may be absent, and the option with it. */
  within: string | undefined;
  schema: z.ZodType;
}

/** `pkcs11.tokenLabel` → `STELLAR_PKCS11_TOKEN_LABEL`. */
export const variableOf = (name: string): string =>
  `STELLAR_${name.replaceAll('.', '_').replaceAll(/[A-Z]/g, '_$&').toUpperCase()}`;

/** The table as a list, in its order. */
export const listOptions = (): Option[] => leaves(options, '', undefined);

function leaves(schema: z.ZodType, prefix: string, within: string | undefined): Option[] {
  const bare = unwrap(schema);
  const section = schema instanceof z.ZodOptional ? prefix : within;
  if (bare instanceof z.ZodObject)
    return Object.entries(bare.shape).flatMap(([name, inner]) =>
      leaves(inner as z.ZodType, prefix === '' ? name : `${prefix}.${name}`, section),
    );
  const facts = about.get(schema);
  if (facts === undefined) throw new Error(`${prefix} is not described`);
  const value =
    schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault ? schema.def.defaultValue : undefined;
  return [
    {
      ...facts,
      name: prefix,
      variable: variableOf(prefix),
      default: value === undefined ? undefined : String(value),
      isRequired: value === undefined && !(schema instanceof z.ZodOptional),
      within,
      schema,
    },
  ];
}

function unwrap(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault
    ? unwrap(schema.unwrap() as z.ZodType)
    : schema;
}
