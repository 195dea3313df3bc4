import * as z from 'zod';
import { createVerifier, type Verifier } from '../ed25519.ts';
import { type Key, keystoreFault } from '../keystore.ts';
import { createBatches } from './batches.ts';
import type { KeyVersion } from './key.ts';
import type { Session } from './login.ts';

const SIGNATURE_BYTES = 64;
const BATCH = 32;
const MAX_WAITING = 256;

const signAnswer = z.object({
  data: z.object({ batch_results: z.array(z.object({ signature: z.string().optional() })) }),
});

/**
 * Signs with one version of a transit key. Vault's signatures are Ed25519 over the input itself; `prehashed` and
 * `hash_algorithm` are never sent, they mean different things to OpenBao and to Vault.
 */
export function createTransitKey(
  session: Pick<Session, 'use'>,
  key: KeyVersion,
  publicKey: Buffer,
): Key & { close(): Promise<void> } {
  const { mount, name, version } = key;
  const verify = createVerifier(publicKey);
  const options = { what: `a signature of the key ${name} of ${mount}`, retry: true };
  const batches = createBatches({
    async send(messages) {
      const body = {
        key_version: version,
        batch_input: messages.map((message) => ({ input: message.toString('base64') })),
      };
      const answer = await session.use((client) => client.write(`${mount}/sign/${name}`, body, options));
      return signaturesOf(answer, version, messages, verify);
    },
    size: BATCH,
    maxWaiting: MAX_WAITING,
  });
  return { publicKey, sign: batches.add, close: batches.close };
}

/** The signature or the fault of each message; nothing that does not verify, and nothing of another version. */
export function signaturesOf(
  answer: unknown,
  version: number,
  messages: readonly Buffer[],
  verify: Verifier,
): (Buffer | Error)[] {
  const parsed = signAnswer.safeParse(answer);
  const results = parsed.data?.data.batch_results;
  if (results?.length !== messages.length)
    throw keystoreFault('keystore-failed', 'the answer of Vault is not one signature for each message');
  const prefix = `vault:v${version}:`;
  return results.map(({ signature: text }, i) => {
    if (text === undefined) return keystoreFault('keystore-failed', 'Vault refused to sign with the key');
    if (!text.startsWith(prefix))
      return keystoreFault('keystore-failed', `Vault signed with another version than ${version}`);
    const signature = Buffer.from(text.slice(prefix.length), 'base64');
    return signature.length === SIGNATURE_BYTES && verify(messages[i]!, signature)
      ? signature
      : keystoreFault('keystore-failed', 'the signature of Vault does not verify');
  });
}
