/** `signer keys …` alone, in a process of its own. */
import { keysCommand } from '../../../sidecar/keys/main.ts';

const { stdin, stdout, stderr, env } = process;
process.exitCode = await keysCommand(process.argv.slice(2), {
  stdin,
  stdout,
  stderr,
  env,
  signal: new AbortController().signal,
});
