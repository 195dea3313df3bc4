import type { AppliedTransaction } from './ledger/close.ts';
import type { Network } from './network.ts';

/**
 * Resolves with a transaction when a ledger has it, with undefined when `signal` ends first.
 * @param isLost asked after each close: whether it can no longer come, which also ends it
 */
export function whenApplied(
  network: Network,
  hash: string,
  signal: AbortSignal,
  isLost = () => false,
): Promise<AppliedTransaction | undefined> {
  return new Promise((resolve) => {
    const look = (): void => {
      const found = network.transaction(hash);
      if (!found && !signal.aborted && !isLost()) return;
      stopListening();
      signal.removeEventListener('abort', look);
      resolve(found);
    };
    const stopListening = network.onClose(look);
    signal.addEventListener('abort', look);
    look();
  });
}
