import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { StrKey } from '@stellar/stellar-sdk/base';
import * as xdr from '@stellar/stellar-sdk/xdr';
import { close, listen } from '../../common/http.ts';
import { contentDigest, signMessage, verifyMessage } from '../../common/http-signatures-hmac.ts';
import { createRequestKey, writeRequestKey } from '../../sidecar/auth/key.ts';
import {
  ACCOUNT_PATH,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  SIGN_PATH,
  SIGNATURE_LIMITS,
  type SignResponse,
  signedAnswer,
  signedRequest,
  signRequest,
} from '../../sidecar/protocol.ts';

export interface SoftwareKey {
  account: string;
  privateKey: KeyObject;
}

export function createKey(): SoftwareKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const bytes = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  return { account: StrKey.encodeEd25519PublicKey(bytes), privateKey };
}

/** A refusal of the signer, as its problem document. */
export interface SignerRefusal {
  status: number;
  code: string;
  title: string;
  detail: string;
}

export interface SignerBehaviour {
  /** Changes what is answered; called with the right answer. */
  tamper?: (
    answer: SignResponse,
    envelope: xdr.TransactionEnvelopeTx,
  ) => SignResponse | Promise<SignResponse>;
  refuse?: (call: number) => SignerRefusal | undefined;
  /** What `/v1/account` says in place of the truth. */
  account?: string;
  networkPassphrase?: string;
  protocol?: string;
}

export interface SoftwareSigner {
  behaviour: SignerBehaviour;
  /** Envelopes that were asked to be signed. */
  asked: string[];
  stop(): Promise<void>;
}

export function decodeEnvelope(envelopeXdr: string): xdr.TransactionEnvelopeTx {
  const envelope = xdr.TransactionEnvelope.fromXdr(envelopeXdr, 'base64');
  if (envelope.type !== 'envelopeTypeTx') throw new Error(`unexpected ${envelope.type}`);
  return envelope;
}

export function hashOf(tx: xdr.Transaction, networkPassphrase: string): Buffer {
  const networkId = createHash('sha256').update(networkPassphrase).digest();
  return createHash('sha256')
    .update(networkId)
    .update(Buffer.from([0, 0, 0, 2]))
    .update(tx.toXdr())
    .digest();
}

export function signature(hash: Buffer, { account, privateKey }: SoftwareKey): xdr.DecoratedSignature {
  const publicKey = StrKey.decodeEd25519PublicKey(account);
  return new xdr.DecoratedSignature({ hint: publicKey.slice(28), signature: sign(null, hash, privateKey) });
}

export function withSignatures(tx: xdr.Transaction, signatures: xdr.DecoratedSignature[]): string {
  return xdr.TransactionEnvelope.envelopeTypeTx(new xdr.TransactionV1Envelope({ tx, signatures })).toXdr(
    'base64',
  );
}

/** The signer's protocol over a key in memory, written apart from the real one, and able to misbehave. */
export async function startSoftwareSigner(
  socketPath: string,
  key: SoftwareKey,
  networkPassphrase: string,
): Promise<SoftwareSigner> {
  const signer: Omit<SoftwareSigner, 'stop'> = { behaviour: {}, asked: [] };

  const answer = async (url: string | undefined, body: string): Promise<[status: number, body: unknown]> => {
    const { tamper, refuse, ...claims } = signer.behaviour;
    if (url === ACCOUNT_PATH) {
      const { account, networkPassphrase: network } = claims;
      return [200, { account: account ?? key.account, networkPassphrase: network ?? networkPassphrase }];
    }
    if (url !== SIGN_PATH) throw new Error(`unexpected ${url}`);
    const { envelopeXdr } = signRequest.parse(JSON.parse(body));
    signer.asked.push(envelopeXdr);
    const refusal = refuse?.(signer.asked.length);
    if (refusal) return [refusal.status, { type: `urn:stellar-signer:error:${refusal.code}`, ...refusal }];
    const envelope = decodeEnvelope(envelopeXdr);
    const { tx } = envelope.v1;
    const hash = hashOf(tx, networkPassphrase);
    const right: SignResponse = {
      envelopeXdr: withSignatures(tx, [signature(hash, key)]),
      hash: hash.toString('hex'),
      signer: key.account,
    };
    return [200, tamper ? await tamper(right, envelope) : right];
  };

  const requestKey = createRequestKey();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const asked = { method: request.method!, target: request.url!, headers: request.headers };
      const content = Buffer.concat(chunks);
      const hasBody = content.length > 0;
      const { nonce } = verifyMessage(
        { ...asked, body: content },
        { ...signedRequest(hasBody), ...SIGNATURE_LIMITS, key: requestKey, now: Date.now() },
      );
      const version = request.headers[PROTOCOL_HEADER] === PROTOCOL_VERSION;
      const [status, value] = version
        ? await answer(request.url, content.toString())
        : [400, { code: 'protocol-mismatch' }];
      const body = Buffer.from(JSON.stringify(value));
      const headers = {
        [PROTOCOL_HEADER]: signer.behaviour.protocol ?? PROTOCOL_VERSION,
        'content-type': 'application/json',
        'content-digest': contentDigest(body),
      };
      const signature = signMessage(
        { status, headers },
        {
          ...signedAnswer(hasBody),
          ...{ key: requestKey, now: Date.now(), lifetimeSeconds: 15, nonce, request: asked },
        },
      );
      response.writeHead(status, { ...headers, ...signature });
      response.end(body);
    });
  });
  writeRequestKey(socketPath, requestKey);
  await listen(server, { path: socketPath });
  return Object.assign(signer, { stop: () => close(server, 100) });
}
