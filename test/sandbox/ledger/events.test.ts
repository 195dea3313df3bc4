import assert from 'node:assert/strict';
import { Asset, MuxedAccount, Account as SdkAccount, xdr } from '@stellar/stellar-sdk/base';
import { PASSPHRASE, START } from '../testing.ts';
import { assetToJson } from './asset.ts';
import { type AppliedTransaction, applyLedger } from './close.ts';
import type { Memo } from './envelope.ts';
import { operationEvents, transactionEvents } from './events.ts';
import { poolId, poolIdToJson, poolShare } from './pool.ts';
import {
  createWorld,
  EUR,
  G,
  manageSell,
  type Step,
  transactionOf,
  USD,
  type World,
  XLM,
} from './testing.ts';

const NAMES = ['bank', 'alice', 'bob', 'carol'];

interface EventJson {
  contract_id: string;
  type: string;
  body: { v0: { topics: Record<string, string>[]; data: Record<string, never> } };
}

function apply(world: World, source: string, steps: Step[], memo?: Memo): AppliedTransaction {
  world.state.commit();
  const sequence = world.accountOf(source).sequence + 1n;
  const transaction = { ...transactionOf(source, steps, { sequence }), ...(memo && { memo }) };
  const [applied] = applyLedger(world.state, [{ transaction, baseFee: 100n }], START + 5);
  return applied!;
}

/** An event in one line, accounts by their names. */
function line(event: unknown, names: Record<string, string> = {}): string {
  const { contract_id, body } = xdr.ContractEvent.fromJson(event as never).toJson() as unknown as EventJson;
  const { topics, data } = body.v0;
  const texts = topics.map((topic) => topic.symbol ?? topic.string ?? topic.address!);
  const named = texts.map((text) => NAMES.find((name) => text === G(name)) ?? names[text] ?? text);
  const asset = texts[0] === 'fee' ? XLM : named.at(-1)!;
  const [code, issuer] = asset.split(':');
  const contract = asset === XLM ? Asset.native() : new Asset(code!, issuer!);
  assert.equal(contract_id, contract.contractId(PASSPHRASE));
  const value = 'map' in data ? JSON.stringify(data.map) : Object.values(data)[0];
  return [...named.map((text) => text.replace(`:${G('bank')}`, '')), value].join(' ');
}

const lines = (applied: AppliedTransaction, names?: Record<string, string>): string[][] =>
  operationEvents(applied).map((events) => events.map((event) => line(event, names)));

/** Alice and bob hold dollars and euros. */
function world(): World {
  const made = createWorld('bank', 'alice', 'bob');
  for (const name of ['alice', 'bob']) {
    made.line(name, USD, { balance: 1000n });
    made.line(name, EUR, { balance: 1000n });
  }
  return made;
}

const pay = (to: string, asset = USD, amount = 10n): Step => ({
  payment: { destination: to, asset: assetToJson(asset), amount },
});

