import type { Ledger } from '../../connector/ledger/types.ts';
import type { Server, SourcesWorld } from './ledger/sources-world.ts';
import { TRADER, USDC } from './ledger/sources-world.ts';

/*
 * Each lie that a server of the sandbox can tell, and what becomes of it. The test tries every cell, and the table in
 * docs/connector/verification.md is made of the same list.
 */

/** Who is asked. The first Horizon is the liar, unless a row says otherwise. */
export const SETUPS = {
  one: { title: 'One Horizon', servers: ['horizon'], quorum: 1 },
  two: { title: 'Two Horizons, quorum 2', servers: ['horizon', 'horizon-2'], quorum: 2 },
  rpc: { title: 'Horizon and RPC', servers: ['horizon', 'rpc'], quorum: 1 },
  three: { title: 'Two Horizons and RPC, quorum 2', servers: ['horizon', 'horizon-2', 'rpc'], quorum: 2 },
} as const satisfies Record<string, { title: string; servers: readonly Server[]; quorum: number }>;
export type Setup = keyof typeof SETUPS;

/**
 * `believed`: the lie is answered. `refused`: no answer, an error. `right`: the true answer in spite of the lie. With `+`
 * the liar is in quarantine afterwards, of two in dispute both.
 */
export type Fate = 'believed' | 'refused' | 'refused+' | 'right' | 'right+';

const MEANING: Record<Fate, string> = {
  believed: '**believed**',
  refused: 'refused',
  'refused+': 'refused, quarantine',
  right: 'true answer',
  'right+': 'true answer, quarantine',
};

/** What is asked, as text, and whether that is true; what an honest server answers is true in any case. */
export interface Question {
  ask(ledger: Ledger, hashes: Hashes, signal: AbortSignal): Promise<string>;
  isTrue?(answer: string, world: SourcesWorld, hashes: Hashes): boolean;
}

export interface Forgery {
  /** Name of the fault in the sandbox. */
  fault: string;
  lie: string;
  /** Switches it on; before the first answer of the server when `fromTheStart`. */
  tell(world: SourcesWorld, hashes: Hashes): void;
  fromTheStart?: true;
  question: Question;
  expected: Record<Setup, Fate>;
}

/** Transactions of ours: one that succeeded, one that failed, and one that comes into a ledger after the lie began. */
export interface Hashes {
  good: string;
  failed: string;
  late: string;
}

/** A head that was one a moment ago is true too: the age of heads is judged. */
const head: Question = {
  async ask(ledger, _hashes, signal) {
    const { sequence, closedAt } = await ledger.head(signal);
    return `${sequence} closed at ${closedAt}`;
  },
  isTrue: (answer, { sandbox: { network } }) =>
    network.ledgers.some(
      ({ sequence, closeTime }) => answer === `${sequence} closed at ${closeTime * 1_000}`,
    ),
};
const account: Question = {
  async ask(ledger, _hashes, signal) {
    const { sequence, balances } = (await ledger.account(TRADER, signal))!;
    return `${sequence} ${balances.map(({ asset, balance }) => `${balance} ${asset}`).sort()}`;
  },
};
const outcomeOf = (which: keyof Hashes): Question => ({
  async ask(ledger, hashes, signal) {
    const answer = await ledger.transaction(hashes[which], signal);
    return 'found' in answer
      ? `${answer.found.result.code} in ${answer.found.ledger}`
      : `absent up to ${answer.absentAt.sequence}`;
  },
  isTrue(answer, { sandbox: { network } }, hashes) {
    const [, upTo] = /^absent up to (\d+)$/.exec(answer) ?? [];
    return upTo !== undefined && Number(upTo) < network.transaction(hashes[which])!.ledger;
  },
});
const all = (fate: Fate): Record<Setup, Fate> => ({ one: fate, two: fate, rpc: fate, three: fate });

