import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createNonces } from '../../../sidecar/auth/nonces.ts';

describe('nonces of signed requests @security', () => {
  it('takes each once, whatever end it comes with the second time', () => {
    const nonces = createNonces(10);
    assert.equal(nonces.take('a', 110, 100_000), 'new');
    assert.equal(nonces.take('a', 110, 100_001), 'used');
    assert.equal(nonces.take('a', 120, 100_001), 'used');
    assert.equal(nonces.take('b', 110, 100_001), 'new');
  });

  it('keeps each until it expires, and then has its room again', () => {
    const nonces = createNonces(1);
    nonces.take('a', 110, 100_000);
    assert.equal(nonces.take('a', 110, 109_999), 'used');
    assert.equal(nonces.take('b', 120, 109_999), 'full');
    assert.equal(nonces.take('b', 120, 110_000), 'new');
  });

  it('forgets no live one when it is full', () => {
    const nonces = createNonces(2);
    nonces.take('a', 110, 100_000);
    nonces.take('b', 130, 100_000);
    for (let i = 0; i < 100; i++) assert.equal(nonces.take(`c${i}`, 120, 100_000), 'full');
    assert.deepEqual([nonces.take('a', 110, 100_000), nonces.take('b', 130, 100_000)], ['used', 'used']);
  });

  it('takes none that it may have had before the clock went back, and all others', () => {
    const nonces = createNonces(10);
    nonces.take('a', 110, 100_000);
    nonces.take('b', 215, 200_000);
    assert.equal(nonces.take('a', 110, 100_000), 'forgotten');
    assert.equal(nonces.take('c', 111, 100_000), 'new');
    assert.equal(nonces.take('b', 215, 100_000), 'used');
  });

  it('lets no nonce pass twice, however clock, ends and room go', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.array(
          fc.tuple(
            fc.integer({ min: 0, max: 8 }),
            fc.integer({ min: 0, max: 60 }),
            fc.integer({ min: 0, max: 60_000 }),
          ),
          {
            maxLength: 60,
          },
        ),
        (capacity, steps) => {
          const nonces = createNonces(capacity);
          const taken = new Map<string, number>();
          for (const [name, expires, now] of steps) {
            // As `verifyMessage` does.
            if (now >= expires * 1_000) continue;
            const nonce = String(name);
            if (nonces.take(nonce, expires, now) !== 'new') continue;
            // The same signed message has the same end.
            assert.notEqual(taken.get(nonce), expires);
            taken.set(nonce, expires);
          }
        },
      ),
      { numRuns: 500 },
    ));
});
