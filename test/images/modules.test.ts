import assert from 'node:assert/strict';
import { PROGRAMS, type Program, reachableFiles } from '../../scripts/image-context.ts';

const packageOf = (file: string): string | undefined =>
  /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(file)?.[1];

/** What must not be in an image, by package or by file, with the reason why it would matter. */
const FORBIDDEN = {
  operator: [/^@stellar\//, /^pkcs11js$/, /^graphene-pk11$/],
  connector: [/^pkcs11js$/, /^graphene-pk11$/, /^@kubernetes\//, /^@peculiar\//],
  sidecar: [/^@kubernetes\//, /^@peculiar\//],
};

const ROOMS = {
  operator: /^(operator|common)\//,
  connector: /^(connector|common)\/|^sidecar\/protocol\.ts$/,
  sidecar: /^(sidecar|common)\//,
};

describe('the modules in each image', () => {
  const reachable = new Map<Program, string[]>();
  before(async function () {
    this.timeout(60_000);
    for (const program of PROGRAMS) reachable.set(program, await reachableFiles(program));
  });

  for (const program of PROGRAMS) {
    it(`@security ${program}: only what its entry reaches, nothing of another room, no foreign package`, () => {
      const files = reachable.get(program)!;
      assert.ok(files.includes(`${program}/main.ts`));
      const packages = new Set(files.map(packageOf).filter((name) => name !== undefined));
      const foreign = [...packages].filter((name) => FORBIDDEN[program].some((rule) => rule.test(name)));
      assert.deepEqual(foreign, []);
      const own = files.filter((file) => !file.startsWith('node_modules/') && file !== 'package.json');
      assert.deepEqual(
        own.filter((file) => !ROOMS[program].test(file)),
        [],
      );
    });
  }

  it('@security only the signer holds a native addon', () => {
    const native = (program: Program): string[] =>
      reachable.get(program)!.filter((file) => file.endsWith('.node'));
    assert.deepEqual(native('connector'), []);
    assert.deepEqual(native('operator'), []);
    assert.deepEqual(native('sidecar'), ['node_modules/pkcs11js/build/Release/pkcs11.node']);
  });
});
