/**
 * Replays a corpus of a real stellar-core and compares every result, hash and entry.
 * `node test/sandbox/conformance/main.ts --corpus FOLDER [--from CHECKPOINT] [--to LEDGER]`
 */
import { parseArgs } from 'node:util';
import { openCorpus } from './corpus.ts';
import { inWords } from './differences.ts';
import { type Report, replay } from './replay.ts';

const HELP = `Replays a corpus of ledgers of a real stellar-core and compares every result, hash and entry with it.

  make conformance CORPUS=FOLDER [FROM=N] [TO=M]

  CORPUS  the folder with network.json, ledgers.jsonl.gz, checkpoints/ and final-state.jsonl.gz
  FROM    begin after this checkpoint instead of at genesis
  TO      end after this ledger

What only the node's queue decides is counted as not comparable: TRY_AGAIN_LATER, DUPLICATE, a fee that had to be above
the minimum, and what the queue refuses with a fee of zero.

It prints how often each operation ended with each code and the first difference in words; its exit code is 1 where
there is a difference, 2 where the corpus or the range cannot be used.`;

const SHOWN = 20;

function print({ transactions, rejected, notComparable, differences, codes }: Report): void {
  for (const [code, count] of [...codes].sort(([a], [b]) => (a < b ? -1 : 1))) {
    console.log(`${code.padEnd(52)}${count}`);
  }
  if (differences.length > 0) console.log(`\nthe first difference: ${inWords(differences[0]!)}`);
  for (const difference of differences.slice(1, SHOWN)) console.log(inWords(difference));
  if (differences.length > SHOWN) console.log(`and ${differences.length - SHOWN} more`);
  console.log(
    `conformance: ${transactions} transactions, ${rejected} rejected, ${notComparable} not comparable, ${differences.length} differences`,
  );
}

function readLedger(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${name}=${text} is no ledger number`);
  return Number(text);
}

try {
  const { values } = parseArgs({
    options: {
      corpus: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    console.log(HELP);
  } else {
    if (!values.corpus) throw new Error('CORPUS names no folder');
    const report = await replay({
      corpus: openCorpus(values.corpus),
      from: readLedger('FROM', values.from),
      to: readLedger('TO', values.to),
      progress: (ledger) => {
        if (ledger % 1000 === 0) console.error(`ledger ${ledger}`);
      },
    });
    print(report);
    if (report.differences.length > 0) process.exitCode = 1;
  }
} catch (error) {
  console.error(`conformance: ${(error as Error).message}\n\n${HELP}`);
  process.exitCode = 2;
}
