import { newTrustline } from '../ledger/change_trust.ts';
import { newAccount } from '../ledger/create_account.ts';
import type { Account, Data, Entry, Offer, Pool, Trustline } from '../ledger/entries.ts';
import { PROTOCOL_VERSION } from '../ledger/header.ts';
import { createState, type LedgerState } from '../ledger/state.ts';
import { type Network, startNetwork } from '../network.ts';

/** The network of the recorded exchanges as it stood at ledger 154, as far as they show its entries. */
export const ISSUER = 'GBZVWM5GJUSNTXMYQJTJJ5OWRAFAPVMG6TE7GZXO7CEEOZZMFYEETE3I';
export const MAKER = 'GCVQ3AURWJCNWDIK6SRVFTLLA6E3QMJ7YQS4JKL4N6H5JL6EMSDSNGDJ';
export const TAKER = 'GCBPUWEHWJM2G2N7VNNNHJT7SGUU64V5GIQNZTZFDRLGBCR3YIQO3HIW';
export const ALICE = 'GBFPL42Z5EQWR3VQGVYLEVA2TFDXJDUKN7GLO3CQ2KPHWMPIKL2MF4Q3';
export const BOB = 'GDCDKGLWJIHRNGI6VJA2RDEXSJUY3FHWVPQOK53DDQIJOQ4VPHMNDGGQ';
export const MULTISIG = 'GAGDXBFHYSPXJC5YUQKIZAEUX7TOSMK5GPG5DJ3ZQIZB77SRDHU7T2HM';
export const POOL = '9b8e84bb498ab186bf43ff54b91cc7a477b3d8e0180318b4c3edbda2b8ac73b1';
export const USDC = `USDC:${ISSUER}`;
export const LONG = `LONGEURTOKN:${ISSUER}`;
const PASSPHRASE = 'Standalone Network ; February 2017';
const LATEST = 154;
/** Ledger 64 and those after it, five seconds apart; Unix seconds. */
const FIRST = { sequence: 64, closeTime: 1_795_522_664 };

const account = (
  address: string,
  balance: bigint,
  sequence: bigint,
  [modified, sequenceTime]: [number, bigint],
  rest: Partial<Account> = {},
): Account => ({
  ...newAccount(address, balance, modified),
  sequence,
  extension: 3,
  sequenceLedger: modified,
  sequenceTime,
  ...rest,
});

const line = (
  owner: string,
  asset: Trustline['asset'],
  balance: bigint,
  modified: number,
  rest: Partial<Trustline> = {},
): Trustline => ({
  ...newTrustline(owner, asset),
  balance,
  modified,
  ...rest,
});

const offer = (
  id: bigint,
  [selling, buying]: [string, string],
  amount: bigint,
  [n, d]: [number, number],
  modified: number,
): Offer => ({
  type: 'offer',
  id,
  seller: MAKER,
  selling,
  buying,
  amount,
  price: { n, d },
  passive: false,
  modified,
});

const data = (name: string, value: string): Data => ({
  type: 'data',
  owner: ALICE,
  name,
  value: Buffer.from(value).toString('hex'),
  modified: 90,
});

const pool: Pool = {
  type: 'pool',
  id: POOL,
  assetA: 'native',
  assetB: USDC,
  reserveA: 20_080_001_000n,
  reserveB: 9_960_367_026n,
  shares: 14_142_135_623n,
  lines: 1n,
  modified: 101,
};

const entries: Entry[] = [
  account(ALICE, 49_917_528_964n, 343_597_383_700n, [147, 1_795_523_079n], { subentries: 3 }),
  data('config', '{"v":1}'),
  data('empty', ''),
  line(ALICE, USDC, 200_000_000_000n, 99),
  account(MAKER, 30_489_997_499n, 343_597_383_685n, [128, 1_795_522_984n], {
    subentries: 12,
    liabilities: { buying: 3_056_083_334n, selling: 4_510_000_000n },
  }),
  line(MAKER, `pool:${POOL}`, 14_142_135_623n, 100),
  line(MAKER, LONG, 399_927_940_946n, 101, {
    liabilities: { buying: 1_431_993_687n, selling: 4_900_843_724n },
  }),
  line(MAKER, USDC, 189_813_322_957n, 102, {
    liabilities: { buying: 4_175_464_048n, selling: 1_888_787_005n },
  }),
  account(MULTISIG, 49_999_999_700n, 343_597_383_681n, [81, 1_795_522_749n], {
    subentries: 2,
    thresholds: { master: 1, low: 1, medium: 2, high: 3 },
    signers: [
      { key: 'GD2Y7S7VTGUPHY5GZLXOJOKR7YJKCEOPUAFBEPFSASJBSAZQ47IRNB33', weight: 1 },
      { key: 'XAWXCFSCW4TLARABMJ6KT65MGL24QUYPWGIDZRG3AISYOF4SDJEIDFSC', weight: 1 },
    ],
  }),
  account(TAKER, 49_509_998_801n, 343_597_383_688n, [126, 1_795_522_974n], { subentries: 2 }),
  line(TAKER, LONG, 400_000_000_000n, 99, { limit: 10_000_000_000_000n }),
  line(TAKER, USDC, 200_226_309_523n, 102),
  account(BOB, 10n ** 11n, 1n, [99, 0n]),
  line(BOB, LONG, 10n ** 9n, 99),
  line(BOB, USDC, 10n ** 9n, 99),
  offer(2n, [USDC, 'native'], 653_690_477n, [21, 10], 102),
  offer(3n, [USDC, 'native'], 500_000_000n, [22, 10], 100),
  offer(4n, [USDC, 'native'], 250_000_000n, [7, 3], 100),
  offer(5n, ['native', USDC], 1_860_000_000n, [1, 2], 101),
  offer(6n, ['native', USDC], 1_000_000_000n, [11, 20], 100),
  offer(7n, ['native', LONG], 1_650_000_000n, [1, 3], 100),
  offer(8n, [LONG, USDC], 4_900_843_724n, [11, 20], 101),
  offer(9n, [USDC, LONG], 485_096_528n, [20, 11], 101),
  pool,
];

export interface RecordedNetwork {
  state: LedgerState;
  network: Network;
}

/** Its ledgers are empty, their close times are the recorded ones. */
export function recordedNetwork(): RecordedNetwork {
  const state = createState({
    sequence: FIRST.sequence,
    closeTime: BigInt(FIRST.closeTime),
    version: PROTOCOL_VERSION,
    baseFee: 100n,
    baseReserve: 5_000_000n,
    maxTxSetSize: 1000,
    feePool: 0n,
    idPool: 9n,
  });
  let now = FIRST.closeTime;
  const clock = (): number => now * 1000;
  const network = startNetwork({ state, passphrase: PASSPHRASE, clock, closeMs: 3_600_000, retain: 200 });
  network.pause();
  while (network.latest.sequence < LATEST) {
    now += 5;
    network.close();
  }
  for (const entry of entries) state.restore(entry);
  state.commit();
  return { state, network };
}
