import assert from 'node:assert/strict';
import { assetToJson } from './asset.ts';
import { AUTH_REVOCABLE, AUTHORIZED, CLAWBACK_ENABLED, MAINTAIN_LIABILITIES } from './entries.ts';
import { type Body, createWorld, credit, EUR, G, reaches, sell, trustPool, USD, XLM } from './testing.ts';

const setFlags = (set_flags: number, clear_flags = 0, trustor = 'alice', asset = USD): Body => ({
  set_trust_line_flags: { trustor: G(trustor), asset: assetToJson(asset), clear_flags, set_flags },
});

describe('set_trust_line_flags', () => {
  it('success: sets and clears; clawback can only be cleared', () => {
    const world = createWorld('bank', 'alice');
    world.line('alice', USD, { flags: CLAWBACK_ENABLED });
    world.ok('bank', setFlags(AUTHORIZED, CLAWBACK_ENABLED));
    assert.equal(world.state.trustline(G('alice'), USD)!.flags, AUTHORIZED);
    world.ok('bank', setFlags(0));
    assert.equal(world.state.trustline(G('alice'), USD)!.flags, AUTHORIZED);
  });

  it('success: from keeping to holding does not need revocable', () => {
    const world = createWorld('bank', 'alice');
    world.line('alice', USD, { flags: MAINTAIN_LIABILITIES });
    world.ok('bank', setFlags(AUTHORIZED, MAINTAIN_LIABILITIES));
    assert.equal(world.state.trustline(G('alice'), USD)!.flags, AUTHORIZED);
  });

  it('success: revoking takes offers and empty pool lines away, those of another asset stay', () => {
    const world = createWorld('bank', 'alice');
    world.account('bank', { flags: AUTH_REVOCABLE });
    for (const asset of [USD, EUR]) world.line('alice', asset, { balance: 100n });
    world.ok('alice', sell(USD, XLM, 10n), sell(XLM, USD, 10n, 2), sell(EUR, XLM, 10n));
    world.ok('alice', trustPool(XLM, USD), trustPool(XLM, EUR));
    world.ok('bank', setFlags(0, AUTHORIZED));
    assert.deepEqual([...world.state.books()], [[EUR, XLM]]);
    assert.equal([...world.state.pools()].length, 1);
  });

  reaches('malformed', 'sets and clears the same', () => ['bank', setFlags(AUTHORIZED, AUTHORIZED)]);
  reaches('malformed', 'holding and keeping at once', () => ['bank', setFlags(3)]);
  reaches('malformed', 'sets clawback', () => ['bank', setFlags(CLAWBACK_ENABLED)]);
  reaches('malformed', 'clears a bit without a meaning', () => ['bank', setFlags(0, 8)]);
  reaches('malformed', 'the asset of another', () => ['bank', setFlags(1, 0, 'alice', credit('USD', 'bob'))]);
  reaches('malformed', 'lumens', () => ['bank', setFlags(1, 0, 'alice', XLM)]);
  reaches('malformed', 'its own line', () => ['bank', setFlags(1, 0, 'bank')]);
  reaches('no_trust_line', 'who has no line', () => ['bank', setFlags(AUTHORIZED)]);
  reaches('cant_revoke', 'not revocable, to nothing, before the line is looked for', () => [
    'bank',
    setFlags(0, AUTHORIZED),
  ]);
  reaches('cant_revoke', 'not revocable, from holding to keeping', (world) => {
    world.line('alice', USD);
    return ['bank', setFlags(MAINTAIN_LIABILITIES, AUTHORIZED)];
  });
  reaches('invalid_state', 'keeping is still set where holding is added', (world) => {
    world.line('alice', USD, { flags: MAINTAIN_LIABILITIES });
    return ['bank', setFlags(AUTHORIZED)];
  });
});
