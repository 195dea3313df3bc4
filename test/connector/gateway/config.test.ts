import assert from 'node:assert/strict';
import { routes } from '../../../connector/gateway/routes/index.ts';
import { ACCOUNT, PATH, type Rig, startRig, swapBody } from './rig.ts';

describe('connector/gateway: preferences, wallet, restart and the document', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await startRig();
  });
  afterEach(() => rig.stop());
  const set = (namespace: string, path: string, value: unknown) =>
    rig.call('POST', '/config/update', { namespace, path, value });
  const config = async (namespace: string) => (await rig.call('GET', `/config?namespace=${namespace}`)).body;

  it('a preference is set, shown, used and kept', async () => {
    assert.deepEqual((await set('stellar-testnet', 'swapProvider', 'stellar-amm/amm')).body, {
      message: "Configuration updated successfully: 'stellar-testnet.swapProvider'",
    });
    await set('sdex', 'slippagePct', 0.25);
    await set('stellar', 'defaultNetwork', 'testnet');
    const restarted = await rig.call('POST', '/restart', {});
    assert.deepEqual([restarted.status, restarted.text, rig.reloads], [200, '', 1]);
    rig.restart();
    assert.equal((await config('stellar-testnet')).swapProvider, 'stellar-amm/amm');
    assert.equal((await rig.call('GET', '/chains/stellar/status')).body.swapProvider, 'stellar-amm/amm');
    assert.deepEqual(await config('sdex'), { slippagePct: '0.25' });
    assert.deepEqual(await config('stellar-amm'), { slippagePct: '1' });
    const swap = await rig.call('POST', PATH, swapBody());
    assert.equal(swap.body.data.slippagePct, '0.25');
  });

  it('@security what the StellarConnector declares is refused with the name of its field', async () => {
    for (const [namespace, path, value, field] of [
      ['stellar', 'defaultNetwork', 'mainnet', 'spec.network'],
      ['stellar', 'defaultWallet', ACCOUNT, 'spec.account'],
      ['stellar-testnet', 'nodeURL', 'https://evil.example', 'spec.horizon.endpoints'],
      ['server', 'certificatePath', '/tmp', 'spec.gateway.tls'],
    ]) {
      const { status, body } = await set(namespace!, path!, value);
      assert.deepEqual([status, body.code], [400, 'INVALID_PARAMS']);
      assert.ok(body.message.includes(field), body.message);
      assert.ok(!body.message.includes('evil'));
    }
    assert.equal((await config('stellar-testnet')).nodeURL, 'https://horizon.example');
  });

  it('a value or a path that means nothing is refused', async () => {
    for (const [namespace, path, value] of [
      ['sdex', 'slippagePct', 101],
      ['sdex', 'slippagePct', 'much'],
      ['sdex', 'slippagePct', true],
      ['stellar-testnet', 'swapProvider', 'jupiter/router'],
      ['sdex', 'colour', 'red'],
      ['__proto__', 'toString', 'x'],
      ['sdex', 'constructor', 'x'],
    ]) {
      assert.equal((await set(String(namespace), String(path), value)).status, 400, `${namespace}.${path}`);
    }
  });

  it('the signer’s account may be named as a hardware wallet and as the default; nothing changes by it', async () => {
    const hardware = { chain: 'stellar', address: ACCOUNT, setDefault: true };
    const { status, body } = await rig.call('POST', '/wallet/add-hardware', hardware);
    assert.equal(status, 200);
    assert.deepEqual([body.address, body.publicKey, body.derivationPath], [ACCOUNT, ACCOUNT, '']);
    assert.deepEqual(Object.keys(body), ['address', 'publicKey', 'derivationPath', 'message']);
    assert.deepEqual(
      (await rig.call('POST', '/wallet/setDefault', { chain: 'stellar', address: ACCOUNT })).body,
      {
        ...{ message: `Successfully set default wallet for stellar to ${ACCOUNT}`, chain: 'stellar' },
        address: ACCOUNT,
      },
    );
  });

  it('@security any other account is refused, and a key wherever it stands', async () => {
    const other = 'GCWSBR5KAS7MWM5WOZJCOMG2YDP5XJ2WYAPYGSZEKGPEEOI2CO6RA3VV';
    for (const path of ['/wallet/add-hardware', '/wallet/setDefault']) {
      for (const [fields, code] of [
        [{ address: other }, 'KEYS_REFUSED'],
        [{ address: ACCOUNT, privateKey: 'secret-words' }, 'KEYS_REFUSED'],
        [{ address: ACCOUNT, mnemonic: 'secret-words' }, 'INVALID_PARAMS'],
        [{ address: ACCOUNT, chain: 'solana' }, 'INVALID_PARAMS'],
        [{}, 'INVALID_PARAMS'],
      ] as const) {
        const { body, text } = await rig.call('POST', path, { chain: 'stellar', ...fields });
        assert.equal(body.code, code);
        assert.ok(!text.includes('secret-words') && !rig.log.join('').includes('secret-words'));
      }
    }
  });

  it('the document holds every route with its parameters, body and answer', async () => {
    const { body } = await rig.call('GET', '/docs/json');
    assert.equal(body.openapi, '3.1.0');
    for (const { method, path, query, body: input } of routes.filter(
      (one) => !one.path.startsWith('/docs'),
    )) {
      const operation = body.paths[path.replace(/:(\w+)/g, '{$1}')]?.[method];
      assert.ok(operation, `${method} ${path}`);
      assert.ok(operation.summary.length > 5, `${path} says what it does`);
      assert.equal(operation.requestBody !== undefined, input !== undefined);
      assert.ok(query === undefined || operation.parameters.length > 0);
      for (const name of path.match(/:\w+/g) ?? []) {
        const found = operation.parameters.find((one: { name: string }) => one.name === name.slice(1));
        assert.deepEqual([found.in, found.required], ['path', true]);
      }
    }
    const swap = body.paths['/trading/router/execute-swap'].post;
    const { schema } = swap.requestBody.content['application/json'];
    assert.equal(schema.additionalProperties, false);
    assert.deepEqual(schema.properties.side.enum, ['BUY', 'SELL']);
    assert.ok(swap.responses[200].content['application/json'].schema.properties.signature);
    const ids = Object.values(body.paths).flatMap((path) =>
      Object.values(path as object).map(({ operationId }) => operationId),
    );
    assert.equal(new Set(ids).size, ids.length);
    assert.match((await rig.call('GET', '/docs')).text, /execute-swap/);
  });
});
