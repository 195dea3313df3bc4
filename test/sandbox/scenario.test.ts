import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trustlinesOf } from './ledger/entries_of.ts';
import { createMarket, loadScenario } from './scenario.ts';
import { book, maker, START, scenario, trader } from './testing.ts';

const MARKET = join(import.meta.dirname, 'scenarios/market.yaml');

describe('scenarios', () => {
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
    const dir = await mkdtemp(join(tmpdir(), 'scenario-'));
    const file = join(dir, 'bad.yaml');
    const load = async (yaml: string) => {
      await writeFile(file, yaml);
      return loadScenario(file, undefined);
    };
    await assert.rejects(load('accounts: []'), /networkPassphrase/);
    await assert.rejects(load('{networkPassphrase: x, accounts: [], tulips: []}'), /tulips/);
    await assert.rejects(
      load('{networkPassphrase: x, accounts: [{address: G, balance: "1.00000001"}]}'),
      /is no amount/,
    );
    await rm(dir, { recursive: true });
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
});
