import { Account, Asset, type Keypair, Operation, TransactionBuilder } from '@stellar/stellar-sdk/base';
import { decodeEnvelope } from './ledger/envelope.ts';
import { createMarket, type Market, type Scenario } from './scenario.ts';
import { seedKey } from './signed.ts';

export const keyOf = seedKey;

export const PASSPHRASE = 'Stellar Sandbox Test';
export const issuer = keyOf('issuer');
export const maker = keyOf('maker');
export const trader = keyOf('trader');
export const usdc = new Asset('USDC', issuer.publicKey());
export const xlm = Asset.native();

/** Time of the first ledger, Unix seconds. */
export const START = 1_800_000_000;

const unit = 10_000_000n;

/** Trader and maker hold lumens and USDC; offers as given. Amounts in whole units. */
export function scenario(offers: { selling: string; amount: bigint; n: number; d: number }[]): Scenario {
  const line = (balance: bigint) => ({ asset: 'USDC:issuer', limit: undefined, balance: balance * unit });
  return {
    networkPassphrase: PASSPHRASE,
    accounts: [
      { name: 'issuer', address: issuer.publicKey(), balance: 1000n * unit, trustlines: [] },
      { name: 'maker', address: maker.publicKey(), balance: 100_000n * unit, trustlines: [line(100_000n)] },
      { name: 'trader', address: trader.publicKey(), balance: 10_000n * unit, trustlines: [line(1000n)] },
    ],
    offers: offers.map(({ selling, amount, n, d }) => ({
      seller: 'maker',
      selling,
      buying: selling === 'XLM' ? 'USDC:issuer' : 'XLM',
      amount: amount * unit,
      price: { n, d },
    })),
  };
}

/** 100 XLM at 0.12 and 1000 XLM at 0.13 USDC; 12 USDC at 0.11 and 100 USDC at 0.10 USDC per XLM. */
export const book = [
  { selling: 'XLM', amount: 100n, n: 12, d: 100 },
  { selling: 'XLM', amount: 1000n, n: 13, d: 100 },
  { selling: 'USDC:issuer', amount: 11n, n: 100, d: 11 },
  { selling: 'USDC:issuer', amount: 100n, n: 10, d: 1 },
];

export const market = (): Market => createMarket(scenario(book), START);

type SendOptions = Partial<Parameters<typeof Operation.pathPaymentStrictSend>[0]>;
type ReceiveOptions = Partial<Parameters<typeof Operation.pathPaymentStrictReceive>[0]>;

/** Sends 10 XLM for at least 0.0000001 USDC to the trader unless told otherwise. */
export const strictSend = (options: SendOptions = {}) =>
  Operation.pathPaymentStrictSend({
    sendAsset: xlm,
    sendAmount: '10',
    destination: trader.publicKey(),
    destAsset: usdc,
    destMin: '0.0000001',
    path: [],
    ...options,
  });

/** Buys 10 XLM for at most 1000 USDC for the trader unless told otherwise. */
export const strictReceive = (options: ReceiveOptions = {}) =>
  Operation.pathPaymentStrictReceive({
    sendAsset: usdc,
    sendMax: '1000',
    destination: trader.publicKey(),
    destAsset: xlm,
    destAmount: '10',
    path: [],
    ...options,
  });

export interface EnvelopeOptions {
  source?: Keypair;
  signers?: Keypair[];
  /** The sequence number of the transaction; the first of a scenario's account by default. */
  sequence?: bigint;
  /** Stroops an operation. */
  fee?: string;
  minTime?: number;
  maxTime?: number;
  passphrase?: string;
}

/** A signed envelope in base64. */
export function envelope(
  operations: ReturnType<typeof Operation.pathPaymentStrictSend>[],
  options: EnvelopeOptions = {},
): string {
  const { source = trader, sequence = (1n << 32n) + 1n, passphrase = PASSPHRASE } = options;
  const builder = new TransactionBuilder(new Account(source.publicKey(), String(sequence - 1n)), {
    fee: options.fee ?? '100',
    networkPassphrase: passphrase,
    timebounds: { minTime: options.minTime ?? 0, maxTime: options.maxTime ?? 0 },
  });
  for (const operation of operations) builder.addOperation(operation);
  const transaction = builder.build();
  transaction.sign(...(options.signers ?? [source]));
  return transaction.toEnvelope().toXdr('base64');
}

export const decoded = (...parameters: Parameters<typeof envelope>) =>
  decodeEnvelope(envelope(...parameters), parameters[1]?.passphrase ?? PASSPHRASE);

export interface ManualClock {
  /** Milliseconds since the epoch. */
  clock: () => number;
  every: (ms: number, run: () => void) => () => void;
  /** Lets `ms` milliseconds pass; timers run as they come due. */
  advance(ms: number): void;
}

/** A clock that stands still until it is told to go on. */
export function manualClock(start = START * 1000): ManualClock {
  let now = start;
  const timers = new Set<{ at: number; ms: number; run: () => void }>();
  return {
    clock: () => now,
    every(ms, run) {
      const timer = { at: now + ms, ms, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (!next) break;
        now = next.at;
        next.at += next.ms;
        next.run();
      }
      now = end;
    },
  };
}
