import { Asset, Operation } from '@stellar/stellar-sdk/base';
import { formatAmount } from './amount.ts';
import { whenApplied } from './applied.ts';
import type { AppliedTransaction } from './ledger/close.ts';
import { succeeded } from './ledger/result.ts';
import type { Network } from './network.ts';
import { seedKey, signedEnvelope } from './signed.ts';

/** Stroops that the real one gives. */
const STARTING_BALANCE = 100_000_000_000n;
/** Stroops; the root account can afford to be in the next ledger. */
const FEE = 100_000n;

/** Why an account was not funded, in the real friendbot's words where it has some (a 400, `bad_request`). */
export class FriendbotProblem extends Error {
  override readonly name = 'FriendbotProblem';
}

export interface Friendbot {
  /**
   * Makes an account with 10,000 XLM, or gives as much to one that has less; resolves when a ledger has it.
   * @throws FriendbotProblem
   */
  fund(address: string, signal: AbortSignal): Promise<AppliedTransaction>;
}

/** Gives lumens of the network's root account to who asks, one after the other: an account has one transaction at a time. */
export function createFriendbot(network: Network): Friendbot {
  const { passphrase, state } = network;
  const root = seedKey(passphrase);
  let turn: Promise<unknown> = Promise.resolve();

  async function fund(address: string, signal: AbortSignal): Promise<AppliedTransaction> {
    signal.throwIfAborted();
    const known = state.account(address);
    if (known && known.balance >= STARTING_BALANCE)
      throw new FriendbotProblem('account already funded to starting balance');
    const to = { destination: address };
    const amount = formatAmount(STARTING_BALANCE);
    const submission = network.submit(
      signedEnvelope({
        source: root,
        sequence: state.account(root.publicKey())!.sequence + 1n,
        operations: [
          known
            ? Operation.payment({ ...to, asset: Asset.native(), amount })
            : Operation.createAccount({ ...to, startingBalance: amount }),
        ],
        fee: FEE,
        passphrase,
      }),
    );
    if (submission.status !== 'PENDING')
      throw new FriendbotProblem(`the network answered ${submission.status}`);
    const { hash } = submission.transaction;
    const isLost = () => !network.queue.pending().some((one) => one.hash === hash);
    const found = await whenApplied(network, hash, signal, isLost);
    signal.throwIfAborted();
    if (!found) throw new FriendbotProblem('the network dropped the transaction');
    if (!succeeded(found.result)) throw new FriendbotProblem(`the transaction ended as ${found.result.code}`);
    return found;
  }

  return {
    fund(address, signal) {
      const result = turn.then(() => fund(address, signal));
      turn = result.catch(() => undefined);
      return result;
    },
  };
}
