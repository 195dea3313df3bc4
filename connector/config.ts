import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { StrKey } from '@stellar/stellar-sdk/base';
import { parse } from 'yaml';
import * as z from 'zod';
import { listenAddress, loadConfig, logLevel } from '../common/config.ts';
import { messageOf } from '../common/errors.ts';
import { connectorError } from './errors.ts';
import { parseAsset } from './market/asset.ts';

const KNOWN_PASSPHRASES: Readonly<Record<string, string>> = {
  public: 'Public Global Stellar Network ; September 2015',
  testnet: 'Test SDF Network ; September 2015',
};

export const environment = z.object({
  CONFIG_FILE: z.string(),
  /** Of the hosts' addresses; not needed where every endpoint has its own. */
  ADDRESSES_FILE: z.string().optional(),
  /** Of what the policies bound, re-read while the connector runs; without it `fees` of the configuration counts. */
  LIMITS_FILE: z.string().optional(),
  SIGNER_SOCKET: z.string(),
  GATEWAY_ADDRESS: listenAddress.default({ host: '::', port: 15888 }),
  TLS_CERT_FILE: z.string(),
  TLS_KEY_FILE: z.string(),
  TLS_CLIENT_CA_FILE: z.string(),
  HEALTH_ADDRESS: listenAddress.default({ host: '::', port: 15890 }),
  STATE_DIR: z.string(),
  LOG_LEVEL: logLevel,
});

export type Environment = z.infer<typeof environment>;

/** `sha256/<base64 of the SHA-256 of a SubjectPublicKeyInfo>`, as in HPKP (RFC 7469). */
const spkiPin = z
  .string()
  .regex(/^sha256\/[A-Za-z0-9+/]{43}=$/, 'must be sha256/ and 44 characters of base64');

const ipAddress = z.string().refine((text) => isIP(text) !== 0, 'must be an IP address');

const endpoint = z.strictObject({
  url: z
    .url({ protocol: /^https$/ })
    .refine((text) => {
      const url = new URL(text);
      return url.username === '' && url.password === '' && url.search === '' && url.hash === '';
    }, 'must have no user, query or fragment')
    .transform((text) => text.replace(/\/+$/, '')),
  spkiPins: z.array(spkiPin).min(2, 'needs at least two pins, one of a spare key, or none').max(8).optional(),
  /** Where the host may be reached; without them those of the addresses file count. No name is ever resolved. */
  addresses: z.array(ipAddress).min(1).max(16).optional(),
  caFile: z.string().optional(),
  /** A header for providers that want an API key; its value is the content of the file, read anew when it changes. */
  auth: z
    .strictObject({
      header: z.string().regex(/^[A-Za-z][-A-Za-z0-9]{0,63}$/, 'must be an HTTP header name'),
      file: z.string(),
    })
    .optional(),
});

export type Endpoint = z.infer<typeof endpoint>;

const asset = z.string().transform((text, context) => {
  const parsed = parseAsset(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'must be XLM or CODE:ISSUER' });
  return z.NEVER;
});

const account = z.string().refine((text) => StrKey.isValidEd25519PublicKey(text), 'must be a G… account');

const stroops = z
  .string()
  .regex(/^[1-9]\d{0,18}$/, 'must be stroops, a whole number as text')
  .transform(BigInt);

/** What the account's policies bound (the signer refuses more); the operator writes it beside the addresses. */
export const limits = z.strictObject({
  perOperation: stroops.default(20_000n),
  perTransaction: stroops.default(2_020_000n),
  /** Of all that is signed for in a window; bids are capped by what is left of it. */
  window: z.strictObject({ amount: stroops, seconds: z.int().min(1).max(604_800) }).optional(),
  maxOperations: z.int().min(1).max(100).default(100),
  maxTimeBoundSeconds: z.int().min(1).max(120).default(110),
});
export type Limits = z.infer<typeof limits>;

const fees = limits.extend({
  /** Of recent bids in the network. */
  percentile: z.literal([10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99]).default(90),
});

