import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { Console } from 'node:console';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { format, inspect } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { pino } from 'pino';
import { stringify } from 'yaml';
import { Secret } from '../../common/secret.ts';

const TEXT = 'hunter2-correct-horse';

/** Everything that is written to it, as text. */
function sink(): { stream: Writable; text: () => string } {
  let text = '';
  const write = (chunk: unknown, _encoding: string, done: () => void): void => {
    text += String(chunk);
    done();
  };
  return { stream: new Writable({ write }), text: () => text };
}

/** All that can be got at from a value without calling `reveal`. */
const everything = (value: unknown): string =>
  inspect(value, { showHidden: true, customInspect: false, getters: true, depth: null, showProxy: true });

const thrownBy = (work: () => unknown): string => {
  try {
    work();
    return '';
  } catch (error) {
    return `${everything(error)}${String(error)}`;
  }
};

const ATTEMPTS: Record<string, (secret: Secret) => string> = {
  template: (secret) => `${secret}`,
  concatenation: (secret) => ''.concat(secret as unknown as string, [secret].join()),
  'String and toLocaleString': (secret) => String(secret) + secret.toLocaleString(),
  'Symbol.toStringTag': (secret) => Object.prototype.toString.call(secret),
  JSON: (secret) => JSON.stringify({ secret, list: [secret] }),
  YAML: (secret) => stringify({ secret }),
  inspect: (secret) => inspect({ secret }, { depth: null }),
  'inspect with everything on': (secret) => everything({ secret, map: new Map([[secret, secret]]) }),
  'inspect of a proxy': (secret) => everything(new Proxy(secret, {})),
  format: (secret) => format('%s %d %i %f %j %o %O %c', ...Array(8).fill(secret), secret),
  spread: (secret) => everything({ ...secret }),
  assign: (secret) => everything(Object.assign({}, secret)),
  entries: (secret) => everything([Object.entries(secret), Object.values(secret)]),
  'own keys and descriptors': (secret) =>
    everything([
      Reflect.ownKeys(secret),
      Object.getOwnPropertyNames(secret),
      Object.getOwnPropertySymbols(secret),
      Object.getOwnPropertyDescriptors(secret),
    ]),
  'a property of its prototype': (secret) =>
    everything(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(secret))),
  structuredClone: (secret) => everything(structuredClone({ secret })),
  serialize: (secret) =>
    serialize({ secret }).toString('latin1') + everything(deserialize(serialize(secret))),
  'Buffer.from': (secret) => thrownBy(() => Buffer.from(secret as unknown as string)),
  'an error’s cause': (secret) =>
    everything(new Error('x', { cause: secret })) + inspect(Error('x', { cause: secret })),
  'an error’s property': (secret) => inspect(Object.assign(new Error('x'), { secret })),
  'assert, deep': (secret) => thrownBy(() => assert.deepEqual({ secret }, { secret: 'other' })),
  'assert, same': (secret) => thrownBy(() => assert.equal(secret, new Secret(Buffer.from('other')))),
  'assert, no throw': (secret) => thrownBy(() => assert.fail(secret as unknown as string)),
  console: (secret) => {
    const { stream, text } = sink();
    const to = new Console(stream, stream);
    to.log(secret, { secret });
    to.dir(secret, { showHidden: true });
    to.table([secret]);
    to.trace(secret);
    return text();
  },
  pino: (secret) => {
    const { stream, text } = sink();
    const log = pino(stream);
    log.info({ secret, deep: { secret } }, 'message %s %o', secret, secret);
    log.info(secret);
    log.error(Object.assign(new Error('x', { cause: secret }), { secret }));
    log.child({ secret }).info('x');
    return text();
  },
};

describe('Secret @security', () => {
  for (const [way, attempt] of Object.entries(ATTEMPTS)) {
    it(`shows nothing by ${way}`, () => {
      const shown = attempt(new Secret(Buffer.from(TEXT)));
      const forms = [TEXT, Buffer.from(TEXT).toString('hex'), Buffer.from(TEXT).toString('base64')];
      const bytes = [...Buffer.from(TEXT)].join(', ');
      for (const form of [...forms, bytes, TEXT.slice(0, 7)])
        assert.ok(!shown.replaceAll('\n', ' ').includes(form), `${way} shows ${form}`);
      assert.notEqual(shown, '');
    });
  }

  it('shares its memory with no other Buffer', () => {
    const bytes = new Secret(Buffer.from(TEXT)).reveal();
    assert.equal(bytes.toString(), TEXT);
    assert.equal(bytes.buffer.byteLength, bytes.length);
  });

  it('is a copy: what it was made of can be overwritten', () => {
    const bytes = Buffer.from(TEXT);
    const secret = new Secret(bytes);
    bytes.fill(0);
    assert.equal(secret.reveal().toString(), TEXT);
  });

  it('cannot be given a property that could be shown', () => {
    const secret = new Secret(Buffer.from(TEXT)) as unknown as Record<string, unknown>;
    assert.throws(() => {
      secret.text = TEXT;
    }, TypeError);
  });

  it('is zero and gone after erase', () => {
    const secret = new Secret(Buffer.from(TEXT));
    const bytes = secret.reveal();
    secret.erase();
    assert.deepEqual(bytes, Buffer.alloc(TEXT.length));
    assert.throws(() => secret.reveal(), /erased/);
  });

  it('is in no heap snapshot, unless somebody made a string of it', function () {
    this.timeout(60_000);
    const dir = mkdtempSync(join(tmpdir(), 'secret-heap-'));
    try {
      const file = join(dir, 'pin');
      writeFileSync(file, `${TEXT}\n`, { mode: 0o600 });
      const program = fileURLToPath(new URL('secret-heap.ts', import.meta.url));
      const search = (...args: string[]): string =>
        execFileSync(process.execPath, [program, file, ...args], { encoding: 'utf8' });
      assert.deepEqual([search(), search('reveal')], ['absent', 'found']);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
