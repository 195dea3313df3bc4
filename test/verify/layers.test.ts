import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** The arrows of the design: what a file in a room may import from inside the project. The longest prefix decides. */
const ALLOWED: Record<string, RegExp> = {
  'common/': /^common\//,
  'sidecar/': /^(common|sidecar)\//,
  'sidecar/protocol.ts': /^$/,
  'connector/': /^(common|connector)\/|^sidecar\/protocol\.ts$/,
  'operator/': /^(common|operator)\//,
  'operator/kube/': /^(common|operator\/kube)\//,
  // Pure: CR and facts in, children out. It may know the kinds, not how they are sent.
  'operator/desired/':
    /^operator\/(desired|egress|api)\/|^operator\/kube\/resource\.ts$|^common\/errors\.ts$/,
};

/** Packages that only the named folders may import. */
const CONFINED: Record<string, RegExp> = {
  '@stellar/stellar-sdk': /^(sidecar|connector)\//,
  pkcs11js: /^sidecar\/keystore\/pkcs11\//,
  'graphene-pk11': /^sidecar\/keystore\/pkcs11\//,
  '@kubernetes/client-node': /^operator\//,
  '@peculiar/x509': /^operator\/certs\//,
  // Forbidden in the product: node:crypto is the only source of signatures, hashes and randomness.
  '@noble/ed25519': /^$/,
  '@noble/curves': /^$/,
  '@noble/hashes': /^$/,
  tweetnacl: /^$/,
};

const PRODUCT = ['common', 'sidecar', 'connector', 'operator'];

const sources = PRODUCT.flatMap((room) => globSync(`${room}/**/*.ts`)).sort();

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\s[^'"]*?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g,
  );
  return [...found].map((match) => match[1] ?? match[2]!);
}

const resolved = (file: string, specifier: string): string => normalize(join(dirname(file), specifier));

const ruleOf = (file: string): RegExp => {
  const prefix = Object.keys(ALLOWED)
    .filter((key) => file.startsWith(key))
    .sort((a, b) => b.length - a.length)[0];
  assert.ok(prefix, `no rule for ${file}`);
  return ALLOWED[prefix]!;
};

describe('layers', () => {
  it('finds the sources of every room', () => {
    for (const room of PRODUCT)
      assert.ok(
        sources.some((file) => file.startsWith(`${room}/`)),
        room,
      );
  });

  it('every import inside the project follows the arrows of the design', () => {
    const wrong = sources.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => resolved(file, specifier))
        .filter((target) => !ruleOf(file).test(target))
        .map((target) => `${file} -> ${target}`),
    );
    assert.deepEqual(wrong, []);
  });

  it('@security packages that hold keys, speak to HSMs or make certificates stay in their rooms', () => {
    const wrong = sources.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => {
          const name = Object.keys(CONFINED).find(
            (key) => specifier === key || specifier.startsWith(`${key}/`),
          );
          return name !== undefined && !CONFINED[name]!.test(file);
        })
        .map((specifier) => `${file} -> ${specifier}`),
    );
    assert.deepEqual(wrong, []);
  });

  it('@security no source draws randomness from anything but node:crypto', () => {
    const wrong = sources.filter((file) => /Math\.random/.test(readFileSync(file, 'utf8')));
    assert.deepEqual(wrong, []);
  });

  it('no source file is longer than 400 lines', () => {
    const long = [...sources, ...globSync('{test,scripts}/**/*.ts')]
      .filter((file) => !file.endsWith('.gen.ts'))
      .map((file) => ({ file, lines: readFileSync(file, 'utf8').split('\n').length }))
      .filter(({ lines }) => lines > 401);
    assert.deepEqual(long, []);
  });
});
