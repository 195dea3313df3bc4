import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type CachedPart, cached, cachedPath, type Report } from './cache.ts';
import { go } from './go.ts';

const KUBERNETES = 'v1.36.3';
const CONTAINERD = 'v2.4.2';
const CYCLONUS = 'v0.5.6';
const MODULE = join(import.meta.dirname, 'kubernetes');
const PROGRAMS = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'kubectl',
];

const [major, minor] = KUBERNETES.slice(1).split('.');
const version = 'k8s.io/component-base/version';
const LDFLAGS = `-s -w -X ${version}.gitVersion=${KUBERNETES} -X ${version}.gitMajor=${major} -X ${version}.gitMinor=${minor}`;

/** All of Kubernetes and etcd as one binary with a symlink per program, in `bin/`. */
export const kubernetes: CachedPart = {
  name: 'kubernetes',
  inputs: [
    ...['go.mod', 'go.sum', 'main.go'].map((file) => readFileSync(join(MODULE, file), 'utf8')),
    LDFLAGS,
    process.arch,
  ],
  usually: '7 min',
  async build(dir, signal, report) {
    const bin = join(dir, 'bin');
    mkdirSync(bin);
    const build = ['build', '-ldflags', LDFLAGS, '-o', join(bin, 'kubernetes'), '.'];
    await go(build, { cwd: MODULE, report, signal });
    for (const program of PROGRAMS) symlinkSync('kubernetes', join(bin, program));
  },
};

const installed = (name: string, packages: string[], usually: string): CachedPart => ({
  name,
  inputs: [...packages, process.arch],
  usually,
  async build(dir, signal, report) {
    const bin = join(dir, 'bin');
    mkdirSync(bin);
    for (const pkg of packages)
      await go(['install', '-ldflags', '-s -w', pkg], { cwd: dir, env: { GOBIN: bin }, report, signal });
  },
});

/** containerd, its shim and ctr; Debian's is too old for `image` volumes. */
export const containerd = installed(
  'containerd',
  ['containerd', 'containerd-shim-runc-v2', 'ctr'].map(
    (program) => `github.com/containerd/containerd/v2/cmd/${program}@${CONTAINERD}`,
  ),
  '90 s',
);

/** The judge of NetworkPolicy that our engine is held to; only a test needs it. */
export const cyclonus = installed(
  'cyclonus',
  [`github.com/mattfenwick/cyclonus/cmd/cyclonus@${CYCLONUS}`],
  '90 s',
);

/** The bin folder of a part, built if need be. */
export async function binFolder(part: CachedPart, report: Report, signal: AbortSignal): Promise<string> {
  return join(await cached(part, report, signal), 'bin');
}

/** The bin folder of a part that is known to be built. */
export const builtBin = (part: CachedPart): string => join(cachedPath(part), 'bin');
