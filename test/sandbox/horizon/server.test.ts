import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import { bodyOf, exchanges, statusOf } from './recorded.ts';
import { ALICE, recordedNetwork } from './recorded_state.ts';
import { type Served, serveHorizon } from './testing.ts';

describe("Horizon's server", () => {
  let served: Served;
  before(async () => {
    served = await serveHorizon(recordedNetwork().network);
  });
  after(() => served.stop());

  const exchange = (n: number) => exchanges.find((one) => one.n === n)!;

  for (const n of [2, 158, 161, 162, 163, 164, 165, 166, 167, 277]) {
    it(`${n}: ${exchange(n).what}: status and headers as recorded`, async () => {
      const answered = await served.replay(exchange(n));
      assert.equal(answered.status, statusOf(exchange(n)));
      const ours = new Map(Object.entries(answered.headers));
      for (const [name, value] of exchange(n).response.headers) {
        const key = name.toLowerCase();
        if (key === 'content-length' && n === 277) assert.ok(Number(ours.get(key)) > 0);
        else if (key !== 'date') assert.equal(ours.get(key), value, name);
        ours.delete(key);
      }
      assert.deepEqual([...ours.keys()], []);
    });
  }

  for (const n of [2, 155, 158, 165]) {
    it(`${n}: ${exchange(n).what}: body to the byte`, async () => {
      const { body } = await served.replay(exchange(n));
      assert.equal(body, exchange(n).response.body);
    });
  }

  it('compresses what it was asked to, and nothing but success', async () => {
    const plain = await served.ask('GET', '/ledgers?limit=200');
    const zipped = await served.ask('GET', '/ledgers?limit=200', {
      'Accept-Encoding': 'deflate, gzip;q=0.5',
    });
    assert.deepEqual(gunzipSync(zipped.bytes).toString(), plain.body);
    const failed = await served.ask('GET', '/nothing', { 'Accept-Encoding': 'gzip' });
    assert.equal(failed.headers['content-encoding'], undefined);
    assert.deepEqual(JSON.parse(failed.body), bodyOf(exchange(155)));
  });

  it('lets only some methods through a preflight, with the headers that were asked for', async () => {
    const preflight = (method: string) =>
      served.ask('OPTIONS', '/transactions', {
        Origin: 'https://wallet.example',
        'Access-Control-Request-Method': method,
        'Access-Control-Request-Headers': 'x-client-name',
      });
    const [post, put] = [await preflight('POST'), await preflight('PUT')];
    assert.equal(post.headers['access-control-allow-headers'], 'x-client-name');
    assert.deepEqual([put.status, put.headers['access-control-allow-origin']], [204, undefined]);
    assert.equal((await served.ask('OPTIONS', '/transactions')).status, 405);
  });

  const form = { 'Content-Type': 'application/x-www-form-urlencoded' };

  it('an envelope beyond the limit looks like none', async () => {
    const tx = (length: number): string => `tx=${'A'.repeat(length)}`;
    const echoed = async (length: number): Promise<string> => {
      const { body } = await served.ask('POST', '/transactions', form, tx(length));
      return JSON.parse(body).extras.envelope_xdr;
    };
    assert.equal((await echoed(200 * 1024 - 3)).length, 200 * 1024 - 3);
    assert.equal(await echoed(200 * 1024 - 2), '');
    const recorded = bodyOf(exchange(257)) as { extras: unknown };
    const { body } = await served.ask('POST', '/transactions_async', form, tx(200 * 1024));
    assert.deepEqual(JSON.parse(body).extras, recorded.extras);
  });

  it('says what it takes best by weight, wildcards last', async () => {
    const typeFor = async (accept: string): Promise<string | number | undefined> => {
      const { status, headers } = await served.ask('GET', `/accounts/${ALICE}/data/config`, {
        Accept: accept,
      });
      return status === 200 ? headers['content-type'] : status;
    };
    const hal = 'application/hal+json; charset=utf-8';
    assert.equal(await typeFor('*/*'), hal);
    assert.equal(await typeFor('*/*, application/octet-stream'), 'text/plain; charset=utf-8');
    assert.equal(await typeFor('application/octet-stream;q=0.5, application/json'), hal);
    assert.equal(await typeFor('text/html, image/png'), 406);
    const raw = await served.ask('GET', '/fee_stats', { Accept: 'application/octet-stream' });
    assert.equal(raw.status, 406);
  });

  it('names the scheme and host by which it was asked in links', async () => {
    const { body } = await served.ask('GET', '/', { Host: 'horizon.example:8000' });
    assert.equal(JSON.parse(body)._links.self.href, 'http://horizon.example:8000/');
  });

  it('refuses by name what a real one serves besides', async () => {
    for (const path of [
      '/assets',
      '/claimable_balances?claimant=x',
      '/trade_aggregations',
      '/friendbot?addr=x',
    ]) {
      const { status, body } = await served.ask('GET', path);
      assert.deepEqual([status, JSON.parse(body).type], [501, 'urn:stellar-sandbox:refused'], path);
    }
    assert.equal((await served.ask('GET', `/accounts/${ALICE}/nothing`)).status, 404);
  });
});
