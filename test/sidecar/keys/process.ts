/** `signer keys …` alone, in a process of its own, which then stays until its stdin ends, so that its memory can be read. */
import { keysCommand } from '../../../sidecar/keys/main.ts';

const { stdin, stdout, stderr, env } = process;
const code = await keysCommand(process.argv.slice(2), {
  stdin,
  stdout,
  stderr,
  env,
  signal: new AbortController().signal,
});
process.exitCode = code;
if (!stdin.isTTY) {
  stderr.write(`ended with ${code}\n`);
  stdin.resume();
}
