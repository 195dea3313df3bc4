import { constants, createCipheriv, publicEncrypt, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { isCoded, messageOf } from '../../../common/errors.ts';
import type { Secret } from '../../../common/secret.ts';
import { withDeadline } from '../../../common/shutdown.ts';
import { ceremonyError } from '../../keys/errors.ts';
import { pkcs8 } from '../../keys/slip10.ts';
import type { KeyFacts, KeyStore } from '../../keys/store.ts';
import { keystoreFault } from '../keystore.ts';
import { createClient } from './client.ts';
import { publicKeyOf } from './key.ts';
import { vaultOptions } from './options.ts';
import { createTransport } from './transport.ts';

export interface CeremonyVaultOptions {
  address: string;
  namespace: string | undefined;
  mount: string | undefined;
  caFile: string | undefined;
}

/** The wrapping key is RSA-4096, and making one on the first request takes seconds. */
const DEADLINE_MS = 30_000;
/** The only one that is ever made here; the signer pins it. */
const VERSION = 1;
/** The initial value of AES Key Wrap with Padding (RFC 5649, section 3). */
const KWP_IV = Buffer.from('a65959a6', 'hex');
/** All that keeps a key in: none can be given at import or creation and taken back later. */
const LOCKED = { type: 'ed25519', exportable: false, allow_plaintext_backup: false, derived: false };

const { address, namespace, mount, key: keyName, caFile } = vaultOptions.shape;
const checks = z.object({ address, namespace, mount, caFile });

const OPTION_OF = {
  address: '--vault-address',
  namespace: '--vault-namespace',
  mount: '--vault-mount',
  caFile: '--vault-ca-file',
} as const satisfies Record<keyof CeremonyVaultOptions, string>;

function checkedName(name: string): string {
  const result = keyName.safeParse(name);
  if (result.success) return name;
  throw ceremonyError('usage', `--key ${result.error.issues[0]!.message}`);
}

const keyFacts = z.object({ data: z.record(z.string(), z.unknown()) });
const names = z.object({ data: z.object({ keys: z.array(z.string()) }) });
const signature = z.object({ data: z.object({ signature: z.string().startsWith(`vault:v${VERSION}:`) }) });
const wrappingKey = z.object({ data: z.object({ public_key: z.string() }) });

/** A transit mount, to make keys in it. @throws KeystoreFault `vault-…`, CodedError `usage` naming the option that is wrong */
export function openTransit(options: CeremonyVaultOptions, token: Secret): KeyStore {
  const result = checks.safeParse(options);
  if (!result.success) {
    const [{ path, message }] = result.error.issues as [z.core.$ZodIssue];
    throw ceremonyError('usage', `${OPTION_OF[path[0] as keyof typeof OPTION_OF]} ${message}`);
  }
  const checked = result.data;
  const ca = checked.caFile === undefined ? undefined : readCa(checked.caFile);
  const transport = createTransport({
    address: checked.address,
    ca,
    deadline: (exchange) => withDeadline(DEADLINE_MS, exchange),
    now: Date.now,
  });
  const client = createClient(checked, transport);
  // A string, because it becomes a header.
  client.token = token.reveal().toString();
  const at = (path: string): string => `${checked.mount}/${path}`;
  const keyPath = (name: string): string => at(`keys/${checkedName(name)}`);

  async function read(name: string): Promise<KeyFacts | undefined> {
    const what = `the key ${name} of ${checked.mount}`;
    let answer: unknown;
    try {
      answer = await client.read(keyPath(name), { what });
    } catch (error) {
      if (isCoded(error, 'key-missing')) return undefined;
      throw error;
    }
    return factsOf(name, answer, checked.mount);
  }

  return {
    place: `the transit mount ${checked.mount}`,
    async list(name) {
      const all = name === undefined ? await listNames() : [name];
      return (await Promise.all(all.map(read))).filter((facts) => facts !== undefined);
    },
    async generate(name) {
      await client.write(keyPath(name), LOCKED, { what: `the creation of the key ${name}` });
    },
    async importSeed(name, seed) {
      const answer = await client.read(at('wrapping_key'), { what: 'the wrapping key' });
      const { public_key: wrapWith } = parse(wrappingKey, answer, 'wrapping key').data;
      const body = {
        ...LOCKED,
        ciphertext: wrapSeed(seed, wrapWith).toString('base64'),
        hash_function: 'SHA256',
        allow_rotation: false,
      };
      await client.write(`${keyPath(name)}/import`, body, { what: `the import of the key ${name}` });
    },
    async sign(name, message) {
      const body = { input: message.toString('base64'), key_version: VERSION };
      const answer = await client.write(at(`sign/${checkedName(name)}`), body, {
        what: `a signature of the key ${name}`,
      });
      const text = parse(signature, answer, 'signature').data.signature;
      return Buffer.from(text.slice(text.lastIndexOf(':') + 1), 'base64');
    },
    random: undefined,
    close: () => transport.close(),
  };

  async function listNames(): Promise<string[]> {
    try {
      const answer = await client.list(at('keys'), { what: `the keys of ${checked.mount}` });
      return parse(names, answer, 'list of keys').data.keys;
    } catch (error) {
      if (isCoded(error, 'key-missing')) return [];
      throw error;
    }
  }
}

/**
 * What Vault's BYOK takes: a one-time AES-256 key under RSA-OAEP with SHA-256, then the PKCS#8 key under that one by AES
 * Key Wrap with Padding. Whoever reads the request learns nothing.
 */
export function wrapSeed(seed: Buffer, wrapWith: string): Buffer {
  const once = randomBytes(32);
  const plain = pkcs8(seed);
  try {
    const cipher = createCipheriv('id-aes256-wrap-pad', once, KWP_IV);
    return Buffer.concat([
      publicEncrypt({ key: wrapWith, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, once),
      cipher.update(plain),
      cipher.final(),
    ]);
  } finally {
    once.fill(0);
    plain.fill(0);
  }
}

/** The signer's own judgement of the key, and what Vault says of it. */
function factsOf(name: string, answer: unknown, mountName: string): KeyFacts {
  const facts = parse(keyFacts, answer, 'key').data;
  const attributes = Object.fromEntries(
    ['type', 'exportable', 'allow_plaintext_backup', 'derived', 'imported_key', 'latest_version'].map(
      (field) => [field, facts[field]],
    ),
  );
  try {
    const publicKey = publicKeyOf(answer, { mount: mountName, name, version: VERSION });
    return { name, publicKey, attributes, fault: undefined };
  } catch (error) {
    return { name, publicKey: undefined, attributes, fault: messageOf(error) };
  }
}

function parse<Schema extends z.ZodType>(schema: Schema, answer: unknown, what: string): z.output<Schema> {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  throw keystoreFault('keystore-failed', `the answer of Vault is not a ${what}`);
}

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw keystoreFault('vault-unreachable', `cannot read ${file}: ${messageOf(cause)}`, cause);
  }
}
