import type { Signer } from '../signing/client.ts';
import { type Batch, dryRun, type Planned, type Prepared, prepare, refuse, without } from './prepare.ts';
import type { Slot } from './sequences.ts';
import { afterRefusal, refusedOperation, signed } from './sign.ts';
import type { EngineOptions } from './types.ts';
import type { Entry } from './waiting.ts';

/** Signed, or who waits again; `held` when the signer holds the number for a transaction that we do not know. */
export type Asked =
  | { prepared: Prepared; envelopeXdr: string }
  | { prepared: undefined; back: readonly Entry[]; held: boolean };

/**
 * Has the batch signed, or what the signer leaves of it: whom a refusal is about is told, the others go on. `asking` is
 * called with what the signer is asked for.
 */
export async function ask(
  slot: Slot,
  batch: Batch,
  options: Pick<EngineOptions, 'account' | 'networkPassphrase' | 'fees' | 'dryRun'>,
  { signer, now }: { signer: Pick<Signer, 'sign'>; now(): number },
  asking: (prepared: Prepared) => void,
  signal: AbortSignal,
): Promise<Asked> {
  for (let left = batch; left.planned.length > 0; ) {
    try {
      const prepared = prepare(slot, left, options, now());
      if (options.dryRun) throw dryRun(prepared);
      asking(prepared);
      return { prepared, envelopeXdr: await signed(signer, prepared.asked, options, signal) };
    } catch (error) {
      const { planned } = left;
      const entries = planned.map(({ entry }) => entry);
      const verdict = afterRefusal(error);
      if (verdict === 'hold') return { prepared: undefined, back: entries, held: true };
      const named = verdict === 'of-one' ? ownerOf(planned, refusedOperation(error)) : undefined;
      if (verdict === 'of-one' && named === undefined && entries.length > 1) {
        for (const entry of entries) entry.share = Math.floor(entries.length / 2);
        return { prepared: undefined, back: entries, held: false };
      }
      const isOut = ({ entry }: Planned): boolean => {
        if (named !== undefined) return entry === named.entry;
        return verdict !== 'deletions' || entry.intent.lane !== 'delete';
      };
      const out = planned.some(isOut) ? planned.filter(isOut) : planned;
      for (const { entry } of out) refuse(entry, error);
      left = without(left, out);
    }
  }
  return { prepared: undefined, back: [], held: false };
}

const ownerOf = (planned: readonly Planned[], operation: number | undefined): Planned | undefined =>
  operation === undefined
    ? undefined
    : planned.find(({ share: { first, count } }) => operation >= first && operation < first + count);
