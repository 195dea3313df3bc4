import assert from 'node:assert/strict';
import { AUTH_IMMUTABLE } from './entries.ts';
import { INT64_MAX } from './exchange.ts';
import { type Body, createWorld, G, LEDGER, reaches, UNIT, USD } from './testing.ts';

const merge = (destination: string): Body => ({ account_merge: G(destination) });

describe('account_merge', () => {
  it('success: the balance goes over and is told, the account is gone', () => {
    const world = createWorld('alice', 'bob');
    assert.deepEqual(world.ok('alice', merge('bob')), [String(1000n * UNIT - 100n)]);
    assert.equal(world.state.account(G('alice')), undefined);
    assert.equal(world.accountOf('bob').balance, 2000n * UNIT - 100n);
  });

  it('success: signers do not keep an account', () => {
    const world = createWorld('alice', 'bob');
    world.account('alice', { subentries: 1, signers: [{ key: G('bob'), weight: 1 }] });
    world.ok('alice', merge('bob'));
    assert.equal(world.state.account(G('alice')), undefined);
  });

  reaches('malformed', 'into itself', () => ['alice', merge('alice')]);
  reaches('no_account', 'a destination that is not there', () => ['alice', merge('carol')]);
  reaches('immutable_set', 'an account whose flags never change', (world) => {
    world.account('alice', { flags: AUTH_IMMUTABLE });
    return ['alice', merge('bob')];
  });
  reaches('has_sub_entries', 'an account with a trust line', (world) => {
    world.line('alice', USD);
    return ['alice', merge('bob')];
  });
  reaches('seqnum_too_far', 'made again it could use its sequence number twice', (world) => {
    world.account('alice', { sequence: BigInt(LEDGER) << 32n });
    return ['alice', merge('bob')];
  });
  reaches('dest_full', 'more lumens than fit into 64 bits', (world) => {
    world.account('bob', { balance: INT64_MAX - UNIT });
    return ['alice', merge('bob')];
  });
  reaches('is_sponsor', 'an account that pays the reserve of another', (world) => {
    world.account('alice', { sponsoring: 1, extension: 2 });
    return ['alice', merge('bob')];
  });
});
