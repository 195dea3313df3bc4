// Runs inside the cluster's namespaces, below the shell that is PID 1 there; `up` starts it and reads what it writes.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../common/errors.ts';
import { shutdownSignal, sleep } from '../../common/shutdown.ts';
import { type Api, createApi } from './api.ts';
import { builtBin, containerd, kubernetes } from './binaries.ts';
import { writeCredentials } from './credentials.ts';
import { type Layout, layout } from './layout.ts';
import { controlPlaneNetwork, hasIpv6 } from './network.ts';
import { prepareNode, startNode } from './node.ts';
import { containerdProgram, controllerManager, controlPlane, type Program } from './programs.ts';

const [stateDir, mode] = process.argv.slice(2);
if (stateDir === undefined || (mode !== 'node' && mode !== 'control-plane')) {
  throw new Error('usage: supervisor STATE_DIR node|control-plane');
}
const paths = layout(stateDir);
const signal = shutdownSignal(5000);

/** The outcome that `up` waits for; renamed into place, so that it is never read half written. */
function tell(outcome: 'ready' | 'failed', text: string): void {
  const file = join(paths.dir, outcome);
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

/** Starts a daemon with a log of its own. When one ends the whole cluster does: a half-dead one would mislead tests. */
function start(program: Program): ChildProcess {
  const log = openSync(join(paths.logs, `${program.name}.log`), 'a');
  const child = spawn(program.command, program.args, {
    stdio: ['ignore', log, log],
    env: { ...process.env, ...program.env },
  });
  child.on('error', (error) => stop(`${program.name} could not start: ${error.message}`));
  child.on('exit', (code, by) => stop(`${program.name} ended with ${code ?? by}: logs/${program.name}.log`));
  return child;
}

function stop(reason: string): never {
  tell('failed', reason);
  process.exit(1);
}

/** Tries until it succeeds, every 50 ms. */
async function until(what: string, attempt: () => Promise<boolean>, limitMs = 60_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  let last: unknown;
  for (;;) {
    try {
      if (await attempt()) return;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${limitMs / 1000} s; ${messageOf(last)}`);
    await sleep(50, signal);
  }
}

const report = (line: string): void => console.log(line);

async function controlPlaneUp(paths: Layout, ipv6: boolean): Promise<Api> {
  const bin = builtBin(kubernetes);
  for (const program of controlPlane(paths, bin, ipv6)) start(program);
  const api = createApi(paths.kubeconfig);
  await until('API server', async () => (await api.get<string>('/readyz')) === 'ok');
  report('API server: ready');
  start(controllerManager(paths, bin, ipv6));
  return api;
}

async function main(): Promise<void> {
  mkdirSync(paths.logs, { recursive: true });
  const ipv6 = hasIpv6();
  const node = mode === 'node';
  await Promise.all([writeCredentials(paths), node ? prepareNode(paths, ipv6) : controlPlaneNetwork()]);
  if (node) start(containerdProgram(paths, builtBin(containerd)));
  const api = await controlPlaneUp(paths, ipv6);
  if (node) await startNode({ paths, api, ipv6, start, until, report, signal });
  const account = '/api/v1/namespaces/default/serviceaccounts/default';
  await until('default service account', async () => (await api.get(account)) !== undefined);
  await api.close();
  tell('ready', mode!);
}

main().catch((error: unknown) => {
  if (!signal.aborted) stop(error instanceof Error ? (error.stack ?? error.message) : String(error));
});
