import * as z from 'zod';
import { keystoreFault } from '../keystore.ts';

export interface KeyVersion {
  mount: string;
  name: string;
  version: number;
}

const PUBLIC_KEY_BYTES = 32;

const keyAnswer = z.object({
  data: z.object({
    type: z.string(),
    exportable: z.boolean(),
    allow_plaintext_backup: z.boolean(),
    derived: z.boolean(),
    latest_version: z.int(),
    min_encryption_version: z.int(),
    keys: z.record(z.string(), z.unknown()),
  }),
});

const ed25519Version = z.object({ public_key: z.base64() });

/**
 * The public key (32 bytes) of one version, from the answer to `GET <mount>/keys/<name>`.
 * @throws KeystoreFault `key-unsafe` when the key can leave Vault or is not an Ed25519 key of its own, `key-missing` when
 *   the version is not there or may not sign
 */
export function publicKeyOf(answer: unknown, { mount, name, version }: KeyVersion): Buffer {
  const text = `the key ${name} of ${mount}`;
  const parsed = keyAnswer.safeParse(answer);
  if (!parsed.success) throw keystoreFault('keystore-failed', `the answer of Vault about ${text} is not one`);
  const key = parsed.data.data;
  const wrong = [
    key.type === 'ed25519' ? '' : 'type is not ed25519',
    key.exportable ? 'exportable is true' : '',
    key.allow_plaintext_backup ? 'allow_plaintext_backup is true' : '',
    key.derived ? 'derived is true' : '',
  ].filter((fault) => fault !== '');
  if (wrong.length > 0) throw keystoreFault('key-unsafe', `${text} is refused: ${wrong.join(', ')}`);
  const found = ed25519Version.safeParse(key.keys[String(version)]);
  if (!found.success)
    throw keystoreFault('key-missing', `${text} has no version ${version} (latest: ${key.latest_version})`);
  if (key.min_encryption_version > version)
    throw keystoreFault(
      'key-missing',
      `version ${version} of ${text} may not sign: min_encryption_version is ${key.min_encryption_version}`,
    );
  const publicKey = Buffer.from(found.data.public_key, 'base64');
  if (publicKey.length === PUBLIC_KEY_BYTES) return publicKey;
  throw keystoreFault('keystore-failed', `the public key of ${text} has not 32 bytes`);
}
