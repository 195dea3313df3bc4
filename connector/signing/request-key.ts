import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../../common/errors.ts';
import type { HmacKey } from '../../common/http-signatures-hmac.ts';
import { Secret } from '../../common/secret.ts';
import { REQUEST_KEY_FILE, requestKey } from '../../sidecar/protocol.ts';
import { connectorError } from '../errors.ts';

/**
 * The key that the signer put beside its socket at its last start.
 * @throws `signer-unavailable`
 */
export async function readRequestKey(socketPath: string): Promise<HmacKey> {
  const path = join(dirname(socketPath), REQUEST_KEY_FILE);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    const why = `the signer’s key cannot be read; it writes it when it starts: ${messageOf(cause)}`;
    throw connectorError('signer-unavailable', why, { cause });
  });
  const content = requestKey.safeParse(parse(text));
  // The reason would quote the content.
  if (!content.success) throw connectorError('signer-unavailable', `${path} is not a key of the signer`);
  return { id: content.data.keyid, secret: new Secret(Buffer.from(content.data.key, 'base64')) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
