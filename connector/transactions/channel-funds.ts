import { messageOf } from '../../common/errors.ts';
import type { Ledger } from '../ledger/types.ts';
import { NATIVE } from '../market/asset.ts';
import { spendable } from '../market/balance.ts';
import type { State } from '../state.ts';

export interface ChannelFundsOptions {
  channels: readonly string[];
  ledger: Pick<Ledger, 'head' | 'account'>;
  state: State;
  /** Milliseconds since 1970. */
  now(): number;
  /** What a channel can still pay fees with, stroops. */
  measured(channel: string, left: bigint): void;
  /** It pays no more than a day at the rate of the last one; `need` in stroops. */
  low(channel: string, left: bigint, need: bigint): void;
  failed(channel: string, reason: string): void;
}

const DAY_MS = 86_400_000;
/** Channels pay the fees of what they carry; with less than this (stroops) one is low even when it was idle. */
const LEAST = 1_000_000n;

/** Looks once at what each channel account has left for fees. A policy's `payments` rule refills it. */
export async function lookAtChannels(options: ChannelFundsOptions, signal: AbortSignal): Promise<void> {
  const { channels, ledger, state, now } = options;
  const spent = state.db.prepare(
    'SELECT COALESCE(SUM(CAST(fee AS INTEGER)), 0) AS fees FROM transactions WHERE source = ? AND signed_at >= ?',
  );
  for (const channel of channels) {
    try {
      const [{ baseReserve }, account] = await Promise.all([
        ledger.head(signal),
        ledger.account(channel, signal),
      ]);
      const left = account === undefined ? 0n : (spendable(account, baseReserve).get(NATIVE) ?? 0n);
      options.measured(channel, left);
      const { fees } = spent.get(channel, now() - DAY_MS) as { fees: number };
      const need = BigInt(fees) > LEAST ? BigInt(fees) : LEAST;
      if (left < need) options.low(channel, left, need);
    } catch (error) {
      if (signal.aborted) return;
      options.failed(channel, messageOf(error));
    }
  }
}
