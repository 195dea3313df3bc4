/**
 * A process whose files may only have so many bytes (`ulimit -f`): to it the disk is full. Writes to a journal until that
 * fails, then prints what it saw as JSON. `node disk-full.ts DIR`.
 */
import { openJournal } from '../../../sidecar/journal/journal.ts';
import { ACCOUNT } from '../policy/fixtures.ts';
import { NETWORK, signed } from './fixtures.ts';

// Otherwise the kernel ends the process instead of refusing the write.
process.on('SIGXFSZ', () => undefined);
const journal = await openJournal({
  dir: process.argv[2]!,
  account: ACCOUNT,
  network: NETWORK,
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  expected: async () => 'init',
  retentionDays: 30,
  notice: () => undefined,
});
let released = 0;
let code: unknown;
while (code === undefined && released < 1_000)
  await journal.append(signed(released)).then(
    () => released++,
    (error: { code: unknown }) => {
      code = error.code;
    },
  );
const fault = journal.fault();
const head = journal.head();
// There may be room for the short line that it begins again with, but not for another signature.
await journal.tick();
const again = await journal.append(signed(released)).then(
  () => 'released',
  (error: { code: unknown }) => error.code,
);
process.stdout.write(`${JSON.stringify({ released, code, fault, head, again })}\n`);
process.exit(0);
