import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { contentDigest, type HmacKey, signMessage } from '../../common/http-signatures-hmac.ts';
import { PROTOCOL_HEADER, PROTOCOL_VERSION, SIGN_PATH, signedRequest } from '../../sidecar/protocol.ts';

const HOST = 'signer';
const LENGTH = /\r\ncontent-length: (\d+)\r\n/i;

/**
 * One connection to the signer's socket that asks for one signature at a time and does as little as can be done: signs the
 * request, writes it in one piece, waits for the whole answer. The connector's client checks answers; here that would take the
 * cores from what is measured.
 */
export function openConnection(socketPath: string, key: HmacKey, passphrase: string) {
  const socket: Socket = connect(socketPath);
  let received = '';
  let answered: (isSigned: boolean) => void = () => undefined;
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    const end = received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = Number(LENGTH.exec(received)?.[1] ?? 0);
    if (received.length < end + 4 + length) return;
    const isSigned = received.startsWith('HTTP/1.1 200 ');
    received = '';
    answered(isSigned);
  });
  socket.on('close', () => answered(false));
  return {
    sign(envelopeXdr: string): Promise<boolean> {
      const body = Buffer.from(JSON.stringify({ envelopeXdr, networkPassphrase: passphrase }));
      const headers: Record<string, string> = {
        host: HOST,
        [PROTOCOL_HEADER]: PROTOCOL_VERSION,
        'content-type': 'application/json',
        'content-digest': contentDigest(body),
      };
      const message = { method: 'POST', target: SIGN_PATH, headers, body };
      const nonce = randomBytes(18).toString('base64url');
      const signature = signMessage(message, {
        ...signedRequest(true),
        ...{ key, now: Date.now(), lifetimeSeconds: 15, nonce },
      });
      const lines = Object.entries({ ...headers, ...signature, 'content-length': String(body.length) });
      const head = `POST ${SIGN_PATH} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
      return new Promise((resolve) => {
        answered = resolve;
        socket.write(head + body.toString('latin1'));
      });
    },
    close: () => void socket.destroy(),
  };
}
