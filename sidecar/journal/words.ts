import type { JournalEvent, JournalLine, LossReason, Spend } from './entry.ts';

/** A line of a journal as a person reads it. */
export const inWords = ({ n, time, event }: JournalLine): string => `${n} ${time} ${say(event)}`;

const STROOPS = 10_000_000n;

/** 12.5 for 125,000,000 stroops. */
export function decimal(stroops: string): string {
  const amount = BigInt(stroops);
  const fraction = (amount % STROOPS).toString().padStart(7, '0').replace(/0+$/, '');
  return `${amount / STROOPS}${fraction === '' ? '' : `.${fraction}`}`;
}

const spent = ({ kind, asset, pair, amount }: Spend): string =>
  `${decimal(amount)} ${asset} (${kind}${pair === undefined ? '' : ` ${pair.replace(' ', '/')}`})`;

const record = (of: { id: string; checkpoint: number } | undefined): string =>
  of === undefined ? '' : `; recorded was ${of.id} at checkpoint ${of.checkpoint}`;

/** How often each occurs: `3 manageSellOffer`. */
function counted(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${count} ${name}`).join(', ');
}

const names = (policies: readonly { name: string; hash: string }[]): string =>
  policies.map(({ name, hash }) => `${name} (${hash.slice(0, 12)})`).join(', ');

const LOSSES: Readonly<Record<LossReason, string>> = {
  empty: 'there was no journal',
  older: 'an older copy of the journal was found',
  corrupt: 'the journal was broken',
  another: 'another journal than the recorded one was found',
};

function say(event: JournalEvent): string {
  switch (event.type) {
    case 'created':
      return `journal ${event.id} of ${event.account} begins`;
    case 'confirmed':
      return `confirmed by ${event.by === 'init' ? '--init' : 'the operator'}`;
    case 'signed': {
      const { hash, inner, source, sequence, fee, spends, budget, policies } = event;
      const what = inner === undefined ? 'transaction' : `fee bump of ${inner},`;
      const counts = spends.length === 0 ? 'nothing, it was signed before' : spends.map(spent).join(' + ');
      const room = budget === 'deletions' ? ', of the room for deletions' : '';
      return `signed ${what} ${hash}: ${counted(event.operations)}; source ${source}, sequence ${sequence}, fee ${fee} stroops; counts ${counts}${room}; allowed by ${names(policies)}`;
    }
    case 'refused':
      return `refused ${event.hash ?? 'a request'}: ${event.code}, ${event.detail}`;
    case 'refusals': {
      const counts = Object.entries(event.counts).map(([code, count]) => `${count} ${code}`);
      return `refused, without lines of their own: ${counts.join(', ')}`;
    }
    case 'started':
      return 'the signer started';
    case 'key-usable':
      return 'the key is usable';
    case 'key-unusable':
      return `the key is not usable: ${event.code}`;
    case 'policies-loaded':
      return `policies in force: ${event.policies.length === 0 ? 'none' : names(event.policies)}`;
    case 'policies-refused':
      return `changed policies refused: ${event.reason}`;
    case 'incomplete-line-cut':
      return `${event.bytes} bytes of an unfinished line were cut off; nothing of them was released`;
    case 'write-recovered':
      return `the journal can be written again; before: ${event.reason}`;
    case 'clock-stepped':
      return `the wall clock jumped ${event.byMs < 0 ? 'back' : 'ahead'} by ${Math.abs(event.byMs) / 1000} s`;
    case 'space-low':
      return `only ${event.free} % of the journal’s disk is free; nothing is signed when it is full`;
    case 'loss':
      return `LOSS: ${LOSSES[event.reason]}${record(event.expected)}${event.detail === undefined ? '' : ` (${event.detail})`}`;
    case 'loss-waited':
      return 'nothing that was released before the loss can apply any more; windows count as full';
    case 'loss-accepted':
      return `loss accepted by ${event.by}: ${event.reason}`;
    case 'checkpoint':
      return `checkpoint ${event.number}`;
    case 'checkpoint-signed':
      return `checkpoint ${event.number} signed by ${event.key}`;
    case 'segments-removed':
      return `lines ${event.from} to ${event.to} removed, they were too old`;
    case 'ceremony':
      return `ceremony: signed ${event.hash} to create ${event.channels.join(', ')}; source ${event.source}, sequence ${event.sequence}, fee ${event.fee} stroops`;
  }
}
