import * as z from 'zod';
import { isCoded } from '../../../common/errors.ts';
import { formatFee } from '../../market/amount.ts';
import { isDead } from '../../transactions/decide.ts';
import { TIME_BOUND_SECONDS } from '../../transactions/prepare.ts';
import { explainFailure } from '../../transactions/result.ts';
import type { Ending } from '../../transactions/types.ts';
import { CHAIN, type Context } from '../context.ts';
import { defineRoute } from '../route.ts';

const result = z.strictObject({
  currentBlock: z.int(),
  signature: z.string(),
  txBlock: z.int().nullable(),
  txStatus: z.literal([1, 0, -1, -2]),
  fee: z.string().nullable(),
  error: z.string().nullable(),
  txData: z.null(),
});

/** The fate of a transaction: 1 applied, 0 may still apply, -1 failed, -2 not found and never will be. */
export const chainPoll = defineRoute({
  method: 'post',
  path: `/chains/${CHAIN}/poll`,
  kind: 'read',
  summary: 'The fate of a transaction',
  body: z.strictObject({
    network: z.string().max(64).optional(),
    signature: z.string().regex(/^[0-9a-f]{64}$/, 'must be a transaction hash'),
  }),
  result,
  handle: ({ body }, context, signal) => {
    return poll(body.signature, context, signal);
  },
});

/**
 * How ours ended, as the engine knows it; of all else what the ledger says. One that is absent may still apply (0) until
 * both the ledger and our clock are past its maxTime; only then, or when we never made it, is it -2, on which the client
 * sends its order again. While no ledger can be asked, one of ours is not resolved: 0.
 */
async function poll(
  hash: string,
  { engine, ledger, now }: Context,
  signal: AbortSignal,
): Promise<z.infer<typeof result>> {
  const known = engine.lookup(hash);
  const sequence = async (): Promise<number> =>
    (await ledger.head(signal).catch(() => undefined))?.sequence ?? 0;
  const answer = { signature: hash, txBlock: null, fee: null, error: null, txData: null };
  if (known?.ending !== undefined) {
    return { ...answer, currentBlock: await sequence(), ...shown(known.ending) };
  }
  // A history that begins after it was signed does not say that it is dead.
  const since = known && (known.maxTime - TIME_BOUND_SECONDS) * 1_000;
  const looked = await ledger.transaction(hash, signal, since).catch((error: unknown) => {
    if (known === undefined || isCoded(error, 'ledger-untrusted', 'network-mismatch')) throw error;
    return undefined;
  });
  if (looked === undefined) return { ...answer, currentBlock: await sequence(), txStatus: 0 };
  if ('absentAt' in looked) {
    const { sequence: currentBlock, closedAt } = looked.absentAt;
    return { ...answer, currentBlock, txStatus: isDead(known?.maxTime ?? 0, closedAt, now()) ? -2 : 0 };
  }
  const { ledger: txBlock, result: done } = looked.found;
  const fee = formatFee(done.feeCharged);
  const currentBlock = Math.max(await sequence(), txBlock);
  if (done.successful) return { ...answer, currentBlock, txBlock, txStatus: 1, fee };
  return { ...answer, currentBlock, txBlock, txStatus: -1, fee, error: explainFailure(done).message };
}

/** An end that the engine has seen. */
function shown(ending: Ending): Pick<z.infer<typeof result>, 'txStatus' | 'txBlock' | 'fee' | 'error'> {
  switch (ending.kind) {
    case 'applied': {
      const { ledger: txBlock, fee } = ending.receipt;
      return { txStatus: 1, txBlock, fee: formatFee(fee), error: null };
    }
    case 'failed': {
      const { ledger: txBlock = null, result: done, message } = ending;
      return {
        txStatus: -1,
        txBlock,
        fee: done === undefined ? null : formatFee(done.feeCharged),
        error: message,
      };
    }
    case 'dead':
      return { txStatus: -2, txBlock: null, fee: null, error: null };
  }
}
