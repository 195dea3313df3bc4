import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isDialFailure } from '../../../connector/ledger/dial.ts';
import { createTransport, type Transport } from '../../../connector/ledger/transport.ts';
import { createAuthority } from '../../certificates.ts';
import { pinOf } from '../../sandbox/tls.ts';
import { HORIZON_HOST, type HorizonDouble, startHorizon } from '../horizon-double.ts';
import { createKey } from '../software-signer.ts';

const signal = new AbortController().signal;
const root = { method: 'GET', path: '/', timeoutMs: 2_000 } as const;

describe('connector/ledger/transport', () => {
  let horizon: HorizonDouble;
  let folder: string;
  const opened: Transport[] = [];
  const events: string[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'transport-'));
    horizon = await startHorizon({ account: createKey().account });
    writeFileSync(join(folder, 'ca.pem'), horizon.ca);
  });
  afterEach(async () => {
    horizon.intercept = undefined;
    events.length = 0;
    await Promise.all(opened.splice(0).map((transport) => transport.close()));
  });
  after(async () => {
    await horizon.stop();
    rmSync(folder, { recursive: true });
  });

  const open = (
    options: { url?: string; spkiPins?: string[]; caFile?: string | undefined } = {},
    hosts?: object,
  ): Transport => {
    const transport = createTransport(
      { url: horizon.url, caFile: join(folder, 'ca.pem'), ...options },
      {
        pinMismatch: (host) => void events.push(`pin-mismatch ${host}`),
        unknownHost: (host) => void events.push(`unknown-host ${host}`),
      },
    );
    transport.setAddresses((hosts ?? { [HORIZON_HOST]: ['127.0.0.1'] }) as Record<string, string[]>);
    opened.push(transport);
    return transport;
  };

  it('asks a host that no name service knows, at the address given for it', async () => {
    const answer = await open().request(root, signal);
    assert.equal(answer.status, 200);
    assert.match(answer.body, /network_passphrase/);
  });

  it('@security takes a pin of the leaf or of the authority, and refuses a server without either', async () => {
    for (const pin of [horizon.pins.leaf, horizon.pins.ca]) {
      assert.equal(
        (await open({ spkiPins: [pinOf((await createAuthority()).cert), pin] }).request(root, signal)).status,
        200,
      );
    }
    const error = await open({ spkiPins: [pinOf((await createAuthority()).cert)] })
      .request(root, signal)
      .catch((reason: unknown) => reason);
    assert.equal((error as { code: string }).code, 'pin-mismatch');
    assert.ok(isDialFailure(error));
    assert.deepEqual(events, [`pin-mismatch ${HORIZON_HOST}`]);
  });

  it('@security a certificate that only came along in the handshake satisfies no pin', async () => {
    // The pinned authority is real, but signed nothing of this chain.
    const pinned = await createAuthority('pinned');
    const actual = await createAuthority('actual');
    const leaf = await actual.issue({ names: [HORIZON_HOST], usage: 'server' });
    const cert = `${leaf.cert}\n${pinned.cert}\n${actual.cert}`;
    const other = await startHorizon({ account: createKey().account, tls: { cert, key: leaf.key } });
    writeFileSync(join(folder, 'actual.pem'), `${actual.cert}\n${pinned.cert}`);
    const transport = open({
      url: other.url,
      caFile: join(folder, 'actual.pem'),
      spkiPins: [pinOf(pinned.cert)],
    });
    await assert.rejects(transport.request(root, signal), { code: 'pin-mismatch' });
    await other.stop();
  });

  it('@security nor does one that bears the name of the real authority', async () => {
    const [pinned, actual] = [await createAuthority('twin'), await createAuthority('twin')];
    const leaf = await actual.issue({ names: [HORIZON_HOST], usage: 'server' });
    const cert = `${leaf.cert}\n${pinned.cert}\n${actual.cert}`;
    const other = await startHorizon({ account: createKey().account, tls: { cert, key: leaf.key } });
    for (const trusted of [`${pinned.cert}\n${actual.cert}`, `${actual.cert}\n${pinned.cert}`, actual.cert]) {
      writeFileSync(join(folder, 'twins.pem'), trusted);
      const transport = open({
        url: other.url,
        caFile: join(folder, 'twins.pem'),
        spkiPins: [pinOf(pinned.cert)],
      });
      await assert.rejects(transport.request(root, signal), /matches a pin|cannot connect/);
    }
    await other.stop();
  });

  it('@security a host that the addresses file does not name is an error, never a lookup', async () => {
    for (const hosts of [{}, { 'other.test': ['127.0.0.1'] }]) {
      await assert.rejects(open({}, hosts).request(root, signal), { code: 'address-unknown' });
    }
    const literal = open({ url: `https://127.0.0.1:${horizon.port}` }, {});
    await assert.rejects(literal.request(root, signal), { code: 'address-unknown' });
    const elsewhere = open({ url: `https://127.0.0.1:${horizon.port}` }, { '127.0.0.1': ['127.0.0.2'] });
    await assert.rejects(elsewhere.request(root, signal), { code: 'address-unknown' });
    // "localhost" resolves everywhere: here it must not.
    const local = open({ url: `https://localhost:${horizon.port}` }, {});
    await assert.rejects(local.request(root, signal), { code: 'address-unknown' });
    assert.equal(events.length, 5);
  });

  it('@security an authority that is not given, and a certificate of another name, are refused', async () => {
    await assert.rejects(open({ caFile: undefined }).request(root, signal), { code: 'ledger-unreachable' });
    const named = open({ url: `https://other.test:${horizon.port}` }, { 'other.test': ['127.0.0.1'] });
    await assert.rejects(named.request(root, signal), /altnames/);
    await assert.rejects(
      open({ caFile: join(folder, 'none.pem') }).request(root, signal),
      /cannot read the authorities/,
    );
  });

  it('@security a server without TLS 1.3 is refused', async () => {
    const old = await startHorizon({ account: createKey().account, tls: { maxVersion: 'TLSv1.2' } });
    writeFileSync(join(folder, 'old.pem'), old.ca);
    await assert.rejects(open({ url: old.url, caFile: join(folder, 'old.pem') }).request(root, signal), {
      code: 'ledger-unreachable',
    });
    await old.stop();
  });

  it('@security follows no redirect', async () => {
    horizon.intercept = (_request, response) => {
      response.writeHead(302, { location: `${horizon.url}/health` }).end();
      return true;
    };
    assert.equal((await open().request(root, signal)).status, 302);
  });

  it('@security reads no endless answer and waits for no slow one', async () => {
    horizon.intercept = (_request, response) => {
      response.writeHead(200);
      response.end(Buffer.alloc(5 * 1024 * 1024, 'x'));
      return true;
    };
    await assert.rejects(open().request(root, signal), { code: 'ledger-unreachable' });
    horizon.intercept = () => true;
    const error = await open()
      .request({ ...root, timeoutMs: 50 }, signal)
      .catch((reason: unknown) => reason);
    assert.equal((error as { code: string }).code, 'ledger-unreachable');
    assert.equal(isDialFailure(error), false, 'the server may have seen it');
  });

  it('@security dials anew, and checks again, when the addresses of its host change', async () => {
    const transport = open();
    await transport.request(root, signal);
    transport.setAddresses({ [HORIZON_HOST]: ['127.0.0.2'] });
    // The double listens on 127.0.0.1 only: a kept socket would answer.
    await assert.rejects(transport.request(root, signal), { code: 'ledger-unreachable' });
    transport.setAddresses({});
    await assert.rejects(transport.request(root, signal), { code: 'address-unknown' });
    transport.setAddresses({ [HORIZON_HOST]: ['127.0.0.1'] });
    assert.equal((await transport.request(root, signal)).status, 200);
  });

  it('@security closes the sockets to the old addresses when they change', async () => {
    const closed: Promise<void>[] = [];
    horizon.intercept = (request) => {
      closed.push(new Promise((resolve) => void request.socket.once('close', () => resolve())));
      return false;
    };
    const transport = open();
    await transport.request(root, signal);
    transport.setAddresses({ [HORIZON_HOST]: ['127.0.0.2'] });
    const late = setTimeout(1_000).then(() => 'still open');
    assert.equal(await Promise.race([closed[0], late]), undefined);
  });

  it('never resumes a TLS session: a resumed one would skip the identity check', async () => {
    const reused: boolean[] = [];
    horizon.intercept = (request) => {
      reused.push((request.socket as import('node:tls').TLSSocket).isSessionReused());
      return false;
    };
    const transport = open();
    for (const hosts of [['127.0.0.1'], ['127.0.0.1', '127.0.0.2'], ['127.0.0.1']]) {
      transport.setAddresses({ [HORIZON_HOST]: hosts });
      await transport.request(root, signal);
    }
    assert.deepEqual(reused, [false, false, false]);
  });
});
