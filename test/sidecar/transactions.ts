import {
  Account,
  Asset,
  Keypair,
  Operation,
  type Transaction,
  TransactionBuilder,
} from '@stellar/stellar-sdk';
import { PASSPHRASE } from './signer.ts';

/** An issuer for test assets; nobody has its key. */
export const ISSUER = Keypair.fromRawEd25519Seed(Buffer.alloc(32, 1)).publicKey();
export const USDC = new Asset('USDC', ISSUER);
export const EURC = new Asset('EURC', ISSUER);
/** Another account, with its key, for attacks. */
export const STRANGER = Keypair.fromRawEd25519Seed(Buffer.alloc(32, 2));

type SdkOperation = ReturnType<typeof Operation.pathPaymentStrictSend>;

export interface SwapOptions {
  account: string;
  sequence?: string;
  /** Stroops for one operation. */
  fee?: string;
  /** Seconds from now, or none. */
  timeout?: number | undefined;
  passphrase?: string;
  operations?: SdkOperation[];
  edit?: (builder: TransactionBuilder) => void;
}

/** 10 XLM for at least 1 USDC, to the account itself: what the example policy of these tests allows. */
export function sendSwap(
  account: string,
  changes: Partial<Parameters<typeof Operation.pathPaymentStrictSend>[0]> = {},
): SdkOperation {
  return Operation.pathPaymentStrictSend({
    sendAsset: Asset.native(),
    sendAmount: '10',
    destination: account,
    destAsset: USDC,
    destMin: '1',
    path: [],
    ...changes,
  });
}

/** A transaction of one swap, unsigned, unless `options` say otherwise. */
export function buildTransaction(options: SwapOptions): Transaction {
  const builder = new TransactionBuilder(new Account(options.account, options.sequence ?? '100'), {
    fee: options.fee ?? '100',
    networkPassphrase: options.passphrase ?? PASSPHRASE,
    timebounds: {
      minTime: 0,
      maxTime:
        'timeout' in options && options.timeout === undefined
          ? 0
          : Math.floor(Date.now() / 1000) + (options.timeout ?? 30),
    },
  });
  for (const operation of options.operations ?? [sendSwap(options.account)]) builder.addOperation(operation);
  options.edit?.(builder);
  return builder.build();
}

/** A policy that allows swaps of XLM and USDC between 0.08 and 0.2 USDC per XLM, up to 1,000 XLM or 100 USDC. */
export const policyYaml = (account: string, spec: Record<string, unknown> = {}): string =>
  JSON.stringify({
    apiVersion: 'stellar-connector.io/v1alpha1',
    kind: 'SigningPolicy',
    metadata: { name: 'trading' },
    spec: {
      accounts: [account],
      swaps: [
        {
          pair: ['XLM', `USDC:${ISSUER}`],
          price: { min: '0.08', max: '0.20' },
          maxAmount: { XLM: '10000000000', [`USDC:${ISSUER}`]: '1000000000' },
        },
      ],
      ...spec,
    },
  });
