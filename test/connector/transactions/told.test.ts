import assert from 'node:assert/strict';
import fc from 'fast-check';
import { connectorError } from '../../../connector/errors.ts';
import { trader } from '../../sandbox/testing.ts';
import { createRig, type Faults, intentOf, never, type Rig, sell, UNIT } from './rig.ts';

/** Numbers from 0 to 1, the same for the same seed. */
const randomOf = (seed: number) => (): number => {
  seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
  return seed / 0x7fffffff;
};

type Submit = NonNullable<Faults['submit']>;
const answers: [share: number, answer: Submit][] = [
  [0.25, () => ({ kind: 'unknown', reason: 'lost on the way there' })],
  [
    0.15,
    (_, pass) => {
      pass();
      return { kind: 'unknown', reason: 'lost on the way back' };
    },
  ],
  [0.1, () => ({ kind: 'try-again' })],
  [0.05, () => ({ kind: 'rate-limited', retryAfterMs: 2_000 })],
  [0.05, () => ({ kind: 'unsent', cause: 'refused' })],
];

function faultsOf(random: () => number): Faults {
  return {
    submit(envelopeXdr, pass) {
      let left = random();
      for (const [share, answer] of answers) {
        left -= share;
        if (left < 0) return answer(envelopeXdr, pass);
      }
      return pass();
    },
    lookup() {
      if (random() < 0.2) throw connectorError('ledger-unreachable', 'down');
    },
    refuse: () =>
      random() < 0.1 ? { field: 'price-out-of-collar', part: 'operations[0].price' } : undefined,
  };
}

/** Orders of different amounts come, the process is drained at some moment, and another one takes over. */
async function play(rig: Rig, random: () => number): Promise<void> {
  Object.assign(rig.faults, faultsOf(random));
  const hook = (share: number) => () => {
    if (random() < share) throw new Error('a hook failed');
  };
  const told = new Map<string, string>();
  const amounts = new Map<string, bigint>();
  const all: Promise<unknown>[] = [];
  for (let n = 0; n < 12; n++) {
    const id = `intent ${n}`;
    const amount = (random() < 0.15 ? 10n ** 15n : UNIT) + BigInt(n);
    amounts.set(id, amount);
    const more = { shared: random() < 0.8, signed: hook(0.05), ended: hook(0.1) };
    const run = rig.engine.run(intentOf(id, [sell(amount)], more), never);
    all.push(run.then(() => told.set(id, 'applied')).catch((error) => told.set(id, error.code)));
    await rig.time.pass(Math.floor(random() * 6_000));
  }
  await rig.time.pass(Math.floor(random() * 60_000));
  await rig.time.run(rig.engine.drain(Math.floor(random() * 20_000)));
  await rig.time.run(Promise.all(all));
  rig.restart({ recovered: hook(0.2) }).resume();
  await rig.time.pass(250_000);

  const placed = [...rig.network.state.entries()].flatMap((it) =>
    it.type === 'offer' && it.seller === trader.publicKey() ? [it.amount] : [],
  );
  for (const [id, amount] of amounts) {
    const times = placed.filter((it) => it === amount).length;
    const known = rig.engine.intent(id);
    assert.ok(times <= 1, `${id} was done twice`);
    assert.ok(known === undefined || known.state === 'ended', `${id} never ended`);
    if (told.get(id) !== 'transaction-timeout') assert.equal(told.get(id) === 'applied', times === 1, id);
    assert.equal(known?.ending?.kind === 'applied', times === 1, `${id} is kept as it was`);
  }
}

describe('connector/transactions: what is told', function () {
  this.timeout(60_000);

  it('@security agrees with the ledger, whatever fails and whenever the process ends (property)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 0x7fffffff }),
        fc.nat({ max: 3 }),
        async (seed, channels) => {
          const rig = createRig({ channels });
          try {
            await play(rig, randomOf(seed));
          } finally {
            rig.stop();
          }
        },
      ),
      { numRuns: 40, endOnFailure: true },
    );
  });
});
