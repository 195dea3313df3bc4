import { xdr } from '@stellar/stellar-sdk/base';
import type { AppliedTransaction, ClosedLedger } from '../ledger/close.ts';
import type { Entry } from '../ledger/entries.ts';
import { accountKey } from '../ledger/entries.ts';
import type { DecodedTransaction, Signature } from '../ledger/envelope.ts';
import { operationsResult, resultToXdr, untouched } from '../ledger/result.ts';
import type { LedgerState } from '../ledger/state.ts';
import type { FaultOf } from './schema.ts';

/** Lies about entries: a state in which an account is another one. Books and paths stay as they are. */
export function forgeState(state: LedgerState, fault: FaultOf<'forge_account'>): LedgerState {
  const { account: address, asset, balance, sequence, signers } = fault;

  function forge<E extends Entry>(entry: E): E {
    if (entry.type === 'account' && entry.address === address) {
      return {
        ...entry,
        ...(balance !== undefined && asset === 'native' && { balance }),
        ...(sequence !== undefined && { sequence }),
        ...(signers && { signers, subentries: entry.subentries - entry.signers.length + signers.length }),
      };
    }
    const isLine = entry.type === 'trustline' && entry.owner === address && entry.asset === asset;
    return isLine && balance !== undefined ? { ...entry, balance } : entry;
  }
  const forgeIf = <E extends Entry>(entry: E | undefined): E | undefined => entry && forge(entry);
  const get = (key: string): Entry | undefined => forgeIf(state.get(key));

  return Object.assign(Object.create(state) as LedgerState, {
    get,
    account: (id: string) => get(accountKey(id)),
    trustline: (...of: Parameters<LedgerState['trustline']>) => forgeIf(state.trustline(...of)),
    entries: () => [...state.entries()].map(forge),
    ownedBy: (owner: string) => [...state.ownedBy(owner)].map(forge),
  });
}

/** With the hints of the right ones, so that only who verifies them notices. */
const falseSignature = ({ hint, signature }: Signature): Signature => ({
  hint,
  signature: signature.map((byte) => byte ^ 0xff),
});

function withSignatures(transaction: DecodedTransaction, signatures: readonly Signature[]) {
  const { envelopeXdr, feeBump } = transaction;
  const json = xdr.TransactionEnvelope.fromXdr(envelopeXdr, 'base64').toJson() as Record<string, object>;
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const [arm, body] = Object.entries(json)[0]!;
  const written = signatures.map(({ hint, signature }) => ({ hint: hex(hint), signature: hex(signature) }));
  const forged = xdr.TransactionEnvelope.fromJson({ [arm]: { ...body, signatures: written } } as never);
  return {
    ...transaction,
    envelopeXdr: forged.toXdr('base64'),
    ...(feeBump ? { feeBump: { ...feeBump, signatures } } : { signatures }),
  };
}

/** Lies about a transaction, under its right hash: what became of it, and who signed it. */
export function forgeTransaction(
  applied: AppliedTransaction,
  fault: FaultOf<'forge_transaction'>,
): AppliedTransaction {
  const { hash, innerHash, operations, signatures, feeBump } = applied.transaction;
  if (fault.hash !== undefined && fault.hash !== hash && fault.hash !== innerHash) return applied;
  let forged = applied;
  if (fault.result) {
    const outcomes = operations.map(({ name }) =>
      fault.result === 'success' ? untouched(name) : { code: 'op_bad_auth' },
    );
    const result = operationsResult(applied.transaction, outcomes, applied.result.feeCharged);
    const changes = { ...applied.changes, operations: [] };
    forged = { ...forged, result, resultXdr: resultToXdr(result).toXdr('base64'), changes };
  }
  if (fault.signatures) {
    const right = feeBump?.signatures ?? signatures;
    const others = fault.signatures === 'none' ? [] : right.map(falseSignature);
    forged = { ...forged, transaction: withSignatures(applied.transaction, others) };
  }
  return forged;
}

/** Lies about the number of a ledger, and about the hash of the newest one. */
export function forgeLedger(
  ledger: ClosedLedger,
  { by, hash }: FaultOf<'forge_ledger'>,
  isLatest: boolean,
): ClosedLedger {
  const sequence = ledger.sequence + by;
  return {
    ...ledger,
    sequence,
    header: { ...ledger.header, sequence },
    ...(isLatest && hash !== undefined && { hash }),
    transactions: ledger.transactions.map((applied) => ({ ...applied, ledger: sequence })),
  };
}
