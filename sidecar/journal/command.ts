import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { StrKey } from '@stellar/stellar-sdk/base';
import canonicalize from 'canonicalize';
import type { Io } from '../cli.ts';
import { EVENT_TYPES, type JournalLine } from './entry.ts';
import { askHolder } from './lock.ts';
import { appendOffline } from './offline.ts';
import { type Noted, type Verification, verifyFolder } from './verify.ts';
import { inWords } from './words.ts';

const USAGE = `usage: signer journal COMMAND [--dir DIR] …     DIR: or STELLAR_JOURNAL_DIR

  verify       follows the chain and names the first line that is wrong; works beside a running signer
                 --audit-key KEY    who must have signed the checkpoints (G… or hexadecimal)
                 --head N:HASH      a line that was noted, as /status or export gave it
                 --checkpoint N     a checkpoint that was noted
  show         the lines in words
                 --since TIME --until TIME --type TYPE --hash HASH, --json for the lines as they are
                 TIME: 2026-01-31T12:00:00Z; TYPE: signed, refused, loss and whatever else a line says
  export       the head as JSON, to be noted elsewhere, with the newest signed checkpoint
                 --lines            all lines instead; --out FILE
  accept-loss  opens the windows after a loss; a running signer does it at once
                 --reason TEXT --by NAME

exit codes: 0 done, 1 refused or failed, 2 not understood
`;

const OPTIONS = {
  dir: { type: 'string' },
  help: { type: 'boolean' },
  'audit-key': { type: 'string' },
  head: { type: 'string' },
  checkpoint: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  type: { type: 'string' },
  hash: { type: 'string' },
  json: { type: 'boolean' },
  lines: { type: 'boolean' },
  out: { type: 'string' },
  reason: { type: 'string' },
  by: { type: 'string' },
} as const;

type Values = ReturnType<typeof parse>['values'];
type Run = (dir: string, values: Values, io: Io) => Promise<number>;

const parse = (args: readonly string[]) =>
  parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS });

/** Which options each command takes, beside --dir. */
const COMMANDS: Readonly<Record<string, { run: Run; takes: readonly (keyof Values)[] }>> = {
  verify: { run: verify, takes: ['audit-key', 'head', 'checkpoint'] },
  show: { run: show, takes: ['since', 'until', 'type', 'hash', 'json'] },
  export: { run: exportIt, takes: ['lines', 'out'] },
  'accept-loss': { run: acceptLoss, takes: ['reason', 'by'] },
};

class Misused extends Error {}

/** `signer journal …`. @returns the exit code */
export async function journalCommand(args: readonly string[], io: Io): Promise<number> {
  try {
    const { values, positionals } = parse(args);
    if (values.help === true) {
      io.stdout.write(USAGE);
      return 0;
    }
    const [name = '', ...more] = positionals;
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (command === undefined || more.length > 0)
      throw new Misused(`no command ${JSON.stringify(positionals.join(' '))}`);
    const alien = Object.keys(values).find(
      (key) => key !== 'dir' && !command.takes.includes(key as keyof Values),
    );
    if (alien !== undefined) throw new Misused(`${name} has no option --${alien}`);
    const dir = values.dir ?? io.env.STELLAR_JOURNAL_DIR;
    if (dir === undefined) throw new Misused('give the folder of the journal with --dir');
    return await command.run(dir, values, io);
  } catch (error) {
    if (!(error instanceof Misused)) throw error;
    io.stderr.write(`signer: ${error.message}; see signer journal --help\n`);
    return 2;
  }
}

async function verify(dir: string, values: Values, io: Io): Promise<number> {
  const noted = notedOf(values);
  const result = await verifyFolder(dir, noted);
  if (!result.ok) return broken(result, io);
  const { first, head, checkpoint, signed, keys, incompleteBytes, id, account } = result;
  const vouchedFor = Math.max(signed?.n ?? -1, noted.head?.n ?? -1);
  const says = [
    `journal ${id} of ${account}`,
    `lines ${first} to ${head.n} are whole, newest checkpoint ${checkpoint}`,
    `head ${head.n}:${head.hash}`,
    signed === undefined
      ? 'no checkpoint is signed: who can write the folder could have written all of it anew'
      : `checkpoint ${signed.number}, so everything up to line ${signed.n}, is signed by ${keys.join(', ')}`,
  ];
  if (vouchedFor < head.n && signed !== undefined)
    says.push(
      `lines ${vouchedFor + 1} to ${head.n} are signed by nobody: hold them to a head noted elsewhere`,
    );
  if (incompleteBytes > 0)
    says.push(`${incompleteBytes} bytes of an unfinished line at the end, which was never released`);
  io.stdout.write(`${says.join('\n')}\n`);
  return 0;
}

