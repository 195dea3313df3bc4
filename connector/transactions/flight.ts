import type { Observation, Outcome } from './decide.ts';
import { buildBump } from './envelope.ts';
import { bumpFee } from './fees.ts';
import { follow } from './follow.ts';
import type { Records, StoredTransaction } from './records.ts';
import type { DecodedResult } from './result.ts';
import { signed } from './sign.ts';
import type { EngineModules, EngineOptions } from './types.ts';

/**
 * Sends a kept transaction and stays with it until its fate is known, with fee bumps around it where it is stuck.
 * Rejects only when `cut` is aborted.
 */
export function createFlights(
  options: EngineOptions,
  { ledger, signer, now, sleep }: EngineModules,
  records: Records,
  nextClose: (signal: AbortSignal) => Promise<void>,
  cut: AbortSignal,
) {
  const { events, fees, networkPassphrase } = options;

  return (
    transaction: Omit<StoredTransaction, 'outcome'>,
    resumed: boolean,
    plausible: (result: DecodedResult) => boolean,
  ): Promise<Outcome> => {
    const { hash, envelopeXdr, bumpXdr, maxTime, operations, source } = transaction;
    const sent = { hash, envelopeXdr: bumpXdr ?? envelopeXdr, maxTime, resumed, plausible };
    let bid = {
      fee: transaction.fee,
      units: bumpXdr === undefined ? operations : operations + 1,
      operations,
    };

    const bump = async (
      needed: { fee: bigint; units: number } | undefined,
    ): Promise<'sent' | 'not-needed' | 'forbidden' | 'refused'> => {
      try {
        const fee = bumpFee(await ledger.feeStatistics(cut), fees, bid, needed);
        if (typeof fee === 'string') return fee;
        const asked = buildBump(envelopeXdr, { feeSource: source, fee, networkPassphrase });
        const bumped = await signed(signer, asked, options, cut);
        records.bump(hash, bumped, fee);
        sent.envelopeXdr = bumped;
        bid = { fee, units: operations + 1, operations };
        return 'sent';
      } catch {
        return 'refused';
      }
    };

    const following = {
      ...{ ledger, now, sleep, nextClose },
      bump: (underbid: { result: DecodedResult | undefined } | undefined) => {
        const { feeCharged } = underbid?.result ?? {};
        return bump(feeCharged === undefined ? undefined : { fee: feeCharged, units: bid.units });
      },
      observed({ event, fact }: Observation) {
        if (event === 'bumped') events.bumped(hash, fact.kind);
        else events.answered(hash, event, fact.kind);
      },
    };
    return follow(sent, following, cut);
  };
}
