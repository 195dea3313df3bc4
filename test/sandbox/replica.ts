import type { ClosedLedger } from './ledger/close.ts';
import type { Change } from './ledger/entries.ts';
import { createState, type LedgerState } from './ledger/state.ts';
import type { Network } from './network.ts';

/** What a ledger changed, in order: all fees first. */
const changesOf = ({ transactions }: ClosedLedger): Change[] => [
  ...transactions.flatMap(({ feeChanges }) => feeChanges),
  ...transactions.flatMap(({ changes }) => [...changes.before, ...changes.operations.flat()]),
];

function copy(state: LedgerState): LedgerState {
  const copied = createState(state.header);
  for (const entry of state.entries()) copied.restore(entry);
  copied.commit();
  return copied;
}

function write(state: LedgerState, { before, after }: Change): void {
  if (after) state.restore(after);
  else if (before) state.remove(before);
}

const turned = ({ before, after }: Change): Change => ({ before: after, after: before });

/**
 * Another node of the network, with entries of its own that follow the ledgers some closes late; it moves when it is
 * looked at. Submissions go to the network itself.
 * @param lag ledgers behind; no further than the network keeps ledgers
 */
export function createReplica(network: Network, lag: () => number): Network {
  let state = copy(network.state);
  let at = network.latest.sequence;

  const seen = (): ClosedLedger[] => {
    const { ledgers } = network;
    return ledgers.slice(0, Math.max(1, ledgers.length - lag()));
  };

  function follow(): LedgerState {
    const { ledgers } = network;
    const [first, target] = [ledgers[0]!.sequence, seen().at(-1)!.sequence];
    const kept = (sequence: number): ClosedLedger => ledgers[sequence - first]!;
    if (at < first) {
      state = copy(network.state);
      at = network.latest.sequence;
    }
    for (; at < target; at += 1) for (const change of changesOf(kept(at + 1))) write(state, change);
    for (; at > target; at -= 1) {
      for (const change of changesOf(kept(at)).reverse()) write(state, turned(change));
    }
    state.setHeader(kept(target).header);
    state.commit();
    return state;
  }

  return Object.create(network, {
    state: { get: follow },
    latest: { get: () => seen().at(-1)! },
    ledgers: { get: seen },
    transaction: {
      value: (hash: string) => {
        const found = network.transaction(hash);
        return found && found.ledger <= seen().at(-1)!.sequence ? found : undefined;
      },
    },
  }) as Network;
}