export const FORGERIES: readonly Forgery[] = [
  {
    fault: 'passphrase',
    lie: 'the server belongs to another network (seen within 30 s)',
    tell(world) {
      world.fault({ kind: 'passphrase', passphrase: 'Another Network' });
      world.advance(30_000);
    },
    question: head,
    expected: { one: 'refused+', two: 'refused+', rpc: 'right+', three: 'right+' },
  },
  {
    fault: 'forge_ledger by',
    lie: 'ledger numbers are off, from the start',
    fromTheStart: true,
    tell: (world) => world.fault({ kind: 'forge_ledger', by: 1 }),
    question: head,
    expected: { one: 'believed', two: 'refused+', rpc: 'refused+', three: 'right+' },
  },
  {
    fault: 'forge_ledger by',
    lie: 'ledger numbers jump, while we look',
    tell: (world) => world.fault({ kind: 'forge_ledger', by: 10 }),
    question: head,
    expected: { one: 'refused+', two: 'refused+', rpc: 'right+', three: 'right+' },
  },
  {
    fault: 'forge_ledger hash',
    lie: 'the newest ledger has another hash',
    tell: (world) => world.fault({ kind: 'forge_ledger', hash: 'ab'.repeat(32) }),
    question: head,
    expected: { one: 'refused+', two: 'refused+', rpc: 'right+', three: 'right+' },
  },
  {
    fault: 'lag frozen',
    lie: 'old ledgers, as if nothing had happened since (seen after 40 s)',
    tell(world) {
      world.fault({ kind: 'lag', ledgers: 'frozen' });
      world.advance(40_000);
    },
    question: head,
    expected: { one: 'refused', two: 'refused', rpc: 'right', three: 'right' },
  },
  {
    fault: 'stale_history',
    lie: 'nothing: it says itself that it is behind',
    tell: (world) => world.fault({ kind: 'stale_history' }),
    question: head,
    expected: { one: 'refused', two: 'refused', rpc: 'right', three: 'right' },
  },
  {
    fault: 'forge_account balance',
    lie: 'another balance of native',
    tell: (world) => world.fault({ kind: 'forge_account', account: TRADER, balance: '999999' }),
    question: account,
    expected: { one: 'believed', two: 'refused+', rpc: 'refused+', three: 'right+' },
  },
  {
    fault: 'forge_account asset',
    lie: 'another balance of an asset',
    tell: (world) => world.fault({ kind: 'forge_account', account: TRADER, asset: USDC, balance: '1' }),
    question: account,
    expected: { one: 'believed', two: 'refused+', rpc: 'refused+', three: 'right+' },
  },
  {
    fault: 'forge_account sequence',
    lie: 'a sequence number that is too high',
    tell: (world) => world.fault({ kind: 'forge_account', account: TRADER, sequence: '9000000000000' }),
    question: account,
    expected: { one: 'believed', two: 'refused+', rpc: 'refused+', three: 'right+' },
  },
  {
    fault: 'forge_account sequence',
    lie: 'a sequence number that goes back',
    tell: (world) => world.fault({ kind: 'forge_account', account: TRADER, sequence: '1' }),
    question: account,
    expected: { one: 'refused', two: 'refused', rpc: 'right', three: 'right' },
  },
  {
    fault: 'forge_account signers',
    lie: 'other signers (nothing depends on them here)',
    tell: (world) => world.fault({ kind: 'forge_account', account: TRADER, signers: [] }),
    question: account,
    expected: all('right'),
  },
  {
    fault: 'forge_transaction result',
    lie: 'a transaction that failed succeeded',
    tell: (world, { failed }) => world.fault({ kind: 'forge_transaction', hash: failed, result: 'success' }),
    question: outcomeOf('failed'),
    expected: { one: 'believed', two: 'refused+', rpc: 'refused+', three: 'right+' },
  },
  {
    fault: 'forge_transaction result',
    lie: 'a transaction that succeeded failed',
    tell: (world, { good }) => world.fault({ kind: 'forge_transaction', hash: good, result: 'failed' }),
    question: outcomeOf('good'),
    expected: { one: 'believed', two: 'refused+', rpc: 'refused+', three: 'right+' },
  },
  {
    fault: 'forge_transaction signatures',
    lie: 'our transaction bears no signature',
    tell: (world, { good }) => world.fault({ kind: 'forge_transaction', hash: good, signatures: 'none' }),
    question: outcomeOf('good'),
    expected: { one: 'refused+', two: 'refused+', rpc: 'right+', three: 'right+' },
  },
  {
    fault: 'forge_transaction signatures',
    lie: 'our transaction bears false signatures',
    tell: (world, { good }) => world.fault({ kind: 'forge_transaction', hash: good, signatures: 'false' }),
    question: outcomeOf('good'),
    expected: { one: 'refused+', two: 'refused+', rpc: 'right+', three: 'right+' },
  },
  {
    fault: 'forge_ledger by',
    lie: 'our transaction is in another ledger, from the start',
    fromTheStart: true,
    tell: (world) => world.fault({ kind: 'forge_ledger', by: 1 }),
    question: outcomeOf('good'),
    expected: { one: 'believed', two: 'refused+', rpc: 'refused+', three: 'right+' },
  },
  {
    fault: 'lag',
    lie: 'our transaction is not there: the server is two ledgers behind',
    tell: (world) => world.fault({ kind: 'lag', ledgers: 2 }),
    question: outcomeOf('late'),
    expected: all('right'),
  },
  {
    fault: 'html',
    lie: 'a page of HTML in place of each answer',
    tell: (world) => world.fault({ kind: 'html' }),
    question: account,
    expected: { one: 'refused+', two: 'refused+', rpc: 'right+', three: 'right+' },
  },
  {
    fault: 'body truncate',
    lie: 'half an answer, as if it were whole',
    tell: (world) => world.fault({ kind: 'body', how: 'truncate', bytes: 400 }),
    question: account,
    expected: { one: 'refused+', two: 'refused+', rpc: 'right+', three: 'right+' },
  },
  {
    fault: 'surge',
    lie: 'the network is full, bids are high (the fee caps bound what it can cost)',
    tell: (world) => world.fault({ kind: 'surge', fee: 90_000 }),
    question: {
      ask: async (ledger, _hashes, signal) => Object.values((await ledger.feeStatistics(signal)).bids).join(),
    },
    expected: all('believed'),
  },
];

/** The table as Markdown. */
export function renderForgeries(): string {
  const setups = Object.keys(SETUPS) as Setup[];
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    row(['Fault of the sandbox', 'The first Horizon says', ...setups.map((name) => SETUPS[name].title)]),
    row(['---', '---', ...setups.map(() => '---')]),
    ...FORGERIES.map(({ fault, lie, expected }) =>
      row([`\`${fault}\``, lie, ...setups.map((name) => MEANING[expected[name]])]),
    ),
  ].join('\n');
}
