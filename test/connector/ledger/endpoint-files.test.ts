import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { endpointFiles } from '../../../connector/ledger/endpoint-files.ts';

describe('connector/ledger/endpoint-files', () => {
  let folder: string;
  const at = (name: string): string => join(folder, name);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'endpoint-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const keyIn = (file: string) => endpointFiles({ auth: { header: 'X-Api-Key', file } });
  const shown = (files: ReturnType<typeof keyIn>): string => files.credential()!.value.reveal().toString();

  it('reads the key anew when a Secret volume swaps its links, and when the file is written in place', () => {
    for (const [name, text] of [
      ['one', 'key-1\n'],
      ['two', 'key-2\r\n'],
    ] as const) {
      mkdirSync(at(name));
      writeFileSync(join(at(name), 'value'), text);
    }
    symlinkSync(at('one'), at('..data'));
    symlinkSync(join(at('..data'), 'value'), at('value'));
    const files = keyIn(at('value'));
    assert.equal(shown(files), 'key-1');
    const first = files.credential()!.value;
    assert.equal(files.credential()!.value, first, 'not read again for nothing');
    symlinkSync(at('two'), at('..tmp'));
    renameSync(at('..tmp'), at('..data'));
    assert.equal(shown(files), 'key-2');
    writeFileSync(join(at('two'), 'value'), 'key-3');
    assert.equal(shown(files), 'key-3');
    assert.equal(files.credential()!.header, 'x-api-key');
  });

  it('names a missing file, and heals when it comes', () => {
    const files = endpointFiles({ caFile: at('ca.pem'), auth: { header: 'X', file: at('key') } });
    assert.match(files.fault()!, /authorities from .*ca\.pem: ENOENT/);
    writeFileSync(at('ca.pem'), 'pem');
    assert.match(files.fault()!, /API key from .*key: ENOENT/);
    assert.throws(() => files.credential(), { code: 'ledger-unreachable' });
    writeFileSync(at('key'), 'secret');
    assert.equal(files.fault(), undefined);
    assert.equal(files.authorities(), 'pem');
    rmSync(at('key'));
    assert.match(files.fault()!, /ENOENT/, 'a key that was taken away is not used any more');
  });

  it('@security takes no key that would make more than one header, and shows none in an error', () => {
    for (const text of [
      '',
      '\n',
      'a\nX-Evil: 1',
      'a\r\nb',
      'schlüssel',
      ' lead',
      'trail ',
      'x'.repeat(5_000),
      'a\0b',
    ]) {
      writeFileSync(at('key'), text);
      const fault = keyIn(at('key')).fault()!;
      assert.match(fault, /one line of printable ASCII/, JSON.stringify(text));
      assert.ok(text.trim() === '' || !fault.includes(text.trim()));
    }
    writeFileSync(at('key'), Buffer.alloc(2 * 1024 * 1024, 'x'));
    assert.match(keyIn(at('key')).fault()!, /larger than a mebibyte/);
    writeFileSync(at('key'), 'Bearer abc.def');
    const files = keyIn(at('key'));
    assert.equal(shown(files), 'Bearer abc.def');
    assert.doesNotMatch(
      inspect(files.credential(), { depth: 9 }) + JSON.stringify(files.credential()),
      /abc/,
    );
  });
});
