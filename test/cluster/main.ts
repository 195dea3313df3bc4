import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../common/errors.ts';
import { shutdownSignal } from '../../common/shutdown.ts';
import { ownCluster } from './access.ts';
import { createApi } from './api.ts';
import { binFolder, builtBin, containerd, cyclonus, kubernetes } from './binaries.ts';
import type { Report } from './cache.ts';
import { baseImage, pauseImage } from './images.ts';
import { type Layout, layout, ROOT } from './layout.ts';
import { down, enter, status, up } from './lifecycle.ts';
import { checkMachine, type Mode } from './namespaces.ts';
import { importImages } from './node.ts';
import { CONTROL_PLANE_PACKAGES, ensurePackages } from './packages.ts';
import { passThrough } from './run.ts';
import { createVolume } from './volumes.ts';

const HELP = `A real Kubernetes node in namespaces of its own, for tests.

usage: node test/cluster/main.ts [--state DIR] COMMAND

  build [--control-plane] [--tests]   build what \`up\` needs into the cache (packages, Kubernetes, containerd, images);
                            --tests: also cyclonus, which only a test needs
  up [--control-plane]      start it and wait until it is ready; --control-plane: etcd, API server, controllers, no node
  down                      end it and remove its state
  status                    say whether it is up; exit code 0 only if it is
  exec -- CMD...            run CMD inside, with KUBECONFIG set and kubectl on the PATH
  kubeconfig                print the kubeconfig's path, for use inside
  load IMAGE.tar...         import OCI archives into the node
  images base               build the base image of ours and print its archive's path
  volume NAME FOLDER        make a folder of this machine a PersistentVolume of class "local"

State is in DIR, by default .state/cluster. With STELLAR_TEST_KUBECONFIG and STELLAR_TEST_CONTEXT both set, \`exec\` uses
that cluster and \`up\` and \`down\` do nothing.
`;

interface Call {
  paths: Layout;
  mode: Mode;
  tests: boolean;
  rest: string[];
  report: Report;
  signal: AbortSignal;
}

type Command = (call: Call) => Promise<number | undefined> | number | undefined;

async function build({ paths, mode, report, signal }: Call): Promise<void> {
  await ensurePackages(mode === 'node' ? undefined : CONTROL_PLANE_PACKAGES, report, signal);
  await checkMachine(paths, mode);
  await binFolder(kubernetes, report, signal);
  if (mode === 'control-plane') return;
  await binFolder(containerd, report, signal);
  await pauseImage(report, signal);
  await baseImage(report, signal);
}

/** Only told to, since nothing but one test needs it. */
const buildForTests = ({ report, signal }: Call): Promise<string> => binFolder(cyclonus, report, signal);

/** The environment of commands inside: the test cluster is the one they see, under all the names it is asked by. */
function insideEnvironment(paths: Layout): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PATH: [
      join(ROOT, 'node_modules/.bin'),
      dirname(process.execPath),
      builtBin(kubernetes),
      builtBin(containerd),
      process.env.PATH,
      '/usr/sbin',
      '/sbin',
    ].join(':'),
    KUBECONFIG: paths.kubeconfig,
    KUBECACHEDIR: `${paths.dir}/kubectl-cache`,
    STELLAR_TEST_KUBECONFIG: paths.kubeconfig,
    STELLAR_TEST_CONTEXT: paths.name,
    CONTAINERD_ADDRESS: paths.containerdSocket,
    CONTAINERD_NAMESPACE: 'k8s.io',
  };
}

function exec({ paths, rest }: Call): Promise<number> {
  const [command, ...args] = rest;
  if (command === undefined) throw new Error('exec needs a command: exec -- CMD...');
  if (ownCluster(process.env)) return passThrough(command, args, {});
  return passThrough('nsenter', [...enter(paths), command, ...args], { env: insideEnvironment(paths) });
}

const unlessOwn =
  (command: Command): Command =>
  (call) => {
    if (!ownCluster(process.env)) return command(call);
    call.report(`using the cluster of STELLAR_TEST_KUBECONFIG, context ${process.env.STELLAR_TEST_CONTEXT}`);
    return 0;
  };

/** Runs a command of ours in the cluster's namespaces, where its sockets are. */
const inside =
  (command: Command): Command =>
  (call) => {
    if (process.env.STELLAR_TEST_CONTEXT === call.paths.name) return command(call);
    return exec({ ...call, rest: [process.execPath, ...process.argv.slice(1)] });
  };

const COMMANDS: Record<string, Command> = {
  build: async (call) => {
    await build(call);
    if (call.tests) await buildForTests(call);
    return 0;
  },
  up: unlessOwn(async (call) => {
    const started = Date.now();
    await build(call);
    await up(call.paths, call.mode, call.report, call.signal);
    call.report(`cluster ${call.paths.name}: ready after ${((Date.now() - started) / 1000).toFixed(1)} s`);
    return 0;
  }),
  down: unlessOwn(async ({ paths, report, signal }) => {
    await down(paths, report, signal);
    return 0;
  }),
  status: ({ paths }) => {
    const now = status(paths);
    console.log(now.state === 'absent' ? 'absent' : `${now.state} (${now.mode})`);
    if (now.state === 'failed') console.log(now.reason);
    return now.state === 'ready' ? 0 : 1;
  },
  kubeconfig: ({ paths }) => {
    console.log(paths.kubeconfig);
    return 0;
  },
  exec,
  load: inside(async ({ paths, rest, signal }) => {
    if (rest.length === 0) throw new Error('load needs archives: load IMAGE.tar...');
    await importImages(paths, rest, signal);
    return 0;
  }),
  volume: inside(async ({ paths, rest: [name, folder] }) => {
    if (name === undefined || folder === undefined) throw new Error('usage: volume NAME FOLDER');
    const api = createApi(paths.kubeconfig);
    await createVolume(api, name, folder);
    await api.close();
    return 0;
  }),
  images: async ({ rest, report, signal }) => {
    if (rest[0] !== 'base') throw new Error('images knows one image: base');
    console.log((await baseImage(report, signal)).archive);
    return 0;
  },
};

async function main(): Promise<number> {
  // What follows -- belongs to the command run inside, dashes and all.
  const cut = process.argv.indexOf('--');
  const own = process.argv.slice(2, cut === -1 ? undefined : cut);
  const { values, positionals } = parseArgs({
    args: own,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      state: { type: 'string' },
      'control-plane': { type: 'boolean' },
      tests: { type: 'boolean' },
    },
  });
  const [name, ...rest] = positionals;
  if (values.help || name === undefined) {
    process.stdout.write(HELP);
    return values.help ? 0 : 2;
  }
  const command = COMMANDS[name];
  if (!command) throw new Error(`no command ${name}; see --help`);
  const code = await command({
    paths: layout(values.state),
    mode: values['control-plane'] ? 'control-plane' : 'node',
    tests: values.tests ?? false,
    rest: cut === -1 ? rest : process.argv.slice(cut + 1),
    report: (line) => console.error(line),
    // The command inside gets the terminal's signals itself.
    signal: name === 'exec' ? new AbortController().signal : shutdownSignal(10_000),
  });
  return code ?? 0;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(messageOf(error));
    process.exitCode = 1;
  },
);
