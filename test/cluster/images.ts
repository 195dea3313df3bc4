import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { type CachedPart, cached, type Report } from './cache.ts';
import { run } from './run.ts';

export const BASE_IMAGE = 'localhost/stellar-base:test';
export const PAUSE_IMAGE = 'localhost/stellar-pause:test';

const BUSYBOX = '/bin/busybox';
/** A PKCS#11 module comes by a volume, but not the libraries it is linked with. */
const SOFTHSM = '/usr/lib/softhsm/libsofthsm2.so';

/** An archive is 140 MB, and every change of a source makes a new one. */
const KEEP = 4;

export interface Image {
  /** What a pod names, e.g. `localhost/stellar-signer:test`. */
  name: string;
  /** Path of the OCI archive, for `load`. */
  archive: string;
}

export interface ImageSource {
  name: string;
  /** Path of the Containerfile; it takes its base as `ARG BASE`. */
  containerfile: string;
  /** The folder it copies from; hashed whole, so stage only what belongs into the image. */
  context: string;
  /** An OCI archive, e.g. what `baseImage` returned. */
  base?: string;
}

/** Builds an image with buildah into the cache, or finds it there: nothing is built when no input changed. */
export async function buildImage(source: ImageSource, report: Report, signal: AbortSignal): Promise<Image> {
  const part: CachedPart = {
    name: `image-${source.name.replace(/^.*\//, '').replace(/:.*$/, '')}`,
    inputs: [
      ...BUILD,
      source.name,
      readFileSync(source.containerfile, 'utf8'),
      source.base ?? '',
      ...treeHashes(source.context),
    ],
    usually: '10 s',
    keep: KEEP,
    build: (dir, abort) => buildah(source, dir, abort),
  };
  return { name: source.name, archive: join(await cached(part, report, signal), 'image.tar') };
}

/** Uncompressed, since it is read back on this machine alone, and compressing takes longer than all the rest. */
const BUILD: readonly string[] = [
  '--isolation',
  'chroot',
  '--layers=false',
  '--timestamp',
  '0',
  '--disable-compression=true',
];

async function buildah(source: ImageSource, dir: string, signal: AbortSignal): Promise<void> {
  const under = (name: string): string => join(dir, name);
  writeFileSync(under('policy.json'), JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
  const options = {
    'signature-policy': under('policy.json'),
    // Told its own folder, since it would make one below /etc.
    'cni-config-dir': under('run'),
    network: 'host',
    ...(source.base === undefined ? {} : { 'build-arg': `BASE=oci-archive:${source.base}` }),
    file: source.containerfile,
    tag: `oci-archive:${under('image.tar')}:${source.name}`,
  };
  const storage = ['--root', under('storage'), '--runroot', under('run'), '--storage-driver', 'vfs'];
  const flags = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  await run('buildah', [...storage, 'bud', ...BUILD, ...flags, source.context], { signal });
  await run('rm', ['-rf', under('storage'), under('run'), under('policy.json')]);
}

/** Path, mode and content hash of every file below a folder, in a fixed order. */
function treeHashes(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => {
      const content = createHash('sha256').update(readFileSync(file)).digest('hex');
      return `${relative(folder, file)} ${(statSync(file).mode & 0o777).toString(8)} ${content}`;
    });
}

/** The libraries that the loader finds for programs, by the paths it finds them at. */
async function libraries(...programs: string[]): Promise<string[]> {
  const lists = await Promise.all(programs.map((program) => run('ldd', [program])));
  const paths = lists.flatMap((text) =>
    [...text.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map((match) => match[1]!),
  );
  return [...new Set(paths)].sort();
}

const CONTAINERFILES = {
  base: 'FROM scratch\nCOPY . /\nENV PATH=/usr/local/bin:/usr/bin:/bin\nCMD ["node"]\n',
  pause: 'FROM scratch\nCOPY . /\nENTRYPOINT ["/bin/busybox", "sleep", "2147483647"]\n',
};

/** An image part whose root file system `fill` makes. */
function rootImage(
  kind: 'base' | 'pause',
  name: string,
  inputs: string[],
  fill: (root: string) => void,
): CachedPart {
  return {
    name: `image-${kind}`,
    inputs: [name, CONTAINERFILES[kind], ...BUILD, ...inputs],
    usually: '10 s',
    keep: KEEP,
    async build(dir, signal) {
      const root = join(dir, 'root');
      fill(root);
      const containerfile = join(dir, 'Containerfile');
      writeFileSync(containerfile, CONTAINERFILES[kind]);
      await buildah({ name, containerfile, context: root }, dir, signal);
      await run('rm', ['-rf', root]);
    },
  };
}

const sizes = (files: string[]): string[] => files.map((file) => `${file} ${statSync(file).size}`);

const copyInto = (root: string, from: string, to = from): void => {
  mkdirSync(join(root, dirname(to)), { recursive: true });
  copyFileSync(from, join(root, to));
};

/** Busybox, this Node and the libraries that both it and SoftHSM need; what a public Node image is elsewhere. */
export async function baseImage(report: Report, signal: AbortSignal): Promise<Image> {
  const node = process.execPath;
  const needed = await libraries(node, SOFTHSM);
  const applets = (await run(BUSYBOX, ['--list'])).trim().split('\n');
  const part = rootImage(
    'base',
    BASE_IMAGE,
    [process.version, ...sizes([node, BUSYBOX, ...needed])],
    (root) => {
      copyInto(root, BUSYBOX, '/bin/busybox');
      for (const applet of applets)
        if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet));
      copyInto(root, node, '/usr/local/bin/node');
      for (const library of needed) copyInto(root, library);
      for (const folder of ['etc', 'proc', 'sys', 'dev', 'run', 'var', 'tmp']) mkdirSync(join(root, folder));
      chmodSync(join(root, 'tmp'), 0o1777);
      writeFileSync(
        join(root, 'etc/passwd'),
        'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n',
      );
      writeFileSync(join(root, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n');
    },
  );
  return { name: BASE_IMAGE, archive: join(await cached(part, report, signal), 'image.tar') };
}

/** What holds a pod's namespaces. */
export async function pauseImage(report: Report, signal: AbortSignal): Promise<Image> {
  const part = rootImage('pause', PAUSE_IMAGE, sizes([BUSYBOX]), (root) =>
    copyInto(root, BUSYBOX, '/bin/busybox'),
  );
  return { name: PAUSE_IMAGE, archive: join(await cached(part, report, signal), 'image.tar') };
}