const trading = z.strictObject({
  /** All offers are cancelled when no client was heard for so long; 0: never. */
  deadManSeconds: z.int().min(0).max(86_400).default(120),
  /** All offers are cancelled when the ledger's data is older than this. */
  staleSeconds: z.int().min(10).max(3_600).default(60),
  /** Kept back of native beyond the reserve, for fees; stroops. */
  nativeBuffer: stroops.default(10_000_000n),
  /** Offers outside this many percent of the book's middle are refused; the signer's collar holds beside it. */
  collarPct: z.number().positive().max(100).default(50),
});

export const connectorFile = z
  .strictObject({
    network: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/),
    networkPassphrase: z.string().min(1).max(200),
    account,
    /** They lend their sequence numbers, so that transactions can be in flight in parallel. */
    channelAccounts: z.array(account).max(100).default([]),
    horizon: z
      .strictObject({
        endpoints: z.array(endpoint).min(1).max(8),
        quorum: z.int().min(1).max(8).default(1),
      })
      .refine(({ endpoints, quorum }) => quorum <= endpoints.length, {
        path: ['quorum'],
        message: 'must not be larger than the number of endpoints',
      }),
    rpc: z.strictObject({ endpoints: z.array(endpoint).min(1).max(8) }).optional(),
    fees: fees.default(() => fees.parse({})),
    trading: trading.default(() => trading.parse({})),
    gateway: z
      .strictObject({
        /** DNS or URI names (SAN) or `sha256/<64 hex>` fingerprints of client certificates; none: any of the CA. */
        clients: z.array(z.string().min(1).max(253)).max(100).default([]),
      })
      .default({ clients: [] }),
    markets: z
      .array(
        z.strictObject({ base: asset, quote: asset }).refine(({ base, quote }) => base !== quote, {
          message: 'base and quote must differ',
        }),
      )
      .min(1),
  })
  .refine(
    ({ network, networkPassphrase }) =>
      (KNOWN_PASSPHRASES[network] ?? networkPassphrase) === networkPassphrase,
    {
      path: ['networkPassphrase'],
      message: 'is not the passphrase of that network',
    },
  );

export type ConnectorFile = z.infer<typeof connectorFile>;

export const loadEnvironment = (env: Readonly<Record<string, string | undefined>>): Environment =>
  loadConfig(environment, env);

/**
 * Parses the text of the connector's YAML file, which the operator writes from the StellarConnector.
 * @throws `config-invalid` with one line for each fault
 */
export function parseConnectorFile(text: string, name: string): ConnectorFile {
  let document: unknown;
  try {
    document = parse(text);
  } catch (cause) {
    throw connectorError('config-invalid', `${name} is not YAML: ${messageOf(cause)}`, { cause });
  }
  const result = connectorFile.safeParse(document);
  if (result.success) return result.data;
  const lines = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw connectorError('config-invalid', `${name} refused:\n  ${lines.join('\n  ')}`);
}

/**
 * One of the JSON files beside it that are re-read while the connector runs, e.g. `the limits file`.
 * @throws `config-invalid`, which names the fields
 */
export function parseJsonFile<T>(schema: z.ZodType<T>, text: string, name: string): T {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw connectorError('config-invalid', `${name} is not JSON: ${messageOf(cause)}`, { cause });
  }
  const result = schema.safeParse(document);
  if (result.success) return result.data;
  const lines = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw connectorError('config-invalid', `${name} is refused: ${lines.join('; ')}`);
}

export const readConnectorFile = (path: string): ConnectorFile =>
  parseConnectorFile(readFileSync(path, 'utf8'), path);

/**
 * Nothing is resolved by name, so that every endpoint needs addresses: its own, or the operator's file.
 * @throws `config-invalid`
 */
export function requireAddresses(
  { ADDRESSES_FILE }: Pick<Environment, 'ADDRESSES_FILE'>,
  { horizon, rpc }: Pick<ConnectorFile, 'horizon' | 'rpc'>,
): void {
  const without = [...horizon.endpoints, ...(rpc?.endpoints ?? [])].find(({ addresses }) => !addresses);
  if (ADDRESSES_FILE !== undefined || without === undefined) return;
  throw connectorError(
    'config-invalid',
    `no address is known for ${without.url}: give it \`addresses\`, or set STELLAR_ADDRESSES_FILE`,
  );
}

/** The network's name in the Gateway contract: `mainnet` for the public one, else its own. */
export const gatewayNetwork = (network: string): string => (network === 'public' ? 'mainnet' : network);
