import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { messageOf } from '../../../common/errors.ts';
import { isSignerError } from '../../errors.ts';
import { createWindows } from '../../journal/windows.ts';
import { evaluate } from '../evaluate.ts';
import { parseCases, runCase } from './cases.ts';
import { explain } from './explain.ts';
import { type PolicyFile, placeOf, readPolicyFiles, reasonOf } from './files.ts';
import { toJudged } from './readable.ts';
import { inAll } from './together.ts';

export interface PolicyIo {
  stdout: { write(text: string): unknown };
  stderr: { write(text: string): unknown };
}

const OPTIONS = {
  policy: { type: 'string', multiple: true },
  cases: { type: 'string', multiple: true },
  account: { type: 'string' },
  envelope: { type: 'string' },
  'network-passphrase': { type: 'string' },
  time: { type: 'string' },
  help: { type: 'boolean' },
} as const;

/** What a command takes beside the policies. */
const TAKES = { test: ['cases'], explain: ['account', 'envelope', 'network-passphrase', 'time'] };

const USAGE = `signer policy: tries policies out, without a key, a signer or a network

usage: signer policy test --policy FILE… --cases FILE…
       signer policy explain --policy FILE… [--account G…] [--envelope XDR --network-passphrase TEXT [--time TIME]]

  test                  judges the cases of a file; says of each whether it came out as expected and what refused it
  explain               what the policies allow together, the worst case, and what to look at again
  --policy FILE         a SigningPolicy; several are in force together
  --cases FILE          accounts, transactions and what is expected of them (examples/cases/market-maker.yaml)
  --account G…          of several accounts that the policies name
  --envelope XDR        judge this envelope, base64, as the first one that is ever signed
  --time TIME           RFC 3339, instead of now: what its time bounds are judged by

exit codes: 0 as expected or allowed, 1 not, 2 not understood
`;

/** `signer policy …`. Reads files, writes to stdout and stderr, touches nothing else; returns the exit code. */
export async function policyCommand(args: readonly string[], io: PolicyIo): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  if (values.help === true) {
    io.stdout.write(USAGE);
    return 0;
  }
  const [name = ''] = positionals;
  const { policy, help: _, ...others } = values;
  const known = Object.hasOwn(TAKES, name) ? TAKES[name as keyof typeof TAKES] : undefined;
  const isTest = name === 'test';
  const isMeant =
    known !== undefined &&
    positionals.length === 1 &&
    Object.keys(others).every((one) => known.includes(one));
  if (!isMeant || policy === undefined || (isTest && values.cases === undefined)) {
    io.stderr.write(USAGE);
    return 2;
  }
  try {
    const files = await readPolicyFiles(policy);
    return isTest ? await test(files, values.cases ?? [], io) : explained(files, values, io);
  } catch (error) {
    io.stderr.write(`signer: ${messageOf(error)}\n`);
    return 1;
  }
}

async function test(files: readonly PolicyFile[], names: readonly string[], io: PolicyIo): Promise<number> {
  let failed = 0;
  let all = 0;
  for (const name of names) {
    const given = parseCases(name, await readFile(name, 'utf8'));
    for (const one of given.cases) {
      const { isOk, text } = attempt(`${name}: case ${one.name}`, () => runCase(one, files, given));
      all++;
      if (!isOk) failed++;
      const { expect } = one;
      const expected =
        expect === 'allow'
          ? 'allow'
          : `${expect.refuse}${expect.field === undefined ? '' : ` at ${expect.field}`}`;
      io.stdout.write(
        `${isOk ? 'ok  ' : 'FAIL'} ${one.name}: ${text}${isOk ? '' : ` (expected ${expected})`}\n`,
      );
    }
  }
  io.stdout.write(`${all - failed} of ${all} cases as expected\n`);
  return failed === 0 ? 0 : 1;
}

/** @throws Error with what it was about */
function attempt<Result>(about: string, run: () => Result): Result {
  try {
    return run();
  } catch (cause) {
    throw new Error(`${about}: ${messageOf(cause)}`, { cause });
  }
}

interface ExplainOptions {
  account?: string | undefined;
  envelope?: string | undefined;
  'network-passphrase'?: string | undefined;
  time?: string | undefined;
}

function explained(files: readonly PolicyFile[], options: ExplainOptions, io: PolicyIo): number {
  const common = inAll(files.map(({ policy }) => policy.spec.accounts));
  const account = options.account ?? common[0];
  if (account === undefined || (options.account === undefined && common.length > 1))
    throw new Error('the policies do not name exactly one account in common; say which by --account');
  io.stdout.write(explain(files, account));
  if (options.envelope === undefined)
    return files.some(({ policy }) => policy.spec.accounts.includes(account)) ? 0 : 1;
  return judged(files, account, options, io);
}

function judged(
  files: readonly PolicyFile[],
  account: string,
  options: ExplainOptions,
  io: PolicyIo,
): number {
  const atMs = options.time === undefined ? Date.now() : Date.parse(options.time);
  if (Number.isNaN(atMs)) throw new Error('--time is no time of RFC 3339, for example 2026-01-01T00:00:00Z');
  const applying = files.filter(({ policy }) => policy.spec.accounts.includes(account));
  try {
    const now = Math.floor(atMs / 1000);
    const one = toJudged({ envelope: options.envelope! }, now, account, options['network-passphrase']);
    const decision = evaluate(
      one.judged,
      applying.map(({ policy }) => policy),
      {
        account,
        now: BigInt(now),
        total: (key, seconds, spends) => createWindows().total(key, seconds, spends, atMs),
        hasRate: () => true,
        // Whether the signer signed the inner one of a bump is not known here.
        countedFee: one.judged.feeBump === undefined ? undefined : one.judged.transaction.fee,
        isRepeated: false,
      },
    );
    io.stdout.write(
      decision.allowed
        ? 'The envelope is allowed, as far as what was signed before leaves room.\n'
        : `The envelope is refused by ${placeOf(decision.refusal, applying)}: ${reasonOf(decision.refusal)}\n`,
    );
    return decision.allowed ? 0 : 1;
  } catch (error) {
    if (!isSignerError(error)) throw error;
    io.stdout.write(`The envelope is refused before any policy: ${error.code}: ${error.message}\n`);
    return 1;
  }
}
