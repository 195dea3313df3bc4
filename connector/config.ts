import { readFileSync } from 'node:fs';
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

const environment = z.object({
  CONFIG_FILE: z.string(),
  ADDRESSES_FILE: z.string(),
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

const endpoint = z.strictObject({
  url: z
    .url({ protocol: /^https$/ })
    .refine((text) => {
      const url = new URL(text);
      return url.username === '' && url.password === '' && url.search === '' && url.hash === '';
    }, 'must have no user, query or fragment')
    .transform((text) => text.replace(/\/+$/, '')),
  spkiPins: z.array(spkiPin).min(1).optional(),
  caFile: z.string().optional(),
});

export type Endpoint = z.infer<typeof endpoint>;

const asset = z.string().transform((text, context) => {
  const parsed = parseAsset(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'must be XLM or CODE:ISSUER' });
  return z.NEVER;
});

const connectorFile = z
  .strictObject({
    network: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/),
    networkPassphrase: z.string().min(1).max(200),
    account: z.string().refine((text) => StrKey.isValidEd25519PublicKey(text), 'must be a G… account'),
    horizon: z.strictObject({
      endpoints: z.array(endpoint).min(1).max(1, 'only one server is supported by this version'),
      quorum: z.literal(1, 'only 1 is supported by this version').default(1),
    }),
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

export const readConnectorFile = (path: string): ConnectorFile =>
  parseConnectorFile(readFileSync(path, 'utf8'), path);

/** The network's name in the Gateway contract: `mainnet` for the public one, else its own. */
export const gatewayNetwork = (network: string): string => (network === 'public' ? 'mainnet' : network);
