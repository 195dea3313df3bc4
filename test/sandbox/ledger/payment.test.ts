import assert from 'node:assert/strict';
import { StrKey } from '@stellar/stellar-sdk/base';
import { MAINTAIN_LIABILITIES } from './entries.ts';
import { INT64_MAX } from './exchange.ts';
import {
  BASE_RESERVE,
  type Body,
  createWorld,
  credit,
  G,
  keyOf,
  pay,
  reaches,
  sell,
  UNIT,
  USD,
  XLM,
} from './testing.ts';

const muxed = (name: string, id: bigint): string => {
  const bytes = Buffer.alloc(40);
  bytes.set(keyOf(name).rawPublicKey());
  bytes.writeBigUInt64BE(id, 32);
  return StrKey.encodeMed25519PublicKey(bytes);
};

const payTo = (destination: string, amount: bigint): Body => ({
  payment: { destination, asset: 'native', amount },
});

describe('payment', () => {
  it('success: lumens, down to the reserve of the payer', () => {
    const world = createWorld('alice', 'bob');
    world.ok('alice', pay('bob', XLM, 1000n * UNIT - 100n - 2n * BASE_RESERVE));
    assert.equal(world.accountOf('alice').balance, 2n * BASE_RESERVE);
    assert.equal(world.accountOf('bob').balance, 2000n * UNIT - 100n - 2n * BASE_RESERVE);
  });

  it('success: an asset is made where its issuer pays and is gone where its issuer is paid', () => {
    const world = createWorld('bank', 'alice', 'bob');
    world.line('alice', USD);
    world.line('bob', USD);
    world.ok('bank', pay('alice', USD, 10n));
    world.ok('alice', pay('bob', USD, 4n), pay('bank', USD, 5n));
    assert.deepEqual([world.balance('alice', USD), world.balance('bob', USD)], [1n, 4n]);
  });

  it('success: to an M… address, whose account gets it', () => {
    const world = createWorld('alice', 'bob');
    world.ok('alice', payTo(muxed('bob', 7n), UNIT));
    assert.equal(world.accountOf('bob').balance, 1001n * UNIT);
  });

  it('success: lumens to itself, even more than there are', () => {
    const world = createWorld('alice');
    world.ok('alice', pay('alice', XLM, 2000n * UNIT), payTo(muxed('alice', 1n), 2000n * UNIT));
    assert.equal(world.accountOf('alice').balance, 1000n * UNIT - 200n);
  });

  it('success: an issuer that is gone still takes its asset back', () => {
    const world = createWorld('alice');
    world.line('alice', USD, { balance: 5n });
    world.ok('alice', pay('bank', USD, 5n));
    assert.equal(world.balance('alice', USD), 0n);
  });

  for (const amount of [0n, -1n]) {
    reaches('malformed', `an amount of ${amount}`, () => ['alice', pay('bob', XLM, amount)]);
  }
  for (const code of ['', 'A-B', 'A\\0B'])
    reaches('malformed', `an asset of code ${JSON.stringify(code)}`, () => [
      'alice',
      {
        payment: {
          destination: G('bob'),
          asset: { credit_alphanum4: { asset_code: code, issuer: G('bank') } },
          amount: 1n,
        },
      },
    ]);
  reaches('malformed', 'a short code in the long form', () => [
    'alice',
    pay('bob', credit('LONGER'), 1n),
    { patch: (hex) => hex.replace(Buffer.from('LONGER').toString('hex'), '555344000000') },
  ]);
  reaches('underfunded', 'lumens of the reserve', () => [
    'alice',
    pay('bob', XLM, 1000n * UNIT - 99n - 2n * BASE_RESERVE),
  ]);
  reaches('underfunded', 'more than the line holds', (world) => {
    for (const name of ['alice', 'bob']) world.line(name, USD, { balance: 10n });
    return ['alice', pay('bob', USD, 11n)];
  });
  reaches('underfunded', 'what an offer may have to deliver', (world) => {
    for (const name of ['alice', 'bob']) world.line(name, USD, { balance: 10n });
    world.ok('alice', sell(USD, XLM, 6n));
    return ['alice', pay('bob', USD, 5n)];
  });
  reaches('src_no_trust', 'without a line', (world) => {
    world.line('bob', USD);
    return ['alice', pay('bob', USD, 1n)];
  });
  for (const flags of [0, MAINTAIN_LIABILITIES]) {
    reaches('src_not_authorized', `from a line of flags ${flags}`, (world) => {
      world.line('alice', USD, { balance: 10n, flags });
      world.line('bob', USD);
      return ['alice', pay('bob', USD, 1n)];
    });
    reaches('not_authorized', `to a line of flags ${flags}`, (world) => {
      world.line('alice', USD, { balance: 10n });
      world.line('bob', USD, { flags });
      return ['alice', pay('bob', USD, 1n)];
    });
  }
  reaches('no_destination', 'an account that is not there', () => ['alice', pay('carol', XLM, UNIT)]);
  reaches('no_trust', 'a destination without a line', (world) => {
    world.line('alice', USD, { balance: 10n });
    return ['alice', pay('bob', USD, 1n)];
  });
  reaches('no_trust', 'is seen before what the source lacks', () => [
    'alice',
    pay('bob', credit('NONE'), 1n),
  ]);
  reaches('line_full', 'above the limit', (world) => {
    world.line('bob', USD, { balance: 7n, limit: 10n });
    return ['bank', pay('bob', USD, 4n)];
  });
  reaches('line_full', 'the room that an offer may need', (world) => {
    world.line('bob', USD, { limit: 10n });
    world.ok('bob', sell(XLM, USD, 6n));
    return ['bank', pay('bob', USD, 5n)];
  });
  reaches('line_full', 'more lumens than fit into 64 bits', (world) => {
    world.account('bob', { balance: INT64_MAX - 5n });
    return ['alice', pay('bob', XLM, 6n)];
  });
});
