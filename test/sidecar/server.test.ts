import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  Asset,
  Keypair,
  Memo,
  Networks,
  Operation,
  StrKey,
  Transaction,
  TransactionBuilder,
} from '@stellar/stellar-sdk';
import { verifyFolder } from '../../sidecar/journal/verify.ts';
import { MAX_BODY_BYTES, PROTOCOL_HEADER, SIGN_PATH, signResponse } from '../../sidecar/protocol.ts';
import { sharedToken } from './shared-token.ts';
import { readKey, signRequestMessage, unsignedRequest } from './signed.ts';
import { type Answer, PASSPHRASE, type RunningSigner, startSigner } from './signer.ts';
import type { Token } from './token.ts';
import {
  buildTransaction,
  EURC,
  ISSUER,
  policyYaml,
  STRANGER,
  type SwapOptions,
  sendSwap,
  USDC,
} from './transactions.ts';

const SIGNATURES = 'stellar_signer_keystore_signatures_total{purpose="transaction"}';

/** The process as it runs in a pod, with a real token behind it. */
describe('signer over its socket @security', function () {
  this.timeout(60_000);
  let dir: string;
  let token: Token;
  let signer: RunningSigner;
  let sequence = 1_000;

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'signer-'));
    token = sharedToken();
    const policies = { 'trading.yaml': policyYaml(token.account, { signaturesPerSecond: 1000 }) };
    signer = await startSigner({ dir, token, policies });
  });
  after(async () => {
    await signer?.stop('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });

  /** The envelope of an allowed swap, with changes and a sequence number of its own. */
  const envelope = (changes: Partial<SwapOptions> = {}): string =>
    buildTransaction({ account: token.account, sequence: `${sequence++}`, ...changes }).toXDR();

  it('signs an allowed swap in the token, with a durable line before the answer', async () => {
    const built = buildTransaction({ account: token.account, sequence: `${sequence++}` });
    const answer = await signer.sign(built.toXDR());
    assert.equal(answer.status, 200);
    assert.equal(answer.headers[PROTOCOL_HEADER], '1');
    const body = signResponse.parse(answer.body);
    const signed = new Transaction(body.envelopeXdr, PASSPHRASE);
    assert.equal(signed.signatureBase().toString(), built.signatureBase().toString());
    assert.deepEqual([body.signer, body.hash], [token.account, Buffer.from(built.hash()).toString('hex')]);
    assert.equal(signed.signatures.length, 1);
    const key = createPublicKey({
      key: {
        kty: 'OKP',
        crv: 'Ed25519',
        x: Buffer.from(StrKey.decodeEd25519PublicKey(token.account)).toString('base64url'),
      },
      format: 'jwk',
    });
    assert.ok(verify(null, built.hash(), key, signed.signatures[0]!.signature.toBytes()));
    const line = signer.journal().at(-1)!;
    assert.deepEqual([line.type, line.hash, line.source], ['signed', body.hash, token.account]);
  });

  it('tells its account and network', async () => {
    const { status, body } = await signer.ask('GET', '/v1/account');
    assert.deepEqual([status, body], [200, { account: token.account, networkPassphrase: PASSPHRASE }]);
  });

  it('gives the same signature for the same transaction again, and never one for another of its sequence', async () => {
    const number = `${sequence++}`;
    const first = envelope({ sequence: number });
    const [one, two] = await Promise.all([signer.sign(first), signer.sign(first)]);
    const three = await signer.sign((one.body as { envelopeXdr: string }).envelopeXdr);
    assert.deepEqual([two.body, three.body], [one.body, one.body]);
    const other = await signer.sign(envelope({ sequence: number, fee: '101' }));
    assert.deepEqual([other.status, other.body.code], [409, 'sequence-live']);
  });

  it('signs only one of two bodies that race for a sequence', async () => {
    const number = `${sequence++}`;
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => signer.sign(envelope({ sequence: number, fee: `${100 + i}` }))),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.equal(answers.filter(({ body }) => body.code === 'sequence-live').length, 9);
  });

  const swaps = (...operations: SwapOptions['operations'] & {}) => ({ operations });
  type Refusal = [what: string, status: number, code: string, ask: () => Promise<Answer>];
  const edited = (edit: SwapOptions['edit'] & {}) => () => signer.sign(envelope({ edit }));
  const refusals: Refusal[] = [
    [
      'the passphrase of another network',
      403,
      'wrong-network',
      () => signer.ask('POST', SIGN_PATH, { envelopeXdr: envelope(), networkPassphrase: Networks.PUBLIC }),
    ],
    [
      'a signature made for another network',
      403,
      'bad-signature',
      () => {
        const built = buildTransaction({ account: token.account, passphrase: Networks.PUBLIC });
        built.sign(STRANGER);
        return signer.sign(built.toXDR());
      },
    ],
    [
      'a stranger’s signature',
      403,
      'bad-signature',
      () => {
        const built = buildTransaction({ account: token.account, sequence: `${sequence++}` });
        built.sign(STRANGER);
        return signer.sign(built.toXDR());
      },
    ],
    [
      'another source',
      403,
      'wrong-source',
      () =>
        signer.sign(
          envelope({ account: STRANGER.publicKey(), operations: [sendSwap(STRANGER.publicKey())] }),
        ),
    ],
    [
      'another source of an operation',
      403,
      'wrong-source',
      () => signer.sign(envelope(swaps(sendSwap(token.account, { source: ISSUER })))),
    ],
    [
      'a payment',
      403,
      'asset-not-allowed',
      () =>
        signer.sign(
          envelope(
            swaps(Operation.payment({ destination: ISSUER, asset: Asset.native(), amount: '1' }) as never),
          ),
        ),
    ],
    [
      'set options',
      403,
      'operation-not-allowed',
      () => signer.sign(envelope(swaps(Operation.setOptions({ masterWeight: 0 }) as never))),
    ],
    [
      'a good operation with a bad one behind it',
      403,
      'operation-not-allowed',
      () =>
        signer.sign(
          envelope(swaps(sendSwap(token.account), Operation.accountMerge({ destination: ISSUER }) as never)),
        ),
    ],
    [
      'a path payment to another',
      403,
      'asset-not-allowed',
      () => signer.sign(envelope(swaps(sendSwap(ISSUER)))),
    ],
    [
      'bytes that are no XDR',
      400,
      'malformed-envelope',
      () => signer.sign(Buffer.alloc(200, 7).toString('base64')),
    ],
    [
      'an envelope with something after it',
      400,
      'malformed-envelope',
      () =>
        signer.sign(Buffer.concat([Buffer.from(envelope(), 'base64'), Buffer.alloc(3)]).toString('base64')),
    ],
    [
      'a fee bump of what is not signed',
      403,
      'bad-signature',
      () => {
        const inner = buildTransaction({ account: token.account });
        return signer.sign(
          TransactionBuilder.buildFeeBumpTransaction(Keypair.random(), '200', inner, PASSPHRASE).toXDR(),
        );
      },
    ],
    [
      'a body that is too large',
      413,
      'body-too-large',
      () => signer.ask('POST', SIGN_PATH, { envelopeXdr: 'A'.repeat(MAX_BODY_BYTES) }),
    ],
    ['a body that is not JSON', 400, 'bad-request', () => signer.ask('POST', SIGN_PATH, '{"envelopeXdr":')],
    [
      'a body of another type',
      400,
      'bad-request',
      () => signer.ask('POST', SIGN_PATH, 'x', { 'content-type': 'text/plain' }),
    ],
    ['a raw hash', 400, 'bad-request', () => signer.ask('POST', SIGN_PATH, { hash: 'ab'.repeat(32) })],
    [
      'an unknown field',
      400,
      'bad-request',
      () => signer.ask('POST', SIGN_PATH, { envelopeXdr: envelope(), force: true }),
    ],
    [
      'another version of the protocol',
      400,
      'protocol-mismatch',
      () => signer.ask('POST', SIGN_PATH, { envelopeXdr: envelope() }, { [PROTOCOL_HEADER]: '2' }),
    ],
    [
      'an unknown endpoint',
      404,
      'not-found',
      () => signer.ask('POST', '/v1/hash/sign', { hash: 'ab'.repeat(32) }),
    ],
    ['no time bounds', 403, 'no-time-bounds', () => signer.sign(envelope({ timeout: undefined }))],
    ['time bounds that have passed', 403, 'expired', () => signer.sign(envelope({ timeout: -5 }))],
    ['time bounds too far ahead', 403, 'time-bounds-too-far', () => signer.sign(envelope({ timeout: 115 }))],
    [
      'extra signers',
      403,
      'precondition-not-allowed',
      edited((builder) => builder.setExtraSigners([ISSUER])),
    ],
    ['a memo', 403, 'memo-not-allowed', edited((builder) => builder.addMemo(Memo.text('x')))],
    ['a fee too high', 403, 'fee-too-high', () => signer.sign(envelope({ fee: '20001' }))],
    [
      'a pair that no rule lists',
      403,
      'pair-not-allowed',
      () => signer.sign(envelope(swaps(sendSwap(token.account, { destAsset: EURC })))),
    ],
    [
      'a hop that no rule lists',
      403,
      'pair-not-allowed',
      () => signer.sign(envelope(swaps(sendSwap(token.account, { path: [EURC] })))),
    ],
    [
      'the same asset on both ends',
      403,
      'pair-not-allowed',
      () =>
        signer.sign(
          envelope(
            swaps(sendSwap(token.account, { destAsset: Asset.native(), destMin: '10', path: [USDC] })),
          ),
        ),
    ],
    [
      'a price outside the collar',
      403,
      'price-out-of-collar',
      () => signer.sign(envelope(swaps(sendSwap(token.account, { destMin: '0.79' })))),
    ],
    [
      'an amount too large',
      403,
      'amount-too-large',
      () => signer.sign(envelope(swaps(sendSwap(token.account, { sendAmount: '1000.1', destMin: '100' })))),
    ],
  ];
  for (const [what, status, code, ask] of refusals)
    it(`refuses ${what}: ${code}, and signs nothing`, async () => {
      const [before, length] = [await signer.metric(SIGNATURES), signer.journal().length];
      const answer = await ask();
      assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(answer.body));
      assert.match(answer.headers['content-type'] as string, /^application\/problem\+json/);
      assert.equal(answer.headers[PROTOCOL_HEADER], '1');
      assert.equal(answer.body.type, `urn:stellar-signer:error:${code}`);
      assert.equal(answer.body.status, status);
      assert.ok(before > 0);
      assert.equal(await signer.metric(SIGNATURES), before);
      // Nobody waits for the line of a refusal.
      while (signer.journal().length === length) await delay(5);
      const lines = signer.journal().slice(length);
      assert.deepEqual(
        lines.map((line) => [line.type, line.code]),
        [['refused', code]],
      );
    });

  it('neither keeps nor answers the name of an unknown field, which may be a key sent by mistake', async () => {
    const seed = STRANGER.secret();
    const length = signer.journal().length;
    const answer = await signer.ask('POST', SIGN_PATH, { envelopeXdr: envelope(), [seed]: '' });
    assert.equal(answer.body.code, 'bad-request');
    while (signer.journal().length === length) await delay(5);
    const kept =
      readFileSync(join(dir, 'journal/journal-000000000000.jsonl'), 'utf8') + JSON.stringify(signer.log);
    assert.ok(!`${kept}${JSON.stringify(answer.body)}`.includes(seed));
    assert.ok(JSON.stringify(signer.journal().at(-1)).length < 200);
  });

  it('counts every outcome', async () => {
    assert.ok((await signer.metric('stellar_signer_requests_total{outcome="signed"}')) >= 4);
    assert.equal(await signer.metric('stellar_signer_requests_total{outcome="body-too-large"}'), 1);
  });

  it('has a socket for its group and a journal for itself alone', () => {
    assert.equal(lstatSync(signer.socket).mode & 0o7777, 0o660);
    assert.equal(lstatSync(join(dir, 'journal/journal-000000000000.jsonl')).mode & 0o777, 0o600);
  });

  it('is ready by a real signature, and shows policies and journal head', async () => {
    const before = await signer.metric('stellar_signer_keystore_signatures_total{purpose="probe"}');
    const answers = await Promise.all(Array.from({ length: 20 }, () => signer.health('/readyz')));
    assert.ok(answers.every(({ status }) => status === 200));
    const after = await signer.metric('stellar_signer_keystore_signatures_total{purpose="probe"}');
    assert.ok(after > before && after <= before + 2, `${before} → ${after}`);
    const status = JSON.parse((await signer.health('/status')).text);
    const journal = await verifyFolder(join(dir, 'journal'));
    assert.ok(journal.ok);
    assert.deepEqual(status.journal.head, journal.head);
    assert.equal(status.policies[0].name, 'trading');
  });

  it('takes a changed policy without a restart, and keeps the old one when a file is bad', async () => {
    const write = (spec: Record<string, unknown>): void =>
      writeFileSync(join(dir, 'policy/trading.yaml'), policyYaml(token.account, spec));
    const until = async (code: unknown) => {
      while ((await signer.sign(envelope())).body.code !== code) await delay(50);
    };
    write({ killSwitch: true });
    await until('kill-switch');
    write({ killSwich: false });
    while ((await signer.metric('stellar_signer_policy_fault')) !== 1) await delay(50);
    assert.equal((await signer.sign(envelope())).body.code, 'kill-switch');
    assert.match(JSON.parse((await signer.health('/status')).text).policyFault, /killSwich/);
    assert.ok(signer.journal().some(({ type }) => type === 'policies-refused'));
    rmSync(join(dir, 'policy/trading.yaml'));
    while (!/any more/.test(JSON.parse((await signer.health('/status')).text).policyFault)) await delay(50);
    assert.equal((await signer.sign(envelope())).body.code, 'kill-switch');
    write({ signaturesPerSecond: 1000 });
    await until(undefined);
  });

  it('keeps live sequences over a kill, takes the place of its dead socket, and ends cleanly', async () => {
    const number = `${sequence++}`;
    const signed = await signer.sign(envelope({ sequence: number }));
    assert.equal(signed.status, 200);
    await signer.stop('SIGKILL');
    assert.ok(existsSync(signer.socket));
    signer = await startSigner({ dir, token, policies: {} });
    const again = await signer.sign((signed.body as { envelopeXdr: string }).envelopeXdr);
    assert.deepEqual([again.status, again.body], [200, signed.body]);
    const other = await signer.sign(envelope({ sequence: number, fee: '101' }));
    assert.deepEqual([other.status, other.body.code], [409, 'sequence-live']);
    const line = signer.journal().findLast(({ type }) => type === 'signed')!;
    assert.deepEqual(line.spends, []);
    // A request whose body is still on its way when the signal comes is answered before the process ends.
    const body = JSON.stringify({ envelopeXdr: envelope() });
    const { headers } = signRequestMessage(unsignedRequest('POST', SIGN_PATH, body), readKey(signer.socket));
    const slow = request({
      ...{ socketPath: signer.socket, method: 'POST', path: SIGN_PATH },
      headers: { ...(headers as Record<string, string>), 'content-length': body.length },
    });
    const answered = once(slow, 'response');
    slow.write(body.slice(0, 10));
    await signer.ask('GET', '/v1/account');
    const ended = signer.stop();
    slow.end(body.slice(10));
    const [accepted] = (await answered) as [IncomingMessage];
    accepted.resume();
    assert.deepEqual([accepted.statusCode, await ended], [200, 0]);
    assert.ok((await verifyFolder(join(dir, 'journal'))).ok);
  });

  it('prints no PIN and no signature', () => {
    const pin = readFileSync(token.pinFile, 'utf8');
    assert.ok(!JSON.stringify(signer.log).includes(pin));
    assert.ok(!readFileSync(join(dir, 'journal/journal-000000000000.jsonl'), 'utf8').includes(pin));
  });
});
