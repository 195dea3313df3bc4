/**
 * What a user wants to see: a quote, a swap, and the proof that the ledger holds a transaction whose signature was made
 * by the key in the token. Used by the stack, the demo and the node's tests alike.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { StrKey, TransactionBuilder } from '@stellar/stellar-sdk/base';
import { Agent, request } from 'undici';

export interface Pems {
  ca: string;
  cert?: string;
  key?: string;
}

/** A server that is dialled at `address` (no DNS) and checked under `host`. */
export interface Endpoint extends Pems {
  host: string;
  address: string;
  port: number;
}

export interface Market {
  chainNetwork: string;
  networkPassphrase: string;
  account: string;
  base: string;
  quote: string;
  amount: string;
}

export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers of the contract, asserted on by their readers
  body: any;
}

/** A client of one endpoint over TLS 1.3; `call` sends JSON and gives status and parsed body. */
export function clientOf(endpoint: Endpoint): {
  call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<Answer>;
  text(path: string): Promise<{ status: number; text: string }>;
  close(): Promise<void>;
} {
  const agent = new Agent({
    connect: {
      ca: endpoint.ca,
      ...(endpoint.cert === undefined ? {} : { cert: endpoint.cert }),
      ...(endpoint.key === undefined ? {} : { key: endpoint.key }),
      servername: endpoint.host,
      minVersion: 'TLSv1.3',
      lookup: (_host, _options, done) =>
        done(null, [{ address: endpoint.address, family: endpoint.address.includes(':') ? 6 : 4 }]),
    },
  });
  return {
    async call(method, path, body) {
      const answer = await request(`https://${endpoint.host}:${endpoint.port}${path}`, {
        method,
        dispatcher: agent,
        headersTimeout: 120_000,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      const text = await answer.body.text();
      return { status: answer.statusCode, body: text === '' ? undefined : JSON.parse(text) };
    },
    async text(path) {
      const answer = await request(`https://${endpoint.host}:${endpoint.port}${path}`, { dispatcher: agent });
      return { status: answer.statusCode, text: await answer.body.text() };
    },
    close: () => agent.close(),
  };
}

export interface Swap {
  hash: string;
  ledger: number;
  amountIn: string;
  amountOut: string;
}

/** SPKI header of an Ed25519 public key (RFC 8410) before its 32 bytes. */
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/** True when `signature` is that of `account` over `hash` (32 bytes). */
export function signatureVerifies(account: string, hash: Buffer, signature: Buffer): boolean {
  const spki = Buffer.concat([ED25519_SPKI, StrKey.decodeEd25519PublicKey(account)]);
  return verify(null, hash, createPublicKey({ key: spki, format: 'der', type: 'spki' }), signature);
}

/** Asks the connector for a quote and a swap (SELL `amount` of base) and looks the result up on the ledger. */
export async function quoteAndSwap(
  gateway: Endpoint,
  horizon: Endpoint,
  market: Market,
  say: (line: string) => void,
): Promise<Swap> {
  const connector = clientOf(gateway);
  const ledger = clientOf(horizon);
  try {
    const { base, quote, amount } = market;
    const query = new URLSearchParams({
      chainNetwork: market.chainNetwork,
      connector: 'sdex',
      baseToken: base,
      quoteToken: quote,
      amount,
      side: 'SELL',
    });
    const quoted = expectOk('quote', await connector.call('GET', `/trading/router/quote-swap?${query}`));
    say(`quote: sell ${amount} ${base} for ${quoted.amountOut} ${quote} (price ${quoted.price})`);
    const swapped = expectOk(
      'swap',
      await connector.call('POST', '/trading/router/execute-swap', {
        chainNetwork: market.chainNetwork,
        connector: 'sdex',
        walletAddress: market.account,
        baseToken: base,
        quoteToken: quote,
        amount: Number(amount),
        side: 'SELL',
      }),
    );
    if (swapped.status !== 1) throw new Error(`swap: status ${swapped.status}: ${JSON.stringify(swapped)}`);
    const { amountIn, amountOut, fee } = swapped.data;
    say(`swap:  sold ${amountIn} ${base}, got ${amountOut} ${quote}, fee ${fee} XLM`);
    const held = expectOk('ledger', await ledger.call('GET', `/transactions/${swapped.signature}`));
    checkSignature(held.envelope_xdr, swapped.signature, market);
    say(
      `the ledger holds it in ${held.ledger}, and its signature verifies under the token's key ${market.account}`,
    );
    return { hash: swapped.signature, ledger: held.ledger, amountIn, amountOut };
  } finally {
    await Promise.all([connector.close(), ledger.close()]);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: as Answer.body
function expectOk(what: string, { status, body }: Answer): any {
  if (status !== 200) throw new Error(`${what}: HTTP ${status}: ${JSON.stringify(body)}`);
  return body;
}

/** Recomputes the hash of the envelope that the ledger holds and verifies its one signature. */
function checkSignature(envelopeXdr: string, hash: string, market: Market): void {
  const transaction = TransactionBuilder.fromXdr(envelopeXdr, market.networkPassphrase);
  const bytes = Buffer.from(envelopeXdr, 'base64');
  // TransactionSignaturePayload: network id, envelope type, transaction; the envelope ends in its one signature
  // (count 4, hint 4, length 4, signature 64 bytes) and begins with the same type.
  const networkId = createHash('sha256').update(market.networkPassphrase).digest();
  const computed = createHash('sha256')
    .update(networkId)
    .update(bytes.subarray(0, bytes.length - 76))
    .digest();
  if (computed.toString('hex') !== hash) throw new Error(`the ledger's envelope does not hash to ${hash}`);
  if (transaction.signatures.length !== 1) throw new Error('expected exactly one signature');
  if (!signatureVerifies(market.account, computed, bytes.subarray(-64))) {
    throw new Error(`the signature does not verify under ${market.account}`);
  }
}
