import assert from 'node:assert/strict';
import { StrKey } from '@stellar/stellar-sdk/base';
import { assetToJson } from '../ledger/asset.ts';
import { applyLedger } from '../ledger/close.ts';
import { AUTH_REQUIRED, AUTH_REVOCABLE } from '../ledger/entries.ts';
import { poolId, poolIdToJson } from '../ledger/pool.ts';
import { UNCHANGED } from '../ledger/set_options.ts';
import { type Body, createWorld, EUR, G, transactionOf, USD, type World } from '../ledger/testing.ts';
import { START } from '../testing.ts';
import { effectsOf } from './effect_details.ts';
import { accountFields, operationsOf, participantsOf, unescaped } from './history.ts';
import { operationDetails } from './operation_details.ts';

/** What Horizon tells of one operation that succeeds in a ledger of its own. */
function told(world: World, source: string, body: Body) {
  const sequence = world.accountOf(source).sequence + 1n;
  const transaction = transactionOf(source, [body], { sequence });
  const [applied] = applyLedger(world.state, [{ transaction, baseFee: 100n }], START + 5);
  assert.equal(applied!.result.code, 'tx_success', JSON.stringify(applied!.result.operations));
  const [operation] = operationsOf(applied!);
  return {
    details: operationDetails(operation!),
    effects: effectsOf(operation!).map(({ address, type, number, details }) => [
      address,
      type,
      number,
      details,
    ]),
    participants: participantsOf(operation!),
  };
}

const usd = { asset_type: 'credit_alphanum4', asset_code: 'USD', asset_issuer: G('bank') };
const muxed = (name: string, id: bigint): string => {
  const tail = Buffer.alloc(8);
  tail.writeBigUInt64BE(id);
  return StrKey.encodeMed25519PublicKey(Buffer.concat([StrKey.decodeEd25519PublicKey(G(name)), tail]));
};

