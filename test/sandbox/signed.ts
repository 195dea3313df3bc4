import { Account, Keypair, type Operation, TransactionBuilder } from '@stellar/stellar-sdk/base';
import { sha256 } from './ledger/envelope.ts';

export type OperationXdr = ReturnType<typeof Operation.payment>;

/** The same key for the same name in every run. A network's root account has that of its passphrase. */
export const seedKey = (name: string): Keypair => Keypair.fromRawEd25519Seed(sha256(name));

export interface Draft {
  source: Keypair;
  /** The sequence number of the transaction. */
  sequence: bigint;
  operations: readonly OperationXdr[];
  /** Stroops an operation. */
  fee: bigint;
  passphrase: string;
}

/** The envelope of a transaction that its source signs, base64. */
export function signedEnvelope({ source, sequence, operations, fee, passphrase }: Draft): string {
  const builder = new TransactionBuilder(new Account(source.publicKey(), String(sequence - 1n)), {
    fee: String(fee),
    networkPassphrase: passphrase,
    timebounds: { minTime: 0, maxTime: 0 },
  });
  for (const operation of operations) builder.addOperation(operation);
  const transaction = builder.build();
  transaction.sign(source);
  return transaction.toEnvelope().toXdr('base64');
}
