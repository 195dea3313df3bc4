import assert from 'node:assert/strict';
import {
  AUTH_REQUIRED,
  AUTH_REVOCABLE,
  AUTHORIZED,
  CLAWBACK_ENABLED,
  MAINTAIN_LIABILITIES,
} from './entries.ts';
import { type Body, createWorld, G, reaches, sell, trustPool, UNIT, USD, withPool, XLM } from './testing.ts';

const allow = (trustor: string, authorize: number, asset = 'USD'): Body => ({
  allow_trust: { trustor: G(trustor), asset, authorize },
});
const REVOCABLE = AUTH_REQUIRED | AUTH_REVOCABLE;

describe('allow_trust', () => {
  it('success: authorizes, keeps what the line has besides', () => {
    const world = createWorld('bank', 'alice');
    world.line('alice', USD, { flags: CLAWBACK_ENABLED });
    world.ok('bank', allow('alice', AUTHORIZED));
    assert.equal(world.state.trustline(G('alice'), USD)!.flags, CLAWBACK_ENABLED | AUTHORIZED);
  });

  it('success: without revocable it raises from keeping to holding', () => {
    const world = createWorld('bank', 'alice');
    world.line('alice', USD, { flags: MAINTAIN_LIABILITIES });
    world.ok('bank', allow('alice', AUTHORIZED));
    assert.equal(world.state.trustline(G('alice'), USD)!.flags, AUTHORIZED);
  });

  it('success: keeping lets offers stand, revoking takes them away on both sides, and empty pool lines (CAP-0038)', () => {
    const world = createWorld('bank', 'alice');
    world.account('bank', { flags: REVOCABLE });
    world.line('alice', USD, { balance: 100n });
    world.ok('alice', trustPool(XLM, USD), sell(USD, XLM, 10n), sell(XLM, USD, 10n, 2));
    world.ok('bank', allow('alice', MAINTAIN_LIABILITIES));
    assert.equal(world.accountOf('alice').subentries, 5);
    world.ok('bank', allow('alice', 0));
    const line = world.state.trustline(G('alice'), USD)!;
    assert.deepEqual([line.flags, line.balance, line.poolUses], [0, 100n, 0]);
    assert.deepEqual([[...world.state.books()], world.accountOf('alice').subentries], [[], 1]);
  });

  it('refuses by name to turn pool shares into claimable balances', () => {
    const world = createWorld('bank', 'alice');
    world.account('bank', { flags: REVOCABLE });
    withPool(world, 'alice', XLM, USD, UNIT, UNIT);
    assert.throws(() => world.run('bank', [allow('alice', 0)]), {
      name: 'Refused',
      what: 'claimable_balance',
    });
  });

  reaches('malformed', 'holding and keeping at once', () => ['bank', allow('alice', 3)]);
  reaches('malformed', 'another flag', () => ['bank', allow('alice', CLAWBACK_ENABLED)]);
  reaches('malformed', 'its own line (protocol 16)', () => ['bank', allow('bank', AUTHORIZED)]);
  reaches('malformed', 'no code', () => ['bank', allow('alice', AUTHORIZED, '')]);
  reaches('no_trust_line', 'who has no line', () => ['bank', allow('alice', AUTHORIZED)]);
  reaches('cant_revoke', 'not revocable, to nothing, before the line is looked for', () => [
    'bank',
    allow('alice', 0),
  ]);
  reaches('cant_revoke', 'not revocable, from holding to keeping (CAP-0018)', (world) => {
    world.line('alice', USD);
    return ['bank', allow('alice', MAINTAIN_LIABILITIES)];
  });
});