function broken(result: Extract<Verification, { ok: false }>, { stderr }: Io): number {
  const { file, line, reason } = result;
  stderr.write(`signer: ${file}${line === 0 ? '' : ` line ${line}`}: ${reason}\n`);
  if (line > 0)
    stderr.write('signer: keep a copy of the folder as it is; then see the runbook of the journal’s page\n');
  return 1;
}

function notedOf({ 'audit-key': key, head, checkpoint }: Values): Noted {
  const [, n, hash] = /^(\d+):([0-9a-f]{64})$/.exec(head ?? '') ?? [];
  if (head !== undefined && n === undefined) throw new Misused('--head must be N:HASH, as export prints it');
  if (checkpoint !== undefined && !/^\d+$/.test(checkpoint))
    throw new Misused('--checkpoint must be a number');
  return {
    ...(key === undefined ? {} : { auditKey: readKey(key) }),
    ...(hash === undefined ? {} : { head: { n: Number(n), hash } }),
    ...(checkpoint === undefined ? {} : { checkpoint: Number(checkpoint) }),
  };
}

function readKey(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  if (StrKey.isValidEd25519PublicKey(text))
    return Buffer.from(StrKey.decodeEd25519PublicKey(text)).toString('hex');
  throw new Misused('--audit-key must be G… or 64 hexadecimal digits');
}

async function show(dir: string, values: Values, io: Io): Promise<number> {
  const { since, until, type, hash, json } = values;
  if (type !== undefined && !EVENT_TYPES.includes(type))
    throw new Misused(`--type must be one of ${EVENT_TYPES.join(', ')}`);
  if (hash !== undefined && !/^[0-9a-f]{64}$/.test(hash))
    throw new Misused('--hash must be 64 hexadecimal digits, in lower case');
  const [from, to] = [timeOf('since', since, -Infinity), timeOf('until', until, Infinity)];
  const isWanted = ({ time, event }: JournalLine): boolean => {
    const at = Date.parse(time);
    const hashes = [event]
      .flatMap((one) => ('hash' in one ? [one.hash] : []))
      .concat('inner' in event ? event.inner : []);
    return (
      at >= from &&
      at <= to &&
      (type === undefined || event.type === type) &&
      (hash === undefined || hashes.includes(hash))
    );
  };
  return printLines(dir, io.stdout, io, (line) =>
    isWanted(line) ? (json === true ? canonicalize(line) : inWords(line)) : undefined,
  );
}

function timeOf(option: string, text: string | undefined, otherwise: number): number {
  const time = text === undefined ? otherwise : Date.parse(text);
  if (Number.isNaN(time)) throw new Misused(`--${option} must be a time like 2026-01-31T12:00:00Z`);
  return time;
}

/** Verifies on the way: what comes before an error is whole. A reader who is slow is waited for after each file. */
async function printLines(
  dir: string,
  out: NodeJS.WritableStream,
  io: Io,
  text: (line: JournalLine) => string | undefined,
): Promise<number> {
  let isBehind = false;
  const result = await verifyFolder(
    dir,
    {},
    {
      line(line) {
        const words = text(line);
        if (words !== undefined) isBehind = !out.write(`${words}\n`);
      },
      async fileEnd() {
        if (isBehind) await once(out, 'drain');
        isBehind = false;
      },
    },
  );
  return result.ok ? 0 : broken(result, io);
}

async function exportIt(dir: string, { lines, out }: Values, io: Io): Promise<number> {
  const write = (to: NodeJS.WritableStream): Promise<number> =>
    lines === true ? printLines(dir, to, io, (line) => canonicalize(line)) : exportHead(dir, to, io);
  if (out === undefined) return write(io.stdout);
  const file = (await open(out, 'wx', 0o600)).createWriteStream();
  const code = await write(file);
  file.end();
  await finished(file);
  return code;
}

async function exportHead(dir: string, out: NodeJS.WritableStream, io: Io): Promise<number> {
  const result = await verifyFolder(dir);
  if (!result.ok) return broken(result, io);
  const { id, account, network, head, checkpoint, signed } = result;
  out.write(
    `${JSON.stringify({ id, account, network, head: `${head.n}:${head.hash}`, checkpoint, signed })}\n`,
  );
  return 0;
}

async function acceptLoss(dir: string, { reason, by }: Values, io: Io): Promise<number> {
  if (!reason || !by) throw new Misused('accept-loss needs --reason TEXT and --by NAME; both are journaled');
  io.stdout.write('asking the running signer, if there is one, for at most 10 s\n');
  const follows = await askHolder(dir, { reason, by });
  if (follows !== undefined) {
    io.stdout.write(`accepted: the running signer has journaled it; ${follows}\n`);
    return 0;
  }
  await appendOffline(dir, ({ loss }) => {
    if (loss === undefined || loss.isAccepted) throw new Error('there is no loss to accept');
    return { type: 'loss-accepted', reason, by };
  });
  io.stdout.write(
    'accepted: no signer runs here; the next start has open windows, after the wait if that is not over\n',
  );
  return 0;
}
