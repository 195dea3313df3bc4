import assert from 'node:assert/strict';
import { readConfig } from '../../operator/config.ts';

const required = { STELLAR_CONNECTOR_IMAGE: 'c:1', STELLAR_SIGNER_IMAGE: 's:1' };

describe('operator configuration', () => {
  it('needs the images alone', () => {
    const { images, namespaces, healthAddress } = readConfig(required);
    assert.deepEqual(images, { connector: 'c:1', signer: 's:1', pullPolicy: 'IfNotPresent' });
    assert.deepEqual([namespaces, healthAddress], [[], { host: '::', port: 15891 }]);
    assert.throws(() => readConfig({}), /STELLAR_CONNECTOR_IMAGE: .*\n.*STELLAR_SIGNER_IMAGE/);
  });

  it('takes a list of namespaces, and refuses what is none', () => {
    assert.deepEqual(readConfig({ ...required, STELLAR_WATCH_NAMESPACES: 'a,b' }).namespaces, ['a', 'b']);
    assert.throws(
      () => readConfig({ ...required, STELLAR_WATCH_NAMESPACES: 'A/b' }),
      /STELLAR_WATCH_NAMESPACES/,
    );
  });
});
