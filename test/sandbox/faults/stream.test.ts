import assert from 'node:assert/strict';
import { until } from '../horizon/testing.ts';
import { useWorld } from './testing.ts';

describe('faults of streams', function () {
  this.timeout(30_000);
  const world = useWorld();
  const open: (() => void)[] = [];

  afterEach(() => {
    for (const stop of open.splice(0)) stop();
  });

  /** What the SDK's stream tells, of four ledgers that closed behind its cursor and of all that close later: 1, 2, …. */
  function listen(behind: number, endpoint: string): { seen: number[]; errors: unknown[] } {
    const told: { seen: number[]; errors: unknown[] } = { seen: [], errors: [] };
    const cursor = (BigInt(behind) << 32n) + 1n;
    const stop = world
      .server(endpoint)
      .ledgers()
      .cursor(String(cursor))
      .stream({
        onmessage: ({ sequence }) => told.seen.push((sequence as unknown as number) - behind),
        onerror: (error) => told.errors.push(error),
      });
    open.push(stop);
    return told;
  }

  const begin = (): number => {
    const { network } = world.sandbox;
    const behind = network.latest.sequence;
    for (let i = 0; i < 4; i += 1) network.close();
    return behind;
  };

  for (const [how, expected] of [
    ['replay', [1, 2, 1, 2, 3, 4]],
    ['skip', [1, 2, 4]],
    ['duplicate', [1, 2, 3, 3, 4]],
  ] as const) {
    it(`a stream with a fault: ${how}`, async () => {
      const behind = begin();
      world.fault({ kind: 'stream', how, after: 2, path: '/ledgers' });
      const { seen } = listen(behind, 'horizon');
      await until(() => seen.at(-1) === 4);
      assert.deepEqual(seen, expected);
      world.sandbox.network.close();
      await until(() => seen.at(-1) === 5);
      assert.deepEqual(seen, [...expected, 5]);
    });
  }

  it('a stream that falls silent, and stays open', async () => {
    const behind = begin();
    world.fault({ kind: 'stream', how: 'stall', after: 2 });
    const silent = listen(behind, 'horizon');
    await until(() => silent.seen.length > 0);
    const right = listen(behind, 'horizon-2');
    world.sandbox.network.close();
    await until(() => right.seen.at(-1) === 5);
    assert.deepEqual(silent, { seen: [1, 2], errors: [] });
  });

  it('a stream that ends without byebye: the client comes back with the last id', async () => {
    const behind = begin();
    world.fault({ kind: 'stream', how: 'end', after: 2, times: 1 });
    const { seen, errors } = listen(behind, 'horizon');
    await until(() => seen.at(-1) === 4);
    assert.deepEqual(seen, [1, 2, 3, 4]);
    assert.equal(errors.length, 1);
  });

  it('a stream that is refused', async () => {
    world.fault({ kind: 'rate_limit', retryAfter: 1 });
    const { errors } = listen(1, 'horizon');
    await until(() => errors.length > 0);
    assert.equal((errors[0] as { code?: number }).code, 429);
  });
});
