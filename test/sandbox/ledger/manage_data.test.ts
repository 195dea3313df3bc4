import assert from 'node:assert/strict';
import { BASE_RESERVE, type Body, createWorld, G, reaches } from './testing.ts';

const data = (data_name: string, data_value: string | null): Body => ({
  manage_data: { data_name, data_value },
});

describe('manage_data', () => {
  it('success: makes, changes and deletes an entry, which counts as one', () => {
    const world = createWorld('alice');
    const value = () => world.state.data(G('alice'), 'name')?.value;
    world.ok('alice', data('name', '00ff'));
    assert.deepEqual([value(), world.accountOf('alice').subentries], ['00ff', 1]);
    world.ok('alice', data('name', ''));
    assert.deepEqual([value(), world.accountOf('alice').subentries], ['', 1]);
    world.ok('alice', data('name', null));
    assert.deepEqual([value(), world.accountOf('alice').subentries], [undefined, 0]);
  });

  it('success: a name may have 64 printable characters, a backslash, too', () => {
    const world = createWorld('alice');
    world.ok('alice', data(`${'n'.repeat(63)}\\\\`, '01'));
  });

  it('success: a new value leaves the sponsor of the entry as it was (CAP-0033)', () => {
    const world = createWorld('alice');
    world.ok('alice', data('name', '00'));
    world.state.put({ ...world.state.data(G('alice'), 'name')!, sponsor: G('bob') });
    world.ok('alice', data('name', '01'));
    const { value, sponsor } = world.state.data(G('alice'), 'name')!;
    assert.deepEqual([value, sponsor], ['01', G('bob')]);
  });

  for (const name of ['', 'a\\nb', 'a\\x7f', '\\xc3\\xa9']) {
    reaches('invalid_name', JSON.stringify(name), () => ['alice', data(name, '01')]);
  }
  reaches('name_not_found', 'deletes what is not there', () => ['alice', data('name', null)]);
  reaches('low_reserve', 'a new entry without a reserve for it', (world) => {
    world.account('alice', { balance: 3n * BASE_RESERVE + 99n });
    return ['alice', data('name', '01')];
  });
  reaches('op_too_many_subentries', 'a thousand are the most', (world) => {
    world.account('alice', { subentries: 1000 });
    return ['alice', data('name', '01')];
  });
});
