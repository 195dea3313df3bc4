import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AUTH_REQUIRED, AUTH_REVOCABLE, MAINTAIN_LIABILITIES } from './ledger/entries.ts';
import { dataOf, trustlinesOf } from './ledger/entries_of.ts';
import { TOTAL_COINS } from './ledger/header.ts';
import { createMarket, loadScenario } from './scenario.ts';
import { book, keyOf, maker, START, scenario, trader } from './testing.ts';

const MARKET = join(import.meta.dirname, 'scenarios/market.yaml');
const POOLS = join(import.meta.dirname, 'scenarios/pools.yaml');
const ACCOUNTS = `
networkPassphrase: x
maxTxSetSize: 50
baseFee: 250
accounts:
  - name: own
    seed: own seed
    balance: '100'
    flags: [required, revocable]
    homeDomain: own.test
    thresholds: { master: 2, medium: 2, high: 3 }
    signers: [{ key: maker, weight: 1 }]
    data: { config: hi }
  - name: maker
    address: ${maker.publicKey()}
    balance: '100'
    trustlines: [{ asset: 'USD:own', balance: '5', flags: [maintain_liabilities] }]
`;

describe('scenarios', () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'scenario-'));
  });
  after(() => rm(dir, { recursive: true }));

  const inFile = async (yaml: string) => {
    const file = join(dir, 'scenario.yaml');
    await writeFile(file, yaml);
    return loadScenario(file, undefined);
  };

  it('the default market has ten offers around 0.12 USDC and the account that is asked for', async () => {
    const { state } = createMarket(await loadScenario(MARKET, trader.publicKey()), START);
    assert.equal(state.header.idPool, 10n);
    assert.equal(state.account(trader.publicKey())?.balance, 100_000_000_000n);
    const [line] = trustlinesOf(state, trader.publicKey());
    assert.equal(line?.balance, 10_000_000_000n);
  });

  it('asks for the account where a file needs one', async () => {
    await assert.rejects(loadScenario(MARKET, undefined), /needs an account for \$ACCOUNT/);
  });

  it('names what is wrong with a file', async () => {
    await assert.rejects(inFile('accounts: []'), /networkPassphrase/);
    await assert.rejects(inFile('{networkPassphrase: x, accounts: [], tulips: []}'), /tulips/);
    await assert.rejects(
      inFile('{networkPassphrase: x, accounts: [{address: G, balance: "1.00000001"}]}'),
      /is no amount/,
    );
  });

  const broken = (change: (setting: ReturnType<typeof scenario>) => void) => {
    const setting = scenario(book);
    change(setting);
    return () => createMarket(setting, START);
  };

  it('takes no offer or account that could not stand in a ledger', () => {
    assert.throws(
      broken((setting) => {
        setting.offers[2]!.amount = 10n ** 13n;
      }),
      /not covered/,
    );
    assert.throws(
      broken((setting) => {
        setting.accounts[1]!.trustlines = [];
      }),
      /no trust line/,
    );
    assert.throws(
      broken((setting) => {
        setting.accounts[1]!.trustlines[0]!.limit = setting.accounts[1]!.trustlines[0]!.balance;
      }),
      /would not fit its limit/,
    );
    assert.throws(
      broken((setting) => {
        setting.offers[0]!.seller = 'nobody';
      }),
      /neither an account name nor an address/,
    );
    assert.throws(
      broken((setting) => {
        setting.accounts[0]!.balance = 1n;
      }),
      /below its reserve/,
    );
    assert.throws(
      broken((setting) => {
        setting.offers[0]!.amount = 3n;
      }),
      /cannot express/,
    );
  });

  it('counts offers and trust lines in the reserve of their owner', () => {
    const { state } = createMarket(scenario(book), START);
    assert.equal(state.account(maker.publicKey())?.subentries, book.length + 1);
  });

  it('gives accounts what a file says of them', async () => {
    const { state } = createMarket(await inFile(ACCOUNTS), START);
    const [own, other] = [keyOf('own seed').publicKey(), maker.publicKey()];
    assert.deepEqual(state.header.maxTxSetSize, 50);
    assert.equal(state.header.baseFee, 250n);
    const account = state.account(own);
    assert.deepEqual(
      [account?.flags, account?.homeDomain, account?.thresholds, account?.signers, account?.subentries],
      [
        AUTH_REQUIRED | AUTH_REVOCABLE,
        'own.test',
        { master: 2, low: 0, medium: 2, high: 3 },
        [{ key: other, weight: 1 }],
        2,
      ],
    );
    assert.deepEqual(
      dataOf(state, own).map(({ name, value }) => [name, value]),
      [['config', '6869']],
    );
    assert.deepEqual(
      trustlinesOf(state, other).map(({ flags }) => flags),
      [MAINTAIN_LIABILITIES],
    );
  });

  it('builds pools by the operations of the ledger', async () => {
    const { state } = createMarket(await loadScenario(POOLS, trader.publicKey()), START);
    const pools = [...state.pools()];
    assert.deepEqual(
      pools.map(({ reserveA, reserveB, lines }) => [reserveA, reserveB, lines]),
      [
        [4_000_000_000_000n, 482_000_000_000n, 1n],
        [1_000_000_000_000n, 1_080_000_000_000n, 1n],
      ],
    );
    const seller = keyOf('sandbox maker').publicKey();
    assert.equal(state.account(seller)?.subentries, 2 + 4 + 2 * 2);
    assert.deepEqual(
      trustlinesOf(state, seller).map(({ poolUses }) => poolUses),
      [2, 1, 0, 0],
    );
    const lumens = [...state.entries()].reduce((sum, entry) => {
      if (entry.type === 'account') return sum + entry.balance;
      return entry.type === 'pool' && entry.assetA === 'native' ? sum + entry.reserveA : sum;
    }, 0n);
    assert.equal(lumens, TOTAL_COINS);
  });

  it('names what could not stand in a ledger, and fields that it does not know', async () => {
    const made = async (from: string, to: string) =>
      createMarket(await inFile(ACCOUNTS.replace(from, to)), START);
    const refused: [from: string, to: string, message: RegExp][] = [
      ['seed: own seed', 'sed: own seed', /sed/],
      ['    seed: own seed\n', '', /address or seed/],
      ['flags: [required, revocable]', 'flags: [required, red]', /flags/],
      ['flags: [required, revocable]', 'flags: [clawback]', /set_options says auth_revocable_required/],
      ['master: 2', 'master: 256', /thresholds/],
      ['weight: 1', 'weight: 1, colour: red', /colour/],
      ['key: maker', 'key: nobody', /nobody is neither/],
      ['key: maker', 'key: own', /set_options says bad_signer/],
      ['config: hi', '"con\\nfig": hi', /data/],
      ['maxTxSetSize: 50', 'maxTxSetSize: 0', /maxTxSetSize/],
      [
        'maxTxSetSize: 50',
        'pools: [{owner: maker, a: XLM, b: "USD:own", amountA: "1", amountB: "1"}]',
        /says not_auth/,
      ],
      [
        'maxTxSetSize: 50',
        'pools: [{owner: own, a: XLM, b: "USD:own", amountA: "999", amountB: "1"}]',
        /underfunded/,
      ],
      ['maxTxSetSize: 50', 'crowd: {seed: 1, makers: 1, takers: 1, pairs: []}', /pairs/],
      ['maxTxSetSize: 50', 'faults: [{fault: {kind: earthquake}}]', /faults/],
      [`address: ${maker.publicKey()}`, 'address: nowhere', /is neither an account name/],
      ['liabilities] }]', "liabilities] }]\n  - { seed: own seed, balance: '1' }", /there twice/],
    ];
    await made('', '');
    for (const [from, to, message] of refused) await assert.rejects(made(from, to), message, to);
  });
});
