import assert from 'node:assert/strict';
import {
  AUTH_CLAWBACK,
  AUTH_REQUIRED,
  AUTH_REVOCABLE,
  AUTHORIZED,
  CLAWBACK_ENABLED,
  MAINTAIN_LIABILITIES,
} from './entries.ts';
import { INT64_MAX } from './exchange.ts';
import { poolId, poolShare } from './pool.ts';
import {
  BASE_RESERVE,
  createWorld,
  credit,
  EUR,
  G,
  reaches,
  sell,
  trust,
  trustPool,
  UNIT,
  USD,
  XLM,
} from './testing.ts';

describe('change_trust', () => {
  it('success: makes a line, which counts as one entry, changes its limit, deletes it', () => {
    const world = createWorld('bank', 'alice');
    const line = () => world.state.trustline(G('alice'), USD);
    world.ok('alice', trust(USD, 10n));
    assert.deepEqual(
      [line()?.limit, line()?.flags, world.accountOf('alice').subentries],
      [10n, AUTHORIZED, 1],
    );
    world.ok('alice', trust(USD, 11n));
    assert.equal(line()?.limit, 11n);
    world.ok('alice', trust(USD, 0n));
    assert.deepEqual([line(), world.accountOf('alice').subentries], [undefined, 0]);
  });

  it("success: a line starts with what its issuer's flags say", () => {
    const world = createWorld('bank', 'alice');
    world.account('bank', { flags: AUTH_REQUIRED | AUTH_REVOCABLE | AUTH_CLAWBACK });
    world.ok('alice', trust(USD));
    assert.equal(world.state.trustline(G('alice'), USD)!.flags, CLAWBACK_ENABLED);
  });

  it('success: a line of a pool makes the pool, counts as two, and is counted by the lines of its assets', () => {
    const world = createWorld('bank', 'alice', 'bob');
    const id = poolId(EUR, USD);
    world.ok('alice', trust(USD), trust(EUR), trustPool(EUR, USD, 100n));
    assert.deepEqual([world.accountOf('alice').subentries, world.state.pool(id)?.lines], [4, 1n]);
    assert.equal(world.state.trustline(G('alice'), USD)!.poolUses, 1);
    world.ok('bank', trustPool(EUR, USD));
    assert.equal(world.state.pool(id)?.lines, 2n);
    world.ok('alice', trustPool(EUR, USD, 0n));
    world.ok('bank', trustPool(EUR, USD, 0n));
    assert.deepEqual([world.state.pool(id), world.accountOf('alice').subentries], [undefined, 2]);
    world.ok('alice', trust(USD, 0n), trust(EUR, 0n));
  });

  it('success: without its issuer a line can still be deleted', () => {
    const world = createWorld('alice');
    world.line('alice', USD);
    world.ok('alice', trust(USD, 0n));
    assert.equal(world.accountOf('alice').subentries, 0);
  });

  reaches('malformed', 'a negative limit', () => ['alice', trust(USD, -1n)]);
  reaches('malformed', 'lumens', () => ['alice', trust(XLM)]);
  reaches('malformed', 'an asset without a code', () => ['alice', trust(credit(''))]);
  reaches('malformed', 'its own asset (protocol 16)', () => ['bank', trust(USD)]);
  reaches('malformed', 'a pool in the wrong order', () => ['alice', trustPool(USD, EUR)]);
  reaches('malformed', 'a pool of one asset', () => ['alice', trustPool(USD, USD)]);
  reaches('malformed', 'a pool of another fee', () => ['alice', trustPool(EUR, USD, INT64_MAX, 31)]);
  reaches('no_issuer', 'a new line of nobody', () => ['alice', trust(credit('USD', 'carol'))]);
  reaches('no_issuer', 'another limit where the issuer is gone', (world) => {
    world.line('alice', credit('USD', 'carol'));
    return ['alice', trust(credit('USD', 'carol'), 5n)];
  });
  reaches('invalid_limit', 'below the balance', (world) => {
    world.line('alice', USD, { balance: 10n });
    return ['alice', trust(USD, 9n)];
  });
  reaches('invalid_limit', 'below the balance and what an offer may bring', (world) => {
    world.line('alice', USD, { balance: 10n });
    world.ok('alice', sell(XLM, USD, 5n));
    return ['alice', trust(USD, 14n)];
  });
  reaches('invalid_limit', 'deletes what is not there', () => ['alice', trust(USD, 0n)]);
  reaches('low_reserve', 'no reserve for a new line', (world) => {
    world.account('alice', { balance: 3n * BASE_RESERVE + 99n });
    return ['alice', trust(USD)];
  });
  reaches('low_reserve', 'only one reserve for a line of a pool', (world) => {
    world.line('alice', USD);
    world.account('alice', { balance: 5n * BASE_RESERVE + 99n });
    return ['alice', trustPool(XLM, USD)];
  });
  reaches('trust_line_missing', 'a pool of an asset without a line', (world) => {
    world.line('alice', USD);
    return ['alice', trustPool(EUR, USD)];
  });
  reaches('cannot_delete', 'a line that a pool share line uses', (world) => {
    world.line('alice', USD);
    world.ok('alice', trustPool(XLM, USD));
    return ['alice', trust(USD, 0n)];
  });
  reaches('not_auth_maintain_liabilities', 'a pool of an asset that it may not even keep', (world) => {
    world.line('alice', USD, { flags: 0 });
    return ['alice', trustPool(XLM, USD)];
  });
  reaches('op_too_many_subentries', 'a line of a pool counts as two', (world) => {
    world.line('alice', USD);
    world.account('alice', { subentries: 999, balance: 10_000n * UNIT });
    return ['alice', trustPool(XLM, USD)];
  });

  it('success: who may only keep an asset can still join its pools', () => {
    const world = createWorld('bank', 'alice');
    world.line('alice', USD, { flags: MAINTAIN_LIABILITIES });
    world.ok('alice', trustPool(XLM, USD));
    assert.ok(world.state.trustline(G('alice'), poolShare(poolId(XLM, USD))));
  });
});
