import { bidOf, decodeEnvelope, type Operation, sizeOf } from '../ledger/envelope.ts';
import { INT64_MAX } from '../ledger/exchange.ts';
import { failure } from '../ledger/result.ts';
import { validate } from '../ledger/validate.ts';
import type { Network } from '../network.ts';
import type { Submission } from '../queue.ts';
import { createReplica } from '../replica.ts';
import { forgeLedger, forgeState, forgeTransaction } from './forge.ts';
import type { Faults } from './registry.ts';
import type { FaultOf } from './schema.ts';

const MOST = String(INT64_MAX);

/** What no market and no balance can satisfy, by operation: still well-formed, so that a node queues it. */
const SPOILED: Record<string, Record<string, string>> = {
  create_account: { starting_balance: MOST },
  payment: { amount: MOST },
  path_payment_strict_send: { dest_min: MOST },
  path_payment_strict_receive: { send_max: '1' },
  manage_sell_offer: { amount: MOST },
  manage_buy_offer: { buy_amount: MOST },
  create_passive_sell_offer: { amount: MOST },
};

/** @throws where no operation can be made to fail */
function spoil(operations: readonly Operation[]): Operation[] {
  const index = operations.findIndex(({ name }) => name in SPOILED);
  if (index < 0)
    throw new Error(`a transaction of ${operations.map(({ name }) => name)} cannot be made to fail`);
  return operations.map((operation, at) =>
    at === index
      ? { ...operation, body: { ...(operation.body as object), ...SPOILED[operation.name] } }
      : operation,
  );
}

/** A network as the endpoint called `name` sees it, with its faults; of a replica with entries of its own. */
export function faultyNetwork(name: string, network: Network, faults: Faults, isReplica = false): Network {
  function lag(): number {
    const found = faults.find(name, 'lag') ?? faults.find(name, 'stale_history');
    if (!found) return 0;
    const { fault, sinceLedger } = found;
    return fault.kind === 'lag' && fault.ledgers !== 'frozen'
      ? fault.ledgers
      : network.latest.sequence - sinceLedger;
  }
  let replica: Network | undefined;
  const seen = (): Network => {
    if (!isReplica && !faults.find(name, 'lag') && !faults.find(name, 'stale_history')) return network;
    replica ??= createReplica(network, lag);
    return replica;
  };

  /** Hands a transaction over after some closes; nobody is told what the network says to it. */
  function later(envelopeXdr: string, closes: number, change: (submission: Submission) => void): void {
    let left = closes;
    const stop = network.onClose(() => {
      left -= 1;
      if (left > 0) return;
      stop();
      change(network.submit(envelopeXdr));
    });
  }

  function submitWithFate(envelopeXdr: string, { fate, afterLedgers }: FaultOf<'submission'>): Submission {
    const transaction = decodeEnvelope(envelopeXdr, network.passphrase);
    const spoilIf = (submission: Submission): void => {
      if (fate === 'failed' && submission.status === 'PENDING')
        submission.transaction.operations = spoil(submission.transaction.operations);
    };
    if (fate === 'failed') spoil(transaction.operations);
    if (fate !== 'never' && afterLedgers === 0) {
      const submission = network.submit(envelopeXdr);
      spoilIf(submission);
      return submission;
    }
    const result = validate(network.state, transaction, 0n);
    if (result) return { status: 'ERROR', transaction, result };
    if (fate !== 'never') later(envelopeXdr, afterLedgers, spoilIf);
    return { status: 'PENDING', transaction };
  }

  /** On a network of another name nothing that was signed for this one is valid, and what is goes nowhere. */
  function submitElsewhere(envelopeXdr: string, passphrase: string): Submission {
    const transaction = decodeEnvelope(envelopeXdr, passphrase);
    const result = validate(seen().state, transaction, 0n);
    return result ? { status: 'ERROR', transaction, result } : { status: 'PENDING', transaction };
  }

  function submit(envelopeXdr: string): Submission {
    const other = faults.find(name, 'passphrase')?.fault.passphrase;
    if (other !== undefined) return submitElsewhere(envelopeXdr, other);
    const transaction = decodeEnvelope(envelopeXdr, network.passphrase);
    if (faults.take(name, 'try_again_later')) return { status: 'TRY_AGAIN_LATER', transaction };
    const surge = faults.find(name, 'surge')?.fault;
    const due = BigInt(surge?.fee ?? 0) * BigInt(sizeOf(transaction));
    if (bidOf(transaction) < due)
      return { status: 'ERROR', transaction, result: failure('tx_insufficient_fee', due) };
    const disturbed = faults.take(name, 'submission');
    return disturbed ? submitWithFate(envelopeXdr, disturbed) : network.submit(envelopeXdr);
  }

  const ledgers = (): Network['ledgers'] => {
    const kept = seen().ledgers;
    const ledger = faults.find(name, 'forge_ledger')?.fault;
    const transaction = faults.find(name, 'forge_transaction')?.fault;
    if (!ledger && !transaction) return kept;
    return kept.map((one, index) => {
      const forged = ledger ? forgeLedger(one, ledger, index === kept.length - 1) : one;
      if (!transaction) return forged;
      const transactions = forged.transactions.map((applied) => forgeTransaction(applied, transaction));
      return { ...forged, transactions };
    });
  };

  return Object.create(network, {
    passphrase: { get: () => faults.find(name, 'passphrase')?.fault.passphrase ?? network.passphrase },
    state: {
      get: () => {
        const forged = faults.find(name, 'forge_account')?.fault;
        return forged ? forgeState(seen().state, forged) : seen().state;
      },
    },
    ledgers: { get: ledgers },
    latest: { get: () => ledgers().at(-1)! },
    transaction: {
      value: (hash: string) => {
        const found = seen().transaction(hash);
        const forged = faults.find(name, 'forge_transaction')?.fault;
        const by = faults.find(name, 'forge_ledger')?.fault.by ?? 0;
        return found && { ...(forged ? forgeTransaction(found, forged) : found), ledger: found.ledger + by };
      },
    },
    submit: { value: submit },
  }) as Network;
}
