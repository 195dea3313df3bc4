import { parseArgs } from 'node:util';
import { isCoded, messageOf } from '../common/errors.ts';
import { explain, optionLines } from './config/explain.ts';
import { FILE_VARIABLE, gather, type Sources } from './config/sources.ts';

/** Exit codes of every command. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** All that a command may touch of its process. */
export interface Io {
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WritableStream;
  stderr: NodeJS.WritableStream;
  env: Readonly<Record<string, string | undefined>>;
  /** Aborted by SIGTERM and SIGINT. */
  signal: AbortSignal;
}

/** A command: gets what follows its name, returns the exit code. */
export type Command = (args: readonly string[], io: Io) => Promise<number>;

/** What `run` and `config check` do; given, so that tests need neither a token nor this machine's state. */
export interface Actions {
  run(sources: Sources, io: Io): Promise<number>;
  check(sources: Sources, io: Io): Promise<number>;
}

/** Commands that live in rooms of their own; each is loaded when it is asked for, so that `run` never loads it. */
const ROOMS: Readonly<Record<string, { summary: string; load: () => Promise<Command> }>> = {
  journal: {
    summary: 'verifies, shows and exports the journal, and accepts its loss',
    load: async () => (await import('./journal/command.ts')).journalCommand,
  },
  keys: {
    summary: 'makes, imports and checks keys, and creates channel accounts',
    load: async () => (await import('./keys/main.ts')).keysCommand,
  },
  policy: {
    summary: 'tries policies out on cases, and says in words what they allow',
    load: async () => (await import('./policy/offline/command.ts')).policyCommand,
  },
};

const usage = (): string => `signer: signs what the policies allow, with a key that it never sees

usage: signer [run] [--config FILE] [--init]
       signer COMMAND …

commands:
  run             serves the unix socket until SIGTERM (the default)
  config explain  every option, what is in force and where it came from
  config check    tells what run would refuse, and starts nothing
${Object.entries(ROOMS)
  .map(([name, { summary }]) => `  ${name.padEnd(14)}  ${summary}\n`)
  .join('')}
  --config FILE   YAML file of options (or ${FILE_VARIABLE}); variables win over it
  --init          a journal may begin here (STELLAR_JOURNAL_INIT)
  --help          this text; signer COMMAND --help for a command

exit codes: 0 done, 1 refused or failed, 2 not understood

options, by variable; secrets are only ever files:
${optionLines().join('\n')}
`;

/** Runs one command line. Never throws: what went wrong is on stderr, for a person. */
export async function signer(args: readonly string[], io: Io, actions: Actions): Promise<number> {
  try {
    const [name, ...rest] = args;
    const room = name !== undefined && Object.hasOwn(ROOMS, name) ? ROOMS[name] : undefined;
    if (room !== undefined) return await (await room.load())(rest, io);
    return await own(args, io, actions);
  } catch (error) {
    if (!isUsage(error)) {
      io.stderr.write(`signer: ${messageOf(error)}\n`);
      return EXIT.failed;
    }
    // Node's own message goes on with advice that is not for us.
    io.stderr.write(`signer: ${error.message.split('. ', 1)[0]}; see signer --help\n`);
    return EXIT.usage;
  }
}

async function own(args: readonly string[], io: Io, actions: Actions): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { help: { type: 'boolean' }, config: { type: 'string' }, init: { type: 'boolean' } },
  });
  if (values.help === true) {
    io.stdout.write(usage());
    return EXIT.ok;
  }
  const sources = { env: io.env, file: values.config, init: values.init };
  switch (positionals.join(' ')) {
    case '':
    case 'run':
      return actions.run(sources, io);
    case 'config check':
      return actions.check(sources, io);
    case 'config explain': {
      const { text, fault } = explain(gather(sources));
      io.stdout.write(text);
      if (fault !== undefined) io.stderr.write(`signer: ${fault}\n`);
      return fault === undefined ? EXIT.ok : EXIT.failed;
    }
    default:
      io.stderr.write(`signer: no command ${JSON.stringify(positionals.join(' '))}; see signer --help\n`);
      return EXIT.usage;
  }
}

const isUsage = (error: unknown): error is Error =>
  !isCoded(error) &&
  error instanceof TypeError &&
  String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS_');
