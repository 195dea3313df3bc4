import assert from 'node:assert/strict';
import type { JournalRecord } from '../../operator/desired/journal.ts';
import { lostJournal, nextRecord } from '../../operator/journal.ts';
import type { SignerReport } from '../../operator/signer.ts';

type Reported = SignerReport['journal'];

interface Case {
  recorded?: JournalRecord;
  reported?: Reported;
  isDue?: boolean;
  /** What is recorded then. */
  next: JournalRecord | undefined;
  /** What the condition says; undefined when nothing is wrong with the journal. */
  lost?: RegExp;
}

const mine = { id: 'a', checkpoint: 5 };
const says = (standing: Reported['standing'], rest: Reported = {}): Reported => ({
  ...mine,
  ...(standing === undefined ? {} : { standing }),
  ...rest,
});
const other = { id: 'b', checkpoint: 1 };

const cases: Record<string, Case> = {
  'a signer that was not reached': { next: undefined },
  'a signer that was not reached, with a record': { recorded: mine, next: mine },
  'a signer that does not tell where it stands': { reported: { id: 'a' }, next: undefined },
  'such a signer with another journal': { recorded: mine, reported: other, next: mine },
  'a first start': { reported: says('unconfirmed'), next: mine },
  'a first start before the first checkpoint': {
    reported: { id: 'a', standing: 'unconfirmed' },
    next: { id: 'a' },
  },
  'a first start, at any time': { reported: says('unconfirmed'), isDue: false, next: mine },
  'a first start that has a fault beside': { reported: says('unconfirmed', { fault: 'x' }), next: mine },
  'an intact journal without a record': { reported: says('ready'), next: mine },
  'a journal that is lost before any was recorded': {
    reported: says('waiting'),
    next: undefined,
    lost: /^the signer has lost its journal\. Nothing is signed for some minutes/,
  },
  'a newer checkpoint': {
    recorded: { ...mine, former: 'z' },
    reported: says('ready', { checkpoint: 6 }),
    next: { ...mine, former: 'z', checkpoint: 6 },
  },
  'a newer checkpoint, too soon': {
    recorded: mine,
    reported: says('ready', { checkpoint: 6 }),
    isDue: false,
    next: mine,
  },
  'another journal that waits': {
    recorded: mine,
    reported: says('waiting', other),
    next: mine,
    lost: /has the journal b, recorded is a: .* Nothing is signed/,
  },
  'another journal that waited': {
    recorded: mine,
    reported: says('full', other),
    next: mine,
    lost: /has the journal b, recorded is a: .* All spending windows count as full.*accept-loss/,
  },
  'another journal that has not read the record': {
    recorded: mine,
    reported: says('unconfirmed', other),
    next: mine,
    lost: /has the journal b/,
  },
  'another journal that is ready': {
    recorded: mine,
    reported: says('ready', other),
    isDue: false,
    next: { ...other, former: 'a' },
  },
  'another journal that is ready by the record': {
    recorded: mine,
    reported: says('ready', { ...other, expected: { id: 'a' } }),
    next: { ...other, former: 'a' },
  },
  'another journal that is ready by an earlier record': {
    recorded: mine,
    reported: says('ready', { ...other, expected: { id: 'b' } }),
    next: mine,
    lost: /has the journal b/,
  },
  'another journal that is ready by no record': {
    recorded: mine,
    reported: says('ready', { ...other, expected: {} }),
    next: mine,
    lost: /has the journal b/,
  },
  'an older state of the journal': {
    recorded: mine,
    reported: says('full', { checkpoint: 4 }),
    next: mine,
    lost: /not what was recorded of a: it is older or damaged/,
  },
  'an older state that has not read the record': {
    recorded: mine,
    reported: says('unconfirmed', { checkpoint: 4 }),
    next: mine,
    lost: /older or damaged/,
  },
  'an older state of which the loss was accepted': {
    recorded: { ...mine, former: 'z' },
    reported: says('ready', { checkpoint: 4 }),
    isDue: false,
    next: { id: 'a', checkpoint: 4, former: 'z' },
  },
  'a journal that cannot be read': {
    recorded: mine,
    reported: { standing: 'waiting', fault: 'line 7' },
    next: mine,
    lost: /not what was recorded of a/,
  },
};

describe("the record of the signer's journal @security", () => {
  for (const [title, { recorded, reported, isDue = true, next, lost }] of Object.entries(cases)) {
    it(`of ${title} is ${JSON.stringify(next) ?? 'none'}${lost === undefined ? '' : ', and a loss is told'}`, () => {
      const found = nextRecord(recorded, reported, isDue);
      assert.deepEqual(found, next);
      const said = lostJournal(found, reported);
      if (lost === undefined) return assert.equal(said, undefined);
      assert.match(said ?? '', lost);
    });
  }
});