describe('events of the asset contracts', () => {
  it('tell the fee, of whoever paid it', () => {
    const applied = apply(world(), 'alice', [pay(G('bob'))]);
    const [fee, ...more] = transactionEvents(applied) as { stage: string; event: unknown }[];
    assert.deepEqual([fee!.stage, line(fee!.event), more], ['before_all_txs', 'fee alice 100', []]);
    const free = { ...applied, result: { ...applied.result, feeCharged: 0n } };
    assert.deepEqual(transactionEvents(free), []);
  });

  it('are a transfer, a mint or a burn of a payment', () => {
    const made = world();
    const steps = [
      pay(G('bob')),
      { from: 'bank', body: pay(G('bob')) as never },
      pay(G('bank')),
      pay(G('bob'), XLM),
    ];
    assert.deepEqual(lines(apply(made, 'alice', steps)), [
      ['transfer alice bob USD 10'],
      ['mint bob USD 10'],
      ['burn alice USD 10'],
      ['transfer alice bob native 10'],
    ]);
    assert.deepEqual(lines(apply(made, 'bank', [pay(G('bank'))])), [['transfer bank bank USD 10']]);
  });

  it('name whom at the destination it is for: the number of its address, else the memo', () => {
    const muxed = new MuxedAccount(new SdkAccount(G('bob'), '0'), '7').accountId();
    const map = (id: string): string =>
      `[{"key":{"symbol":"amount"},"val":{"i128":"10"}},{"key":{"symbol":"to_muxed_id"},"val":${id}}]`;
    const hash = Buffer.alloc(32, 1);
    const cases: [string, Memo, string][] = [
      [muxed, { type: 'id', value: 5n }, '{"u64":"7"}'],
      [G('bob'), { type: 'id', value: 5n }, '{"u64":"5"}'],
      [G('bob'), { type: 'text', value: Buffer.from('a\n') }, '{"string":"a\\\\n"}'],
      [G('bob'), { type: 'return', value: hash }, `{"bytes":"${hash.toString('hex')}"}`],
    ];
    for (const [to, memo, id] of cases)
      assert.deepEqual(lines(apply(world(), 'alice', [pay(to)], memo)), [
        [`transfer alice bob USD ${map(id)}`],
      ]);
    const toIssuer = apply(world(), 'alice', [pay(G('bank'))], { type: 'id', value: 5n });
    assert.deepEqual(lines(toIssuer), [['burn alice USD 10']]);
  });

  it('are two of each trade, and a transfer of what a path payment brought', () => {
    const made = world();
    made.ok('bob', manageSell({ selling: EUR, buying: USD, amount: 100n, price: { n: 2, d: 1 } }));
    const path: Step = {
      path_payment_strict_send: {
        ...{ send_asset: assetToJson(USD), send_amount: 20n, destination: G('alice') },
        ...{ dest_asset: assetToJson(EUR), dest_min: 1n, path: [] },
      },
    };
    const offer = manageSell({ selling: USD, buying: EUR, amount: 40n, price: { n: 1, d: 2 } });
    const memo: Memo = { type: 'none', value: undefined };
    assert.deepEqual(lines(apply(made, 'alice', [path, offer], memo)), [
      ['transfer alice bob USD 20', 'transfer bob alice EUR 10', 'transfer alice alice EUR 10'],
      ['transfer alice bob USD 40', 'transfer bob alice EUR 20'],
    ]);
  });

  it('are a transfer of what an account begins and ends with', () => {
    const made = world();
    const create: Step = { create_account: { destination: G('carol'), starting_balance: 50_000_000n } };
    assert.deepEqual(lines(apply(made, 'alice', [create])), [['transfer alice carol native 50000000']]);
    made.account('carol', { sequence: 1n });
    const merge = { account_merge: G('bob') };
    assert.deepEqual(lines(apply(made, 'carol', [merge])), [['transfer carol bob native 49999900']]);
  });

  it('lead into a pool and out of it', () => {
    const made = world();
    const id = poolId(EUR, USD);
    const liquidity_pool_id = poolIdToJson(id);
    const share = {
      liquidity_pool_constant_product: { asset_a: assetToJson(EUR), asset_b: assetToJson(USD), fee: 30 },
    };
    made.ok('alice', { change_trust: { line: { pool_share: share }, limit: 1000n } });
    const price = { n: 1, d: 1 };
    const deposit: Step = {
      liquidity_pool_deposit: {
        liquidity_pool_id,
        max_amount_a: 100n,
        max_amount_b: 100n,
        min_price: price,
        max_price: price,
      },
    };
    const names = { [liquidity_pool_id]: 'pool' };
    assert.deepEqual(lines(apply(made, 'alice', [deposit]), names), [
      ['transfer alice pool EUR 100', 'transfer alice pool USD 100'],
    ]);
    assert.equal(made.balance('alice', poolShare(id)), 100n);
    const withdraw: Step = {
      liquidity_pool_withdraw: { liquidity_pool_id, amount: 40n, min_amount_a: 0n, min_amount_b: 0n },
    };
    assert.deepEqual(lines(apply(made, 'alice', [withdraw]), names), [
      ['transfer pool alice EUR 40', 'transfer pool alice USD 40'],
    ]);
  });

  it('tell that a trust line was authorized or no longer is', () => {
    const made = world();
    made.account('bank', { flags: 3 });
    const allow = (authorize: number): Step => ({
      allow_trust: { trustor: G('alice'), asset: 'USD', authorize },
    });
    assert.deepEqual(lines(apply(made, 'bank', [allow(2), allow(0), allow(1)])), [
      ['set_authorized alice USD false'],
      [],
      ['set_authorized alice USD true'],
    ]);
  });

  it('are none of a failed transaction but the fee, and none of what moves nothing', () => {
    const failed = apply(world(), 'alice', [pay(G('bob'), USD, 5000n)]);
    assert.deepEqual([lines(failed), transactionEvents(failed).length], [[], 1]);
    assert.deepEqual(lines(apply(world(), 'alice', [{ bump_sequence: { bump_to: 0n } }])), [[]]);
  });
});
