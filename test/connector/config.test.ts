import assert from 'node:assert/strict';
import { stringify } from 'yaml';
import { loadEnvironment, parseConnectorFile, requireAddresses } from '../../connector/config.ts';

const ACCOUNT = 'GCWSBR5KAS7MWM5WOZJCOMG2YDP5XJ2WYAPYGSZEKGPEEOI2CO6RA3VV';
const USDC = 'USDC:GB6AW4NE7GS76LM7HAYCPVZF2KLLMUPBS5YXEC2UEAWQ2IG4GB2FFPEB';
const PIN = `sha256/${'A'.repeat(43)}=`;

const good = () => ({
  network: 'testnet',
  networkPassphrase: 'Test SDF Network ; September 2015',
  account: ACCOUNT,
  horizon: { endpoints: [{ url: 'https://horizon-testnet.stellar.org/', spkiPins: [PIN, PIN] }], quorum: 1 },
  markets: [{ base: 'XLM', quote: USDC }],
});
const parse = (file: unknown) => parseConnectorFile(stringify(file), 'connector.yaml');

describe('connector/config', () => {
  it('reads the operator’s file and makes assets canonical', () => {
    const file = parse(good());
    assert.deepEqual(file.markets, [{ base: 'native', quote: USDC }]);
    assert.equal(file.horizon.endpoints[0]?.url, 'https://horizon-testnet.stellar.org');
  });

  const endpoint = (url: string) => ({ horizon: { endpoints: [{ url }] } });
  const faults: [name: string, change: object][] = [
    ['networkPassphrase', { networkPassphrase: 'Public Global Stellar Network ; September 2015' }],
    ['networkPassphrase', { network: 'public' }],
    ['account', { account: `${ACCOUNT.slice(0, -1)}A` }],
    ['horizon.endpoints.0.url', endpoint('http://horizon.test')],
    ['horizon.endpoints.0.url', endpoint('https://user:pass@horizon.test')],
    ['horizon.endpoints.0.url', endpoint('https://horizon.test/?x=1')],
    [
      'horizon.endpoints.0.spkiPins',
      { horizon: { endpoints: [{ url: 'https://h.test', spkiPins: ['sha256/short'] }] } },
    ],
    ['horizon.endpoints.0.spkiPins', { horizon: { endpoints: [{ url: 'https://h.test', spkiPins: [] }] } }],
    ['at least two pins', { horizon: { endpoints: [{ url: 'https://h.test', spkiPins: [PIN] }] } }],
    [
      'horizon.endpoints.0.addresses',
      { horizon: { endpoints: [{ url: 'https://h.test', addresses: ['horizon.test'] }] } },
    ],
    ['horizon.quorum', { horizon: { endpoints: [{ url: 'https://h.test' }], quorum: 2 } }],
    ['markets.0.quote', { markets: [{ base: 'XLM', quote: 'USDC' }] }],
    ['markets.0', { markets: [{ base: 'XLM', quote: 'native' }] }],
    ['markets', { markets: [] }],
    ['Unrecognized key', { colour: 'red' }],
  ];
  for (const [where, change] of faults) {
    it(`@security refuses ${JSON.stringify(change)} and names ${where}`, () => {
      assert.throws(
        () => parse({ ...good(), ...change }),
        (error: Error & { code: string }) => error.code === 'config-invalid' && error.message.includes(where),
      );
    });
  }

  it('refuses what is no YAML, and an environment without its files or with unknown variables', () => {
    assert.throws(() => parseConnectorFile('a: [', 'connector.yaml'), { code: 'config-invalid' });
    assert.throws(
      () => loadEnvironment({ STELLAR_SINGER_SOCKET: '/run/x' }),
      /STELLAR_SINGER_SOCKET: unknown/,
    );
    assert.throws(() => loadEnvironment({}), /STELLAR_SIGNER_SOCKET/);
  });

  it('@security demands addresses of every endpoint where no file gives them', () => {
    const [listed, bare] = [{ url: 'https://a.test', addresses: ['192.0.2.1'] }, { url: 'https://b.test' }];
    const file = parse({ ...good(), horizon: { endpoints: [listed] }, rpc: { endpoints: [bare] } });
    assert.throws(
      () => requireAddresses({ ADDRESSES_FILE: undefined }, file),
      /https:\/\/b\.test.*addresses/,
    );
    requireAddresses({ ADDRESSES_FILE: '/etc/addresses.json' }, file);
    requireAddresses({ ADDRESSES_FILE: undefined }, { horizon: file.horizon, rpc: undefined });
  });
});
