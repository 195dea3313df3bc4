/**
 * `make bench-connector`: sandbox, signer with a SoftHSM token and connector as processes over mTLS, measured against what they stand on, in
 * turn in one run. It prints and never fails on a figure: machines differ, ratios less.
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { benchOffers } from './connector-offers.ts';
import { benchQuotes } from './connector-quotes.ts';
import { benchStream } from './connector-stream.ts';
import { createStand, endAll, withStands } from './stand.ts';

const { values } = parseArgs({
  options: {
    part: { type: 'string', default: 'all' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    /** Ledgers of the measurement from the book to the client, and of each way to place offers. */
    updates: { type: 'string', default: '120' },
    ledgers: { type: 'string', default: '4' },
    /** A folder for a CPU profile of the connector that quotes. */
    profile: { type: 'string' },
  },
});
const wants = (...parts: string[]): boolean => ['all', ...parts].includes(values.part);

await withStands(async () => {
  const began = Date.now();
  console.log(`${cpus().length} cores, ${cpus()[0]?.model}, node ${process.version}`);
  if (wants('quotes', 'stream')) {
    console.log('ledger, signer and connector start');
    // Streams tell at once, so that this process and the connector hear of a book at the same time.
    const stand = await createStand({ ledger: ['--stream-at-once', '--close-ms', '5000'], channels: 3 });
    await stand.start(
      3,
      values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`],
    );
    if (wants('quotes')) {
      console.log(`quotes: ${values.rounds} rounds`);
      await benchQuotes(stand, { rounds: Number(values.rounds), seconds: Number(values.seconds) });
    }
    if (wants('stream')) {
      console.log(`book updates: ${values.updates} ledgers`);
      await benchStream(stand, { ledgers: Number(values.updates) });
    }
    await endAll();
  }
  if (wants('offers')) {
    console.log(`offers: five ways, ${values.ledgers} ledgers of 5 s each`);
    const options = ['--close-ms', '5000'];
    const stand = await createStand({
      ledger: options,
      channels: 16,
      scenario: (it) => (it.maxTxSetSize = 10_000),
    });
    await benchOffers(stand, { ledgers: Number(values.ledgers) });
  }
  console.log(`took ${Math.round((Date.now() - began) / 1000)} s`);
  return 0;
});
