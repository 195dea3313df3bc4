import { isCoded } from '../../common/errors.ts';
import { connectorError } from '../errors.ts';
import { ask } from './ask.ts';
import type { Outcome } from './decide.ts';
import { endingOf, errorOf, type Share, shuttingDown, timedOut, verdict } from './endings.ts';
import { createEnds } from './ends.ts';
import { createFlights } from './flight.ts';
import { createHeads } from './heads.ts';
import { type Batch, isPlausible, type Prepared, planBatch, refuse, sum } from './prepare.ts';
import { createRecords, type StoredIntent, type StoredTransaction } from './records.ts';
import { createSlots, freeSlot, type Slot } from './sequences.ts';
import { createSpent } from './spent.ts';
import type { Engine, EngineModules, EngineOptions } from './types.ts';
import { createWaiting, type Entry } from './waiting.ts';

/** How long after maxTime (milliseconds) the answer is held for a ledger that is late. */
const GRACE_MS = 15_000;
/** How long the signer holds a number for its transaction after maxTime, and a second, seconds. */
const SIGNER_HOLDS_SECONDS = 61;
/** How often (milliseconds) a number is asked for that the signer holds for a transaction we do not know. */
const HELD_POLL_MS = 3_000;
/** How long (milliseconds) a channel is left alone that the ledger does not have. */
const CHANNEL_MISSING_MS = 60_000;
/** How often an intent is tried again after transactions that failed by no fault of its own. */
const MAX_TRIES = 3;

type Kept = Omit<StoredTransaction, 'outcome'>;
/** One intent of a transaction; without an entry it is of an earlier process. */
interface Member {
  intent: StoredIntent;
  share: Share;
  entry: Entry | undefined;
}

