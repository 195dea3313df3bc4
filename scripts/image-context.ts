/**
 * `node scripts/image-context.ts operator|sidecar|connector DIR`: copies into DIR the files that the program's entry
 * reaches, and nothing else: its own sources as they are, and of each npm package only the modules that are imported.
 * esbuild only follows the imports here (its metafile); nothing that it bundles is kept.
 */
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

export const PROGRAMS = ['operator', 'sidecar', 'connector'] as const;
export type Program = (typeof PROGRAMS)[number];

/**
 * What the metafile cannot show because it is opened by a computed name: pkcs11js asks for its addon, pino and
 * thread-stream for a worker that starts only with transports (which nothing here uses).
 */
const OPENED_BY_NAME: Record<string, string[]> = {
  'node_modules/pkcs11js/': ['node_modules/pkcs11js/build/Release/pkcs11.node'],
};

/** Repository-relative paths of every file that the program's image needs, sorted. */
export async function reachableFiles(program: Program): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [`${program}/main.ts`],
    bundle: true,
    write: false,
    metafile: true,
    outdir: 'unused',
    platform: 'node',
    format: 'esm',
    target: 'node24',
    // Node's own conditions besides import, require, node and default; without them other files would be found.
    conditions: ['module-sync', 'node-addons'],
    mainFields: ['main'],
    logLevel: 'error',
    loader: { '.node': 'copy' },
    // Side effects stay: a file is wanted if it is imported, whether or not a bundler could drop it.
    treeShaking: false,
    ignoreAnnotations: true,
  });
  const files = new Set(Object.keys(metafile.inputs).filter((path) => existsSync(path)));
  for (const path of [...files]) {
    for (const [prefix, opened] of Object.entries(OPENED_BY_NAME)) {
      if (path.startsWith(prefix)) for (const file of opened) files.add(file);
    }
    for (const manifest of manifestsOf(path)) files.add(manifest);
  }
  files.add('package.json');
  return [...files].sort();
}

/** The package.json files that Node reads when it resolves `path`: of its package and of nested scopes in it. */
function manifestsOf(path: string): string[] {
  const found: string[] = [];
  for (let folder = dirname(path); folder.includes('node_modules/'); folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest)) found.push(manifest);
  }
  return found;
}

/** Copies the program's files into `folder`, keeping their paths. Returns how many there are. */
export async function writeContext(program: Program, folder: string): Promise<number> {
  const files = await reachableFiles(program);
  for (const file of files) {
    const target = join(folder, file);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(file, target);
  }
  return files.length;
}

if (import.meta.main) {
  const [program, folder] = process.argv.slice(2);
  if (!PROGRAMS.includes(program as Program) || folder === undefined) {
    console.error(`usage: node scripts/image-context.ts ${PROGRAMS.join('|')} DIR`);
    process.exit(2);
  }
  console.log(`${await writeContext(program as Program, folder)} files in ${folder}`);
}
