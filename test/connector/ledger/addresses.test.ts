import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { watchText } from '../../../common/watch-file.ts';
import { type Addresses, parseAddresses } from '../../../connector/ledger/addresses.ts';

const text = (...ips: string[]): string => JSON.stringify({ hosts: { 'h.test': ips } });

describe('connector/ledger/addresses', () => {
  it('@security takes IP addresses only, and no empty list', () => {
    assert.deepEqual(parseAddresses(text('192.0.2.1', '2001:db8::1')), {
      'h.test': ['192.0.2.1', '2001:db8::1'],
    });
    for (const bad of [
      text('other.test'),
      text(),
      text('192.0.2.1/24'),
      '{}',
      '[]',
      '{"hosts":{},"x":1}',
      'x',
    ]) {
      assert.throws(() => parseAddresses(bad), { code: 'config-invalid' }, bad);
    }
  });

  it('follows a swapped link, and keeps the last good file in force', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'addresses-'));
    const [one, two, link] = ['one', 'two', 'addresses.json'].map((name) => join(folder, name));
    writeFileSync(one!, text('192.0.2.1'));
    writeFileSync(two!, text('192.0.2.2'));
    symlinkSync(one!, link!);
    const seen: (Addresses | string)[] = [];
    const stop = new AbortController();
    const handlers = {
      changed: (it: string) => void seen.push(parseAddresses(it)),
      failed: () => void seen.push('failed'),
    };
    watchText(link!, 5, handlers, stop.signal);
    const look = async (): Promise<(Addresses | string)[]> => {
      await delay(30);
      return seen.splice(0);
    };
    assert.deepEqual(await look(), [{ 'h.test': ['192.0.2.1'] }]);
    unlinkSync(link!);
    assert.deepEqual(await look(), ['failed'], 'said once');
    symlinkSync(two!, link!);
    assert.deepEqual(await look(), [{ 'h.test': ['192.0.2.2'] }]);
    writeFileSync(two!, '{"hosts":');
    assert.deepEqual(await look(), ['failed']);
    stop.abort();
    writeFileSync(two!, text('192.0.2.3'));
    assert.deepEqual(await look(), []);
    rmSync(folder, { recursive: true });
  });
});
