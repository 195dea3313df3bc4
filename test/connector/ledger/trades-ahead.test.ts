import assert from 'node:assert/strict';
import type { HorizonClient } from '../../../connector/ledger/horizon/types.ts';
import { createLedger } from '../../../connector/ledger/ledger.ts';
import type { LedgerTrade } from '../../../connector/ledger/types.ts';
import { createClock, settle } from './clock.ts';

const { signal } = new AbortController();
const PASSPHRASE = 'any';
const HEAD = 1_000;
const tokenOf = (ledger: number): string => `${BigInt(ledger) << 32n}-0`;
const tradeAt = (ledger: number): LedgerTrade => ({ cursor: tokenOf(ledger) }) as LedgerTrade;

describe('connector/ledger: trades of ledgers to come', () => {
  it('@security a trade under a cursor far ahead, which would hide all later ones, is not believed', async () => {
    const clock = createClock();
    let answer: LedgerTrade[] = [];
    const horizon = {
      url: 'https://horizon.test',
      transport: { status: () => ({ state: 'up', reason: undefined }), close: async () => undefined },
      root: async () => ({ networkPassphrase: PASSPHRASE }),
      head: async () => ({
        ...{ sequence: HEAD, closedAt: clock.now(), baseFee: 100n, baseReserve: 1n },
        ...{ hash: 'a', previousHash: 'b' },
      }),
      tradesOf: async () => answer,
      trades: async () => answer,
    } as unknown as HorizonClient;
    const untrusted: string[] = [];
    const ledger = createLedger(
      { horizon: [horizon], rpc: [], quorum: 1, networkPassphrase: PASSPHRASE, assets: [] },
      {
        ...{ now: clock.now, clock },
        events: {
          ...{ quarantined() {}, released() {}, disputed() {} },
          untrusted: (_url, reason) => untrusted.push(reason),
        },
      },
    );
    answer = [tradeAt(HEAD + 2)];
    assert.deepEqual(await ledger.tradesOf('G', '0', 10, signal), answer);
    answer = [tradeAt(HEAD), tradeAt(HEAD + 1_000)];
    await assert.rejects(ledger.tradesOf('G', '0', 10, signal), { code: 'ledger-untrusted' });
    await assert.rejects(ledger.trades('native', 'A:G', 10, signal), { code: 'ledger-untrusted' });
    assert.match(untrusted.join(), /cannot have closed yet/);
    await settle();
    await ledger.close();
  });
});
