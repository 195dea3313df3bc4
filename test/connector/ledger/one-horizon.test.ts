import assert from 'node:assert/strict';
import type { HorizonClient } from '../../../connector/ledger/horizon/types.ts';
import { createLedger } from '../../../connector/ledger/ledger.ts';
import type { LedgerTrade } from '../../../connector/ledger/types.ts';
import { createClock } from './clock.ts';

const { signal } = new AbortController();
const PASSPHRASE = 'any';
const HEAD = 1_000;
const NOW = 1_800_000_000_000;
const tradeAt = (ledger: number): LedgerTrade =>
  ({ cursor: `${BigInt(ledger) << 32n}-0` }) as Partial<LedgerTrade> as LedgerTrade;

/** A ledger over one Horizon that answers what it is given, by a wall clock that stands still. */
function startLedger() {
  const clock = createClock();
  const says = { passphrase: PASSPHRASE, trades: [] as LedgerTrade[] };
  const events: string[] = [];
  const horizon = {
    url: 'https://horizon.test',
    transport: { status: () => ({ state: 'up', reason: undefined }), close: async () => undefined },
    root: async () => ({ networkPassphrase: says.passphrase }),
    head: async () => ({
      ...{ sequence: HEAD, closedAt: NOW, baseFee: 100n, baseReserve: 1n },
      ...{ hash: 'a', previousHash: 'b' },
    }),
    tradesOf: async () => says.trades,
    trades: async () => says.trades,
  } as unknown as HorizonClient;
  const ledger = createLedger(
    { horizon: [horizon], rpc: [], quorum: 1, networkPassphrase: PASSPHRASE, assets: [] },
    {
      ...{ now: () => NOW, clock },
      events: {
        quarantined: () => events.push('quarantined'),
        released: () => events.push('released'),
        disputed: () => events.push('disputed'),
        untrusted: (_url, reason) => events.push(reason),
      },
    },
  );
  return { ledger, clock, says, events };
}

describe('connector/ledger: over one Horizon', () => {
  it('@security a trade under a cursor far ahead, which would hide all later ones, is not believed', async () => {
    const { ledger, says, events } = startLedger();
    says.trades = [tradeAt(HEAD + 2)];
    assert.deepEqual(await ledger.tradesOf('G', '0', 10, signal), says.trades);
    says.trades = [tradeAt(HEAD), tradeAt(HEAD + 1_000)];
    await assert.rejects(ledger.tradesOf('G', '0', 10, signal), { code: 'ledger-untrusted' });
    await assert.rejects(ledger.trades('native', 'A:G', 10, signal), { code: 'ledger-untrusted' });
    assert.match(events.join(), /cannot have closed yet/);
  });

  it('@security quarantine lasts five minutes whatever the wall clock is set to', async () => {
    const { ledger, clock, says, events } = startLedger();
    says.passphrase = 'another';
    await assert.rejects(ledger.head(signal), { code: 'network-mismatch' });
    says.passphrase = PASSPHRASE;
    for (let passed = 0; passed <= 300; passed += 20) {
      assert.equal(events.includes('released'), false);
      await ledger.head(signal).catch(() => undefined);
      await clock.advance(20_000);
    }
    assert.deepEqual([events[1], events.at(-1)], ['quarantined', 'released']);
    assert.equal((await ledger.head(signal)).sequence, HEAD);
  });
});
