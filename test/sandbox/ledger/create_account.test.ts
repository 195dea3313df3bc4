import assert from 'node:assert/strict';
import { BASE_RESERVE, type Body, createWorld, G, LEDGER, reaches, sell, UNIT, USD, XLM } from './testing.ts';

const create = (destination: string, starting_balance: bigint): Body => ({
  create_account: { destination: G(destination), starting_balance },
});

describe('create_account', () => {
  it('success: moves the starting balance; the first sequence number is that of the ledger, shifted', () => {
    const world = createWorld('alice');
    world.ok('alice', create('carol', 5n * UNIT));
    const carol = world.accountOf('carol');
    assert.deepEqual([carol.balance, carol.sequence], [5n * UNIT, BigInt(LEDGER) << 32n]);
    assert.equal(world.accountOf('alice').balance, 995n * UNIT - 100n);
  });

  it('success: two base reserves are enough for the new account, and the last lumen above its own for the old', () => {
    const world = createWorld('alice');
    world.account('alice', { balance: 4n * BASE_RESERVE + 100n });
    world.ok('alice', create('carol', 2n * BASE_RESERVE));
    assert.equal(world.accountOf('alice').balance, 2n * BASE_RESERVE);
  });

  reaches('malformed', 'a negative starting balance', () => ['alice', create('carol', -1n)]);
  reaches('malformed', 'itself', () => ['alice', create('alice', UNIT)]);
  reaches('already_exist', 'an account that is there', () => ['alice', create('bob', UNIT)]);
  reaches('low_reserve', 'one stroop below two base reserves', () => [
    'alice',
    create('carol', 2n * BASE_RESERVE - 1n),
  ]);
  reaches('low_reserve', 'zero, as nobody sponsors it', () => ['alice', create('carol', 0n)]);
  reaches('underfunded', 'more than the payer has above its reserve', (world) => {
    world.account('alice', { balance: 4n * BASE_RESERVE + 99n });
    return ['alice', create('carol', 2n * BASE_RESERVE)];
  });
  reaches('underfunded', 'lumens that an offer may have to deliver', (world) => {
    world.line('alice', USD);
    world.ok('alice', sell(XLM, USD, 990n * UNIT));
    return ['alice', create('carol', 9n * UNIT)];
  });
});
