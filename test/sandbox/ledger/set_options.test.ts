import assert from 'node:assert/strict';
import { StrKey } from '@stellar/stellar-sdk/base';
import { AUTH_CLAWBACK, AUTH_IMMUTABLE, AUTH_REQUIRED, AUTH_REVOCABLE } from './entries.ts';
import { UNCHANGED } from './set_options.ts';
import { BASE_RESERVE, type Body, createWorld, G, reaches } from './testing.ts';

const options = (change: Record<string, unknown>): Body => ({
  set_options: {
    ...UNCHANGED,
    ...change,
  },
});
const signer = (key: string, weight: number): Body => options({ signer: { key, weight } });
const hash = (fill: number): Buffer => Buffer.alloc(32, fill);
/** A P… signer over a payload. */
const payload = (name: string, bytes: Buffer): string => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  const padded = Buffer.alloc(Math.ceil(bytes.length / 4) * 4);
  bytes.copy(padded);
  return StrKey.encodeSignedPayload(Buffer.concat([StrKey.decodeEd25519PublicKey(G(name)), length, padded]));
};

describe('set_options', () => {
  it('success: flags, thresholds, home domain and inflation destination; null leaves what is there', () => {
    const world = createWorld('alice', 'bob');
    world.ok('alice', options({ set_flags: AUTH_REQUIRED | AUTH_REVOCABLE, home_domain: 'example.org' }));
    world.ok('alice', options({ clear_flags: AUTH_REQUIRED, inflation_dest: G('bob') }));
    world.ok('alice', options({ master_weight: 255, low_threshold: 1, med_threshold: 2, high_threshold: 3 }));
    const account = world.accountOf('alice');
    assert.deepEqual(
      [account.flags, account.homeDomain, account.inflationDestination, account.thresholds],
      [AUTH_REVOCABLE, 'example.org', G('bob'), { master: 255, low: 1, medium: 2, high: 3 }],
    );
    world.ok('alice', options({ home_domain: '' }));
    assert.equal(world.accountOf('alice').homeDomain, '');
  });

  it('success: signers of every kind, sorted, each an entry; a weight of zero removes', () => {
    const world = createWorld('alice');
    const keys = [
      G('bob'),
      StrKey.encodePreAuthTx(hash(1)),
      StrKey.encodeSha256Hash(hash(1)),
      payload('bob', Buffer.from('00', 'hex')),
      payload('bob', Buffer.from('0001', 'hex')),
    ];
    for (const key of keys.toReversed()) world.ok('alice', signer(key, 1));
    assert.deepEqual(
      world.accountOf('alice').signers.map(({ key }) => key),
      keys,
    );
    world.ok('alice', signer(G('bob'), 7));
    assert.deepEqual(world.accountOf('alice').signers[0], { key: G('bob'), weight: 7 });
    for (const key of keys) world.ok('alice', signer(key, 0));
    assert.deepEqual([world.accountOf('alice').signers, world.accountOf('alice').subentries], [[], 0]);
  });

  it('success: a signer that is not there can be removed', () => {
    createWorld('alice').ok('alice', signer(G('bob'), 0));
  });

  it('success: clawback together with revocable', () => {
    const world = createWorld('alice');
    world.ok('alice', options({ set_flags: AUTH_CLAWBACK | AUTH_REVOCABLE }));
    world.ok('alice', options({ clear_flags: AUTH_CLAWBACK | AUTH_REVOCABLE }));
    assert.equal(world.accountOf('alice').flags, 0);
  });

  reaches('low_reserve', 'a new signer without a reserve for it', (world) => {
    world.account('alice', { balance: 3n * BASE_RESERVE + 99n });
    return ['alice', signer(G('bob'), 1)];
  });
  reaches('too_many_signers', 'twenty are the most', (world) => {
    const signers = Array.from({ length: 20 }, (_, index) => ({
      key: StrKey.encodeSha256Hash(hash(index)),
      weight: 1,
    }));
    world.account('alice', { signers, subentries: 20 });
    return ['alice', signer(G('bob'), 1)];
  });
  reaches('op_too_many_subentries', 'a thousand are the most', (world) => {
    world.account('alice', { subentries: 1000 });
    return ['alice', signer(G('bob'), 1)];
  });
  reaches('bad_flags', 'sets and clears the same', () => [
    'alice',
    options({ set_flags: AUTH_REQUIRED, clear_flags: AUTH_REQUIRED }),
  ]);
  reaches('invalid_inflation', 'a destination that is not there', () => [
    'alice',
    options({ inflation_dest: G('carol') }),
  ]);
  for (const [name, change] of [
    ['set', { set_flags: AUTH_REQUIRED }],
    ['clear', { clear_flags: AUTH_IMMUTABLE }],
  ] as const) {
    reaches('cant_change', `immutable flags: ${name}`, (world) => {
      world.account('alice', { flags: AUTH_IMMUTABLE });
      return ['alice', options(change)];
    });
  }
  reaches('unknown_flag', 'sets a bit without a meaning', () => ['alice', options({ set_flags: 16 })]);
  reaches('unknown_flag', 'clears a bit without a meaning', () => ['alice', options({ clear_flags: 16 })]);
  for (const field of ['master_weight', 'low_threshold', 'med_threshold', 'high_threshold']) {
    reaches('threshold_out_of_range', `${field} of 256`, () => ['alice', options({ [field]: 256 })]);
  }
  reaches('bad_signer', 'itself', () => ['alice', signer(G('alice'), 1)]);
  reaches('bad_signer', 'a weight of 256 (since protocol 10)', () => ['alice', signer(G('bob'), 256)]);
  reaches('bad_signer', 'an empty payload (CAP-0040)', () => [
    'alice',
    signer(payload('bob', Buffer.from('abcdabcd', 'hex')), 1),
    { patch: (hex) => hex.replace('00000004abcdabcd', '00000000') },
  ]);
  reaches('invalid_home_domain', 'a control character', () => ['alice', options({ home_domain: 'a\\nb' })]);
  reaches('auth_revocable_required', 'clawback alone (CAP-0035)', () => [
    'alice',
    options({ set_flags: AUTH_CLAWBACK }),
  ]);
  reaches('auth_revocable_required', 'takes revocable away under clawback', (world) => {
    world.account('alice', { flags: AUTH_CLAWBACK | AUTH_REVOCABLE });
    return ['alice', options({ clear_flags: AUTH_REVOCABLE })];
  });
});
