import assert from 'node:assert/strict';
import {
  fromXdrAsset,
  horizonAssetQuery,
  listTokens,
  parseAsset,
  resolveAsset,
  toXdrAsset,
} from '../../../connector/market/asset.ts';

const ISSUER = 'GB6AW4NE7GS76LM7HAYCPVZF2KLLMUPBS5YXEC2UEAWQ2IG4GB2FFPEB';
const OTHER = 'GCWSBR5KAS7MWM5WOZJCOMG2YDP5XJ2WYAPYGSZEKGPEEOI2CO6RA3VV';
const USDC = `USDC:${ISSUER}`;

describe('connector/market/asset', () => {
  it('knows native by both its names and credits by code and a valid issuer', () => {
    assert.equal(parseAsset('XLM'), 'native');
    assert.equal(parseAsset('native'), 'native');
    assert.equal(parseAsset(USDC), USDC);
    for (const text of [
      'USDC',
      `USDC:${ISSUER.slice(0, -1)}A`,
      `TOOLONGCODE13:${ISSUER}`,
      `:${ISSUER}`,
      `US-D:${ISSUER}`,
    ]) {
      assert.equal(parseAsset(text), undefined, text);
    }
  });

  it('gives a code as symbol only where one listed asset has it', () => {
    const one = listTokens([{ base: 'native', quote: USDC }]);
    assert.deepEqual(
      one.map(({ symbol, address, decimals }) => [symbol, address, decimals]),
      [
        ['XLM', 'native', 7],
        ['USDC', USDC, 7],
      ],
    );
    const two = listTokens([
      { base: 'native', quote: USDC },
      { base: 'native', quote: `USDC:${OTHER}` },
    ]);
    assert.deepEqual(
      two.map(({ symbol }) => symbol),
      ['XLM', USDC, `USDC:${OTHER}`],
    );
    assert.throws(() => resolveAsset('USDC', two, 'baseToken'), {
      code: 'invalid-params',
      field: 'baseToken',
    });
  });

  it('@security never means a look-alike of an unlisted issuer by a bare code', () => {
    const tokens = listTokens([{ base: 'native', quote: USDC }]);
    assert.equal(resolveAsset('USDC', tokens, 'quoteToken'), USDC);
    assert.equal(resolveAsset(`USDC:${OTHER}`, tokens, 'quoteToken'), `USDC:${OTHER}`);
    for (const text of ['usdc', 'USDС', 'EURC', 'XLM:']) {
      assert.throws(() => resolveAsset(text, tokens, 'quoteToken'), { code: 'invalid-params' }, text);
    }
    // An asset that calls itself XLM is not native.
    assert.equal(
      resolveAsset('XLM', listTokens([{ base: `XLM:${OTHER}`, quote: USDC }]), 'baseToken'),
      'native',
    );
  });

  it('writes and reads XDR and Horizon’s query form', () => {
    for (const asset of ['native', USDC, `LONGEURTOKN:${ISSUER}`]) {
      assert.equal(fromXdrAsset(toXdrAsset(asset)), asset);
    }
    assert.deepEqual(horizonAssetQuery('selling', 'native'), { selling_asset_type: 'native' });
    assert.deepEqual(horizonAssetQuery('buying', `LONGEURTOKN:${ISSUER}`), {
      buying_asset_type: 'credit_alphanum12',
      buying_asset_code: 'LONGEURTOKN',
      buying_asset_issuer: ISSUER,
    });
  });
});
