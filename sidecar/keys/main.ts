import { isCoded, messageOf } from '../../common/errors.ts';
import { EXIT, type Io } from '../cli.ts';
import { appendCeremony } from '../journal/offline.ts';
import { startSafely } from '../startup/facts.ts';
import { channel } from './channel.ts';
import { derive } from './derive.ts';
import { ceremonyError } from './errors.ts';
import { importKey } from './import.ts';
import { init } from './init.ts';
import { list, verify } from './list.ts';
import { STORE_OPTIONS } from './open.ts';
import { describeOptions, type OptionName, type Options, readOptions, refuseExposed } from './options.ts';
import { createTerminal, type Read, type Terminal } from './terminal.ts';

export interface CeremonyModules {
  now: () => Date;
  /** Instead of the descriptor of stdin. */
  read?: Read;
  /** Appends one line to the journal of a signer that is stopped; resolves when it is durable. */
  journal: typeof appendCeremony;
}

interface Command {
  summary: string;
  options: readonly OptionName[];
  run(options: Options, terminal: Terminal, modules: CeremonyModules): Promise<void>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  init: {
    summary: 'makes a key inside the token or Vault, or a mnemonic',
    options: ['key', 'audit-key', 'key-id', 'mnemonic', 'words', 'entropy', 'passphrase', ...STORE_OPTIONS],
    run: init,
  },
  derive: {
    summary: 'shows the accounts of a mnemonic (SEP-0005), and no secret',
    options: ['start', 'count', 'passphrase'],
    run: derive,
  },
  import: {
    summary: 'takes an account of a mnemonic into the token or Vault',
    options: ['key', 'account', 'index', 'key-id', 'passphrase', ...STORE_OPTIONS],
    run: importKey,
  },
  list: {
    summary: 'shows the keys there, and whether the signer would take them',
    options: STORE_OPTIONS,
    run: list,
  },
  verify: {
    summary: 'checks a key as the signer does, with a signature',
    options: ['key', 'account', ...STORE_OPTIONS],
    run: verify,
  },
  channel: {
    summary: 'signs the transaction that creates channel accounts',
    options: [
      'key',
      'account',
      'channels',
      'balance',
      'sequence',
      'fee',
      'valid-minutes',
      'network-passphrase',
      'journal-dir',
      'socket',
      ...STORE_OPTIONS,
    ],
    run: channel,
  },
};

const usage = (): string =>
  `signer keys: makes, imports and checks the signer's keys (docs/signer/ceremony.md)

usage: signer keys COMMAND [--OPTION …]

${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}\n`)
  .join('')}
A mnemonic is typed on a terminal, where it is not shown, or piped to stdin; never an argument or a variable.
signer keys COMMAND --help shows the options of one. Exit codes: 0 done, 1 refused or failed, 2 not understood,
130 aborted.
`;

const EXIT_CODES: Readonly<Record<string, number>> = {
  usage: EXIT.usage,
  'secret-exposed': EXIT.usage,
  aborted: 130,
};

/** Runs `signer keys …`. Never throws; an error is one line on stderr and holds nothing that was typed or piped in. */
export async function keysCommand(
  args: readonly string[],
  io: Io,
  given: Partial<CeremonyModules> = {},
): Promise<number> {
  const modules = { now: () => new Date(), journal: appendCeremony, ...given };
  const terminal = createTerminal(io, modules.read);
  try {
    refuseExposed(args, io.env);
    const [name, ...rest] = args;
    if (name === undefined || name === '--help') {
      await terminal.show(usage());
      return name === undefined ? EXIT.usage : EXIT.ok;
    }
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name]! : undefined;
    if (command === undefined)
      throw ceremonyError(
        'usage',
        `there is no such command; it is one of ${Object.keys(COMMANDS).join(', ')}`,
      );
    if (rest.includes('--help')) {
      await terminal.show(`signer keys ${name}: ${command.summary}\n\n${describeOptions(command.options)}`);
      return EXIT.ok;
    }
    const options = readOptions(command.options, rest, io.env);
    // A ceremony's machine is often used by root alone.
    startSafely({ secretFiles: [] }, ({ code, message }) => {
      if (code !== 'runs-as-root') terminal.note(`warning: ${message}`);
    });
    await command.run(options, terminal, modules);
    return EXIT.ok;
  } catch (error) {
    terminal.note(`signer keys: ${messageOf(error)}`);
    return (isCoded(error) ? EXIT_CODES[error.code] : undefined) ?? EXIT.failed;
  } finally {
    terminal.close();
  }
}
