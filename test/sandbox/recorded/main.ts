import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { localNode } from './local.ts';
import { remoteNode } from './node.ts';
import { readRecordings } from './recordings.ts';
import { readFacts } from './roles.ts';
import { prepare, type Walk, walk } from './walk.ts';

const HELP = `node test/sandbox/recorded/main.ts --folder FOLDER [--base URL] [--rpc] [--unmet]

Sends every recorded request of FOLDER (recordings.jsonl, sse-*.jsonl, accounts.json) again, with the ids of the network
that is asked in place of the recorded ones, and compares the answers with the recorded ones: status, headers that
matter, shape and types, verdicts of errors. Before that it builds a world like the recorded one: accounts in the same
roles, books, a pool, trades, failed and fee-bump transactions. What ailed the recorded server, as its answers tell (a
limit, old data, surge, a core that refuses or is silent), ails the sandbox by its own faults; with --base such exchanges
are not served.

  --base URL    a Horizon, or with --rpc a Stellar RPC, of a standalone network whose root account still has its lumens;
                without it a sandbox in this process. Ledgers have to be some seconds apart, as
                the recorded ones: a few exchanges want a transaction that still waits
  --rpc         the recordings are of Stellar RPC
  --unmet       also list what the recorded answers hold and the world does not

Each difference is printed in words; the last line is
\`recorded: N exchanges, M not served, Q not met, D differences\`. Exit code 1 on differences, 2 on a wrong command.
`;

/** Walks a folder against a server, or against a sandbox of its own. */
export async function walkFolder(folder: string, rpc: boolean, base?: string): Promise<Walk> {
  const recordings = readRecordings(folder);
  const names = JSON.parse(readFileSync(join(folder, 'accounts.json'), 'utf8')) as Record<string, string>;
  const facts = readFacts(recordings, names);
  const local = base === undefined ? await localNode(facts.passphrase, rpc) : undefined;
  try {
    const node = local ?? (await remoteNode(base!, rpc));
    // Accounts of their own for each walk of a server that was walked before.
    const prepared = await prepare(node, recordings, facts, local ? 'world' : `world ${Date.now()}`);
    return await walk(prepared, recordings);
  } finally {
    await local?.stop();
  }
}

export const summary = ({ recorded, notServed, unmet, differences }: Walk): string => {
  const left = [...notServed.values()].flat().length;
  return `recorded: ${recorded} exchanges, ${left} not served, ${unmet.length} not met, ${differences.length} differences`;
};

async function main(): Promise<number> {
  const options = {
    base: { type: 'string' },
    folder: { type: 'string' },
    rpc: { type: 'boolean', default: false },
    unmet: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  } as const;
  const { values } = parseArgs({ options });
  if (values.help || values.folder === undefined) {
    console.log(HELP);
    return values.help ? 0 : 2;
  }
  const result = await walkFolder(values.folder, values.rpc, values.base?.replace(/\/$/, ''));
  for (const one of result.differences) console.log(`difference: ${one}`);
  if (values.unmet) for (const one of result.unmet) console.log(`not met: ${one}`);
  for (const [reason, numbers] of result.notServed)
    console.log(`not served, ${reason}: ${numbers.join(' ')}`);
  console.log(summary(result));
  return result.differences.length > 0 ? 1 : 0;
}

if (import.meta.main) process.exitCode = await main();
