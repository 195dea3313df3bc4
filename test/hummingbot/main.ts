/**
 * `node test/hummingbot/main.ts [--install]`: drives the stock Hummingbot client against a stack of its own. It needs the
 * client in the cache; without it this says so, which is no failure, and `--install` fills the cache first.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { command } from '../e2e/command.ts';
import { clientPython, installClient } from './install.ts';

const INSTALL_MS = 45 * 60_000;

await command('test-hummingbot', async () => {
  const { values } = parseArgs({ options: { install: { type: 'boolean', default: false } } });
  if (values.install) await installClient((line) => console.log(line), AbortSignal.timeout(INSTALL_MS));
  if (clientPython() === undefined) {
    const fill = 'make test-hummingbot INSTALL=1';
    console.log(
      `test-hummingbot: skipped, the client is not in the cache; ${fill} fills it in about 10 minutes`,
    );
    return;
  }
  const child = spawn('node_modules/.bin/mocha', ['test/hummingbot/*.test.ts'], { stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  process.exitCode = code ?? 1;
});