describe('operations and effects that no recording shows', () => {
  it('set_options: flags by number and name; signers by what became of them', () => {
    const world = createWorld('alice');
    const { details, effects } = told(world, 'alice', {
      set_options: {
        ...UNCHANGED,
        set_flags: AUTH_REQUIRED | AUTH_REVOCABLE,
        master_weight: 3,
        med_threshold: 2,
        home_domain: 'alice.example',
        signer: { key: G('bob'), weight: 1 },
      },
    });
    assert.deepEqual(details, {
      home_domain: 'alice.example',
      master_key_weight: 3,
      signer_key: G('bob'),
      signer_weight: 1,
      set_flags: [1, 2],
      set_flags_s: ['auth_required', 'auth_revocable'],
      med_threshold: 2,
    });
    assert.deepEqual(effects, [
      [G('alice'), 'account_home_domain_updated', 5, { home_domain: 'alice.example' }],
      [
        G('alice'),
        'account_thresholds_updated',
        4,
        { low_threshold: 0, med_threshold: 2, high_threshold: 0 },
      ],
      [G('alice'), 'account_flags_updated', 6, { auth_required_flag: true }],
      [G('alice'), 'signer_updated', 12, { weight: 3, public_key: G('alice'), key: '' }],
      [G('alice'), 'signer_created', 10, { weight: 1, public_key: G('bob'), key: '' }],
    ]);
    const gone = told(world, 'alice', {
      set_options: { ...UNCHANGED, clear_flags: AUTH_REQUIRED, signer: { key: G('bob'), weight: 0 } },
    });
    assert.deepEqual(gone.details, {
      signer_key: G('bob'),
      signer_weight: 0,
      clear_flags: [1],
      clear_flags_s: ['auth_required'],
    });
    assert.deepEqual(gone.effects, [
      [G('alice'), 'account_flags_updated', 6, { auth_required_flag: false }],
      [G('alice'), 'signer_removed', 11, { weight: 0, public_key: G('bob'), key: '' }],
    ]);
  });

  it('allow_trust and set_trust_line_flags tell the trustor and what its line may do', () => {
    const world = createWorld('bank', 'alice');
    world.account('bank', { flags: AUTH_REVOCABLE });
    world.line('alice', USD);
    const { details, effects, participants } = told(world, 'bank', {
      allow_trust: { trustor: G('alice'), asset: 'USD', authorize: 2 },
    });
    assert.deepEqual(details, {
      ...usd,
      trustee: G('bank'),
      trustor: G('alice'),
      authorize: false,
      authorize_to_maintain_liabilities: true,
    });
    assert.deepEqual(participants, [G('bank'), G('alice')]);
    const named = { trustor: G('alice'), asset_type: 'credit_alphanum4', asset_code: 'USD' };
    assert.deepEqual(effects, [
      [G('bank'), 'trustline_authorized_to_maintain_liabilities', 25, named],
      [G('bank'), 'trustline_flags_updated', 26, { ...usd, trustor: G('alice') }],
    ]);
    const none = told(world, 'bank', { allow_trust: { trustor: G('alice'), asset: 'USD', authorize: 0 } });
    assert.deepEqual(none.effects, [
      [G('bank'), 'trustline_deauthorized', 24, named],
      [G('bank'), 'trustline_flags_updated', 26, { ...usd, trustor: G('alice'), authorized_flag: false }],
    ]);
    const again = told(world, 'bank', {
      set_trust_line_flags: {
        trustor: G('alice'),
        asset: assetToJson(USD),
        clear_flags: 0,
        set_flags: 1,
      },
    });
    assert.deepEqual(again.details, {
      ...usd,
      trustor: G('alice'),
      set_flags: [1],
      set_flags_s: ['authorized'],
    });
    assert.deepEqual(again.effects, [
      [G('bank'), 'trustline_flags_updated', 26, { ...usd, trustor: G('alice'), authorized_flag: true }],
    ]);
  });

  it('account_merge: from and into with their muxed forms, and the account is gone', () => {
    const world = createWorld('alice', 'bob');
    const into = muxed('bob', 7n);
    const { details, effects, participants } = told(world, 'alice', { account_merge: into });
    assert.deepEqual(details, {
      account: G('alice'),
      into: G('bob'),
      into_muxed: into,
      into_muxed_id: '7',
    });
    assert.deepEqual(participants, [G('alice'), G('bob')]);
    const sum = { asset_type: 'native', amount: '999.9999900' };
    assert.deepEqual(effects, [
      [G('alice'), 'account_debited', 3, sum],
      [into, 'account_credited', 2, sum],
      [G('alice'), 'account_removed', 1, {}],
    ]);
  });

  it('manage_data and bump_sequence: what is removed, and what changes nothing', () => {
    const world = createWorld('alice');
    told(world, 'alice', { manage_data: { data_name: 'a', data_value: '00ff' } });
    const { details, effects } = told(world, 'alice', { manage_data: { data_name: 'a', data_value: null } });
    assert.deepEqual(details, { name: 'a', value: '' });
    assert.deepEqual(effects, [[G('alice'), 'data_removed', 41, { name: 'a' }]]);
    const to = String(world.accountOf('alice').sequence + 100n);
    const bumped = told(world, 'alice', { bump_sequence: { bump_to: to } });
    assert.deepEqual(bumped.details, { bump_to: to });
    assert.deepEqual(bumped.effects, [[G('alice'), 'sequence_bumped', 43, { new_seq: to }]]);
    assert.deepEqual(told(world, 'alice', { bump_sequence: { bump_to: '0' } }).effects, []);
  });

  it('pools: created, paid into, emptied and removed with their lines', () => {
    const world = createWorld('bank', 'alice');
    for (const asset of [USD, EUR]) world.line('alice', asset, { balance: 1_000n });
    const [a, b] = [EUR, USD];
    const id = poolId(USD, EUR);
    const trust = (limit: string): Body => ({
      change_trust: {
        line: {
          pool_share: {
            liquidity_pool_constant_product: { asset_a: assetToJson(a), asset_b: assetToJson(b), fee: 30 },
          },
        },
        limit,
      },
    });
    const line = { asset_type: 'liquidity_pool_shares', liquidity_pool_id: id };
    const made = told(world, 'alice', trust('500'));
    assert.deepEqual(made.details, { ...line, limit: '0.0000500', trustor: G('alice') });
    const reserves = (amount: string) => [a, b].map((asset) => ({ asset, amount }));
    const pool = (lines: string, stroops: string) => ({
      id,
      fee_bp: 30,
      type: 'constant_product',
      total_trustlines: lines,
      total_shares: stroops,
      reserves: reserves(stroops),
    });
    assert.deepEqual(made.effects, [
      [G('alice'), 'trustline_created', 20, { ...line, limit: '0.0000500' }],
      [G('alice'), 'liquidity_pool_created', 93, { liquidity_pool: pool('1', '0.0000000') }],
    ]);
    const one = { n: 1, d: 1 };
    told(world, 'alice', {
      liquidity_pool_deposit: {
        liquidity_pool_id: poolIdToJson(id),
        max_amount_a: '400',
        max_amount_b: '400',
        min_price: one,
        max_price: one,
      },
    });
    const out = told(world, 'alice', {
      liquidity_pool_withdraw: {
        liquidity_pool_id: poolIdToJson(id),
        amount: '400',
        min_amount_a: '1',
        min_amount_b: '1',
      },
    });
    assert.deepEqual(out.details, {
      liquidity_pool_id: id,
      reserves_min: reserves('0.0000001'),
      shares: '0.0000400',
      reserves_received: reserves('0.0000400'),
    });
    assert.deepEqual(out.effects, [
      [
        G('alice'),
        'liquidity_pool_withdrew',
        91,
        {
          liquidity_pool: pool('1', '0.0000000'),
          reserves_received: reserves('0.0000400'),
          shares_redeemed: '0.0000400',
        },
      ],
    ]);
    assert.deepEqual(told(world, 'alice', trust('0')).effects, [
      [G('alice'), 'trustline_removed', 21, { ...line, limit: '0.0000000' }],
      [G('alice'), 'liquidity_pool_removed', 94, { liquidity_pool_id: id }],
    ]);
  });

  it('an operation that failed tells no amounts of its result, and has no effects', () => {
    const world = createWorld('bank', 'alice', 'bob');
    const transaction = transactionOf('alice', [
      {
        path_payment_strict_send: {
          send_asset: 'native',
          send_amount: '10',
          destination: G('bob'),
          dest_asset: assetToJson(USD),
          dest_min: '1',
          path: [],
        },
      },
    ]);
    const [applied] = applyLedger(world.state, [{ transaction, baseFee: 100n }], START + 5);
    assert.equal(applied!.result.code, 'tx_failed');
    const { amount, source_amount } = operationDetails(operationsOf(applied!)[0]!);
    assert.deepEqual([amount, source_amount], ['0.0000000', '0.0000010']);
  });

  it('a muxed id of zero is left out, and escapes become bytes', () => {
    assert.deepEqual(accountFields('to', muxed('bob', 0n)), { to: G('bob'), to_muxed: muxed('bob', 0n) });
    assert.equal(unescaped('a\\\\b\\nc\\t\\xc3\\xa9'), 'a\\b\nc\té');
  });
});
