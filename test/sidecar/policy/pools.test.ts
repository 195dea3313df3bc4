import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Asset, Keypair, xdr } from '@stellar/stellar-sdk';
import { poolOf } from '../../../sidecar/policy/pools.ts';
import { ISSUER } from '../transactions.ts';
import { EURC_ID, USDC_ID, XLM_USDC_POOL } from './fixtures.ts';

/** Issuers whose keys are in one order and whose texts in the other: digits come after letters in base32, before them in ASCII. */
const [LOW, HIGH] = Array.from({ length: 200 }, (_, i) =>
  Keypair.fromRawEd25519Seed(Buffer.alloc(32, i + 10)).publicKey(),
)
  .flatMap((one, i, all) => all.slice(i + 1).map((other) => [one, other] as const))
  .map(([one, other]) => (keyOf(one).compare(keyOf(other)) < 0 ? [one, other] : [other, one]))
  .find(([low, high]) => low! > high!) as [string, string];

function keyOf(account: string): Buffer {
  return Buffer.from(Keypair.fromPublicKey(account).rawPublicKey());
}

/** By the SDK's XDR, the assets in the order given. */
function idOf(a: Asset, b: Asset): string {
  const parameters = new xdr.LiquidityPoolParametersLiquidityPoolConstantProduct(
    new xdr.LiquidityPoolConstantProductParameters({
      assetA: a.toXDRObject(),
      assetB: b.toXDRObject(),
      fee: 30,
    }),
  );
  return createHash('sha256').update(parameters.toXdr()).digest('hex');
}

describe('signing policy: which pool a pair has @security', () => {
  const asset = (text: string) => {
    const [code, issuer] = text.split(':');
    return issuer === undefined ? Asset.native() : new Asset(code!, issuer);
  };
  const ordered: [string, string, string][] = [
    ['XLM first', 'XLM', USDC_ID],
    ['then short codes before long ones', `ZZZZ:${ISSUER}`, `AAAAA:${ISSUER}`],
    ['then by code', EURC_ID, USDC_ID],
    ['a shorter code first', `US:${ISSUER}`, `USD:${ISSUER}`],
    ['then by the issuer’s key, not its text', `USDC:${LOW}`, `USDC:${HIGH}`],
  ];
  for (const [name, a, b] of ordered)
    it(`takes the ledger’s order: ${name}`, () => {
      const expected = { id: idOf(asset(a), asset(b)), assets: [a, b] };
      assert.deepEqual(poolOf([a, b]), expected);
      assert.deepEqual(poolOf([b, a]), expected);
    });

  it('agrees with the SDK where that is right', () => {
    assert.equal(poolOf(['XLM', USDC_ID])!.id, XLM_USDC_POOL);
  });

  it('knows no pool of an issuer that is no key', () => {
    assert.equal(poolOf(['XLM', `USDC:${ISSUER.slice(0, -1)}A`]), undefined);
  });
});