/** See `Engine` for what holds, and docs/connector/transactions.md for how. Takes up nothing before `resume`. */
export function createEngine(options: EngineOptions, modules: EngineModules): Engine {
  const { account, events } = options;
  const { ledger, signer, state, now, sleep } = modules;
  const cut = new AbortController();
  const records = createRecords(state, now);
  const spent = createSpent(records, options.fees, now);
  const slots = createSlots(account, options.channelAccounts);
  const ends = createEnds(options, modules, records, cut.signal);
  const fly = createFlights(options, modules, records, createHeads(ledger, cut.signal), cut.signal);
  /** Intents without an ending, by id; with the hash of what was last signed for them. */
  const open = new Map<string, { entry: Entry | undefined; hash: string | undefined; flying: boolean }>();
  /** What transactions under way take out of the account. */
  const inFlight = new Set<{ spends: ReadonlyMap<string, bigint> }>();
  /** They wait until something under way ends, which takes too much for them. */
  const short: Entry[] = [];
  const working = new Set<Promise<void>>();
  let resumed = false;
  let closing = false;
  let turning = false;
  const waiting = createWaiting(() => kick(), modules);

  const work = (promise: Promise<void>): void => {
    // None of it rejects but by a fault of ours, which must not end the process.
    const over = promise
      .catch((error: unknown) => events.unsaved('', error))
      .finally(() => working.delete(over));
    working.add(over);
  };

  function kick(): void {
    if (turning || !resumed) return;
    turning = true;
    work(turns());
  }

  /** Fills the free accounts one after the other: each batch is planned on what those before it leave. */
  async function turns(): Promise<void> {
    // What is asked for at once goes into one transaction.
    await Promise.resolve();
    try {
      for (let next = nextTurn(); next !== undefined; next = nextTurn()) await turn(next);
    } finally {
      turning = false;
    }
  }

  function nextTurn(): Slot | undefined {
    if (closing) return undefined;
    const slot = waiting.has('delete') ? freeSlot(slots, 'delete', now()) : undefined;
    return slot ?? (waiting.has('trade') ? freeSlot(slots, 'trade', now()) : undefined);
  }

  async function turn(slot: Slot): Promise<void> {
    const entries = waiting.take(slot.deletionsOnly ? 'delete' : 'both', options.fees.maxOperations);
    slot.busy = true;
    // Before the account is read: what ends while it is read may or may not be in it.
    const flying = [...inFlight].map(({ spends }) => spends);
    let batch: Batch | undefined;
    try {
      const planned = await planBatch(
        slot,
        entries,
        flying,
        { ...options, history: spent },
        modules,
        cut.signal,
      );
      batch = planned.batch;
      putBack(planned.back);
      short.push(...planned.short);
      if (inFlight.size === 0) putBack(short.splice(0));
    } catch (error) {
      if (isCoded(error) && error.field === 'channelAccounts') {
        hold(slot, 'channel-missing', now() + CHANNEL_MISSING_MS);
        putBack(entries);
      } else for (const entry of entries) refuse(entry, error);
    }
    if (batch !== undefined && closing) {
      for (const { entry } of batch.planned) refuse(entry, shuttingDown());
      batch = undefined;
    }
    if (batch === undefined) slot.busy = false;
    else work(carry(slot, batch));
  }

  async function carry(slot: Slot, batch: Batch): Promise<void> {
    const spends = sum(batch.planned.map(({ plan }) => plan.spends));
    const flight: { spends: ReadonlyMap<string, bigint> } = { spends };
    inFlight.add(flight);
    try {
      const asking = (prepared: Prepared): void => {
        flight.spends = prepared.spends;
      };
      const asked = await ask(slot, batch, options, { signer, now }, asking, cut.signal);
      if (asked.prepared !== undefined) await send(slot, asked.prepared, asked.envelopeXdr);
      else {
        if (asked.held) {
          slot.sequence = undefined;
          hold(slot, 'sequence-live', now() + HELD_POLL_MS);
        }
        putBack(asked.back);
      }
    } finally {
      inFlight.delete(flight);
      slot.busy = false;
      putBack(short.splice(0));
      kick();
    }
  }

  /** Keeps the transaction, then sends it, and stays with it to its end. */
  async function send(slot: Slot, prepared: Prepared, envelopeXdr: string): Promise<void> {
    const { asked, planned, operations, deletions, sequence, fee, maxTime } = prepared;
    const { hash } = asked;
    const members = planned.map(({ entry, share }): Member & { entry: Entry } => {
      const { id, kind, payload } = entry.intent;
      return { intent: { id, hash, kind, payload, ...share, ending: undefined }, share, entry };
    });
    const transaction: Kept = {
      ...{ hash, envelopeXdr, bumpXdr: undefined, source: slot.account, sequence, fee, maxTime },
      ...{ deletions, operations, signedAt: now() },
    };
    try {
      state.transact(() => {
        records.add(
          transaction,
          members.map(({ intent }) => intent),
        );
        for (const { entry } of members) entry.intent.signed?.(hash);
      });
    } catch (error) {
      for (const { entry } of members) refuse(entry, error);
      release(slot, transaction, undefined);
      return;
    }
    for (const { entry } of members) open.set(entry.intent.id, { entry, hash, flying: true });
    const known = new AbortController();
    const late = (): void => {
      for (const { entry } of members) if (!entry.answered) refuse(entry, timedOut(hash));
    };
    sleep(maxTime * 1_000 + GRACE_MS - now(), known.signal).then(late, () => undefined);
    try {
      spent.add(fee, operations);
      events.sending(hash, { source: slot.account, operations, intents: members.length, fee });
      const outcome = await fly(transaction, false, (result) => isPlausible(result, operations, planned));
      known.abort();
      settle(slot, transaction, members, outcome, prepared.plannedAt);
    } catch (error) {
      if (!cut.signal.aborted) {
        events.unsaved(hash, error);
        release(slot, transaction, undefined);
      }
      late();
    } finally {
      known.abort();
    }
  }

  /** Keeps the endings, then tells them. Intents that did nothing wrong are tried again, if nobody was told yet. */
  function settle(
    slot: Slot,
    transaction: Kept,
    members: readonly Member[],
    outcome: Outcome,
    plannedAt: number | undefined,
  ): void {
    const { hash, envelopeXdr, operations } = transaction;
    const whole = verdict(outcome, transaction, { first: 0, count: operations }).ending;
    const verdicts = members.map((member) => ({ ...member, ...verdict(outcome, transaction, member.share) }));
    const mayTryAgain = ({ entry, again }: (typeof verdicts)[number]): boolean =>
      again &&
      entry !== undefined &&
      !entry.answered &&
      !entry.signal.aborted &&
      !closing &&
      entry.tries < MAX_TRIES;
    const over = verdicts.filter((it) => !mayTryAgain(it));
    ends.keep(hash, whole, envelopeXdr, over);
    release(slot, transaction, outcome);
    const ledger = 'found' in outcome ? outcome.found.ledger : undefined;
    const ledgers = ledger === undefined || plannedAt === undefined ? undefined : ledger - plannedAt;
    events.ended(hash, outcome.kind, ledgers);
    for (const { intent, entry, ending } of over) {
      open.delete(intent.id);
      if (entry === undefined || entry.answered) continue;
      entry.answered = true;
      const told = endingOf(hash, ending, envelopeXdr);
      if (told?.kind === 'applied') entry.resolve(told.receipt);
      else entry.reject(errorOf(ending));
    }
    const again = verdicts.filter(mayTryAgain).map(({ entry }) => entry!);
    for (const entry of again) {
      entry.tries++;
      open.set(entry.intent.id, { entry, hash, flying: false });
    }
    putBack(again);
  }

  /** What is known now of the account's sequence. */
  function release(slot: Slot, { sequence, maxTime }: Kept, outcome: Outcome | undefined): void {
    if (outcome !== undefined && 'found' in outcome) {
      slot.sequence = sequence;
      if (sequence > slot.least) slot.least = sequence;
      return;
    }
    slot.sequence = undefined;
    const isTaken = outcome?.kind === 'expired' && outcome.refusal?.result?.code === 'txBadSeq';
    // What a server told us was used may not be: the next one is what the ledger says now.
    if (isTaken) slot.least = 0n;
    else hold(slot, 'came-to-nothing', (maxTime + SIGNER_HOLDS_SECONDS) * 1_000);
  }

  function hold(slot: Slot, reason: string, until: number): void {
    slot.heldUntil = until;
    events.held(slot.account, reason, until);
    const free = (): void => {
      // Whatever the clock says by then: it may have been set back.
      if (slot.heldUntil === until) slot.heldUntil = 0;
      kick();
    };
    sleep(Math.max(until - now(), 0) + 1, cut.signal).then(free, () => undefined);
  }

  function putBack(entries: readonly Entry[]): void {
    if (closing) for (const entry of entries) refuse(entry, shuttingDown());
    else if (entries.length > 0) waiting.putBack(entries);
  }

  /** What an earlier process left of one account, in order; `slot` gives no number until all are known. */
  async function takeUp(slot: Slot, transactions: readonly StoredTransaction[]): Promise<void> {
    slot.busy = true;
    for (const transaction of transactions) {
      const { hash, operations } = transaction;
      try {
        const members = records
          .intentsOf(hash)
          .map((intent): Member => ({ intent, share: intent, entry: undefined }));
        for (const { intent } of members) open.set(intent.id, { entry: undefined, hash, flying: true });
        const outcome = await fly(transaction, true, (result) => isPlausible(result, operations, []));
        settle(slot, transaction, members, outcome, undefined);
      } catch (error) {
        if (cut.signal.aborted) return;
        events.unsaved(hash, error);
      }
    }
    // They may be old, and others came after them.
    slot.sequence = undefined;
    slot.busy = false;
    kick();
  }

  return {
    async run(intent, signal) {
      if (closing) throw shuttingDown();
      const { id } = intent;
      if (open.has(id) || records.intent(id) !== undefined) {
        throw connectorError('conflict', `the intent ${id} is known already`);
      }
      open.set(id, { entry: undefined, hash: undefined, flying: false });
      try {
        return await waiting.add(intent, signal);
      } catch (error) {
        const known = open.get(id);
        if (known?.flying === false && known.hash !== undefined) ends.giveUp(id, known.entry, error);
        throw error;
      } finally {
        // One that was told of a timeout is still under way.
        if (open.get(id)?.flying === false) open.delete(id);
      }
    },
    lookup(hash) {
      const known = records.get(hash);
      if (known === undefined) return undefined;
      return { maxTime: known.maxTime, ending: endingOf(hash, known.outcome, known.envelopeXdr) };
    },
    intent(id) {
      const live = open.get(id);
      if (live !== undefined) {
        return { state: live.flying ? 'in-flight' : 'waiting', hash: live.hash, ending: undefined };
      }
      const kept = records.intent(id);
      if (kept === undefined) return undefined;
      const ending = endingOf(kept.hash, kept.ending, records.get(kept.hash)?.envelopeXdr ?? '');
      return { state: ending === undefined ? 'in-flight' : 'ended', hash: kept.hash, ending };
    },
    resume() {
      if (resumed) return;
      resumed = true;
      ends.endAbandoned();
      for (const [source, transactions] of Map.groupBy(records.pending(), (it) => it.source)) {
        const isOld = ({ maxTime }: Kept): boolean => now() > (maxTime + SIGNER_HOLDS_SECONDS) * 1_000;
        const { true: old = [], false: live = [] } = Object.groupBy(transactions, (it) => `${isOld(it)}`);
        // What is long past its time holds no number, and servers may not tell of it: the newest first. A channel that is
        // no longer listed is followed all the same.
        const apart = (): Slot => createSlots(source, [])[0]!;
        work(takeUp(apart(), old.reverse()));
        work(takeUp(slots.find((it) => it.account === source) ?? apart(), live));
      }
      kick();
    },
    async drain(patienceMs) {
      closing = true;
      waiting.rejectAll(shuttingDown());
      const over = new AbortController();
      const idle = async (): Promise<void> => {
        while (working.size > 0) await Promise.allSettled([...working]);
      };
      const patience = sleep(patienceMs, over.signal).catch(() => undefined);
      await Promise.race([idle(), patience]);
      over.abort();
      cut.abort(shuttingDown());
      await idle();
    },
    load: () => ({
      waiting: waiting.size,
      inFlight: inFlight.size,
      channels: options.channelAccounts.length,
    }),
  };
}
