/**
 * `node test/e2e/prepare.ts STATE`: a node with the product's images on it. Node and images are made side by side; what
 * is there already is left alone.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { command } from './command.ts';
import { productImages } from './images.ts';

const say = (line: string): void => console.log(line);

/** Runs a command of the cluster's harness with its output shown. @throws when it fails */
function cluster(state: string, ...args: string[]): Promise<void> {
  const argv = ['test/cluster/main.ts', '--state', state, ...args];
  const child = spawn(process.execPath, argv, { stdio: 'inherit' });
  return new Promise((done, fail) =>
    child
      .on('error', fail)
      .on('close', (code) =>
        code === 0 ? done() : fail(new Error(`test/cluster/main.ts ${args[0]} failed`)),
      ),
  );
}

async function prepare(state: string): Promise<void> {
  // The base image needs the harness' packages and binaries, so a cold machine builds those first.
  await cluster(state, 'build');
  const [images] = await Promise.all([
    productImages(say, AbortSignal.timeout(900_000)),
    cluster(state, 'up'),
  ]);
  const archives = images.map(({ archive }) => archive);
  const stamp = join(state, 'loaded-images.json');
  const loaded = JSON.stringify(archives);
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== loaded) {
    say('loading the images into the node');
    await cluster(state, 'load', ...archives);
    writeFileSync(stamp, loaded);
  }
  say('the node is ready and has the images');
}

await command('prepare', () => prepare(resolve(process.argv[2]!)));
