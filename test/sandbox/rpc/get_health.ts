import { rpcError } from './errors.ts';
import { ledgerRange, method } from './method.ts';

/** How long ago the last ledger may have closed, in seconds. */
const MAX_LATENCY = 30;

/** A duration of whole seconds as Go writes it. */
function goDuration(seconds: number): string {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const first = seconds >= 3600 ? 0 : seconds >= 60 ? 1 : 2;
  return parts
    .map((part, index) => `${part}${'hms'[index]}`)
    .slice(first)
    .join('');
}

export const getHealth = method('getHealth', {}, (context) => {
  const latency = context.clock() / 1000 - context.network.latest.closeTime;
  if (latency > MAX_LATENCY) {
    const words = `latency (${goDuration(Math.round(latency))}) since last known ledger closed is too high (>${MAX_LATENCY}s)`;
    throw rpcError('internal', `[-32603] ${words}`);
  }
  return { status: 'healthy', ...ledgerRange(context), ledgerRetentionWindow: context.retain };
});
