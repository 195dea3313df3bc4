import assert from 'node:assert/strict';
import { keystoreFault } from '../../../../sidecar/keystore/keystore.ts';
import type { Connection } from '../../../../sidecar/keystore/pkcs11/connection.ts';
import { createRecovery, type RecoveryOptions } from '../../../../sidecar/keystore/pkcs11/recovery.ts';

const never = new AbortController().signal;
const turn = () => new Promise(setImmediate);
const rv = (code: number) => Object.assign(new Error('CKR_X'), { code });
const DEVICE_REMOVED = 0x32;
const DEVICE_ERROR = 0x30;

/** Connections that only count, a clock that stands still, and `connect` as the test says. */
function setup(connect: (number: number) => Promise<void> = async () => undefined, maxPending = 10) {
  const events: string[] = [];
  const failures: string[] = [];
  const waits: number[] = [];
  let now = 0;
  let count = 0;
  const make = (): Connection & { number: number } => {
    const number = ++count;
    return {
      number,
      auditKey: undefined,
      sign: () => Promise.reject(new Error('not used')),
      freshen: () => void events.push(`freshen ${number}`),
      close: async () => void events.push(`close ${number}`),
    };
  };
  const options: RecoveryOptions = {
    connect: async () => {
      events.push('connect');
      await connect(count);
      return make();
    },
    onFailed: ({ code }) => void failures.push(code),
    budgetMs: 1_000,
    maxPending,
    now: () => now,
    sleep: async (ms, signal) => {
      signal.throwIfAborted();
      waits.push(ms);
      now += ms;
    },
  };
  const recovery = createRecovery(make(), options);
  const numberOf = (connection: Connection) => (connection as Connection & { number: number }).number;
  return { recovery, events, failures, waits, numberOf };
}

describe('PKCS#11 recovery', () => {
  it('takes the rungs in their order, and reports when there is none left', async () => {
    const { recovery, events, numberOf } = setup();
    const tried: number[] = [];
    await assert.rejects(
      recovery.run(async (connection) => {
        tried.push(numberOf(connection));
        throw rv(DEVICE_ERROR);
      }, never),
      { code: 'keystore-failed', message: 'the token failed: CKR_X' },
    );
    assert.deepEqual(tried, [1, 1, 1, 2, 3]);
    assert.deepEqual(events, ['freshen 1', 'close 1', 'connect', 'close 2', 'connect']);
  });

  it('runs one recovery at a time: who comes meanwhile waits, who failed earlier takes the new connection', async () => {
    const open = Promise.withResolvers<void>();
    const { recovery, events, numberOf } = setup(() => open.promise);
    const attempt = async (connection: Connection) => {
      if (numberOf(connection) === 1) throw rv(DEVICE_REMOVED);
      return numberOf(connection);
    };
    const slow = Promise.withResolvers<void>();
    const late = recovery.run(async (connection) => {
      if (numberOf(connection) === 1) await slow.promise;
      return attempt(connection);
    }, never);
    const early = [recovery.run(attempt, never), recovery.run(attempt, never)];
    await turn();
    const during = recovery.run(attempt, never);
    open.resolve();
    assert.deepEqual(await Promise.all([...early, during]), [2, 2, 2]);
    slow.resolve();
    assert.equal(await late, 2);
    assert.deepEqual(events, ['close 1', 'connect']);
  });

  it('lets a caller leave who waits for it, and begins nothing for him @security', async () => {
    const open = Promise.withResolvers<void>();
    const { recovery } = setup(() => open.promise);
    const caller = new AbortController();
    let attempts = 0;
    const signature = recovery.run(async () => {
      attempts++;
      throw rv(DEVICE_REMOVED);
    }, caller.signal);
    await turn();
    caller.abort(new Error('deadline'));
    await assert.rejects(signature, /deadline/);
    open.resolve();
    await turn();
    assert.equal(attempts, 1);
  });

  it('closes nothing over the failure of a caller who has left', async () => {
    const { recovery, events } = setup();
    const caller = new AbortController();
    let attempts = 0;
    const signature = recovery.run(async () => {
      if (++attempts === 3) caller.abort(new Error('deadline'));
      throw attempts === 3 ? new Error('deadline') : rv(DEVICE_ERROR);
    }, caller.signal);
    await assert.rejects(signature, /deadline/);
    assert.deepEqual([attempts, events], [3, ['freshen 1']]);
  });

  it('refuses more than may be under way, also during a recovery', async () => {
    const open = Promise.withResolvers<void>();
    const { recovery, numberOf } = setup(() => open.promise, 2);
    const attempt = async (connection: Connection) => {
      if (numberOf(connection) === 1) throw rv(DEVICE_REMOVED);
      return 'signed';
    };
    const two = [recovery.run(attempt, never), recovery.run(attempt, never)];
    await turn();
    await assert.rejects(recovery.run(attempt, never), { code: 'keystore-busy' });
    open.resolve();
    assert.deepEqual(await Promise.all(two), ['signed', 'signed']);
    assert.equal(await recovery.run(attempt, never), 'signed');
  });

  it('tries to connect as long as its budget lasts, ever less often, then fails for everybody', async () => {
    const { recovery, failures, waits, events } = setup(async () => {
      throw keystoreFault('token-missing', 'no token');
    });
    const attempt = () => Promise.reject(rv(DEVICE_REMOVED));
    const both = [recovery.run(attempt, never), recovery.run(attempt, never)];
    for (const one of both) await assert.rejects(one, { code: 'token-missing' });
    assert.deepEqual(waits.slice(0, 5), [10, 20, 40, 50, 50]);
    assert.ok(waits.reduce((sum, ms) => sum + ms) <= 1_000);
    assert.deepEqual(failures, ['token-missing']);
    const before = events.length;
    await assert.rejects(recovery.run(attempt, never), { code: 'token-missing' });
    assert.equal(events.length, before, 'nothing more is tried');
  });

  for (const code of [
    'pin-refused',
    'pin-missing',
    'pin-memory-unusable',
    'key-missing',
    'key-unsafe',
    'wrong-account',
  ] as const)
    it(`connects once when that ends with ${code} @security`, async () => {
      const { recovery, failures, events } = setup(async () => {
        throw keystoreFault(code, 'no');
      });
      await assert.rejects(
        recovery.run(() => Promise.reject(rv(DEVICE_REMOVED)), never),
        { code },
      );
      assert.deepEqual([failures, events], [[code], ['close 1', 'connect']]);
    });

  it('when closed, ends a recovery, closes what is open and takes nothing more', async () => {
    const idle = setup();
    await idle.recovery.close();
    assert.deepEqual(idle.events, ['close 1']);
    await assert.rejects(
      idle.recovery.run(async () => 'x', never),
      { code: 'keystore-failed', message: /being closed/ },
    );
    const stuck = setup(async () => {
      throw keystoreFault('token-missing', 'no token');
    });
    const request = stuck.recovery.run(() => Promise.reject(rv(DEVICE_REMOVED)), never);
    const refused = assert.rejects(request);
    await turn();
    await stuck.recovery.close();
    await refused;
    assert.ok(stuck.events.every((event) => event !== 'close 2'));
  });

  it('connects no more once it is closed, whatever a signature under way then meets @security', async () => {
    const { recovery, events } = setup();
    const under = Promise.withResolvers<void>();
    const signature = recovery.run(async () => {
      await under.promise;
      throw rv(DEVICE_REMOVED);
    }, never);
    await turn();
    const closing = recovery.close();
    under.resolve();
    await assert.rejects(signature, { code: 'keystore-failed', message: /being closed/ });
    await closing;
    await turn();
    assert.deepEqual(events, ['close 1']);
  });

  it('does not connect anew when it is closed before the lost connection has come to rest', async () => {
    const { recovery, events } = setup();
    const signature = recovery.run(async () => {
      throw rv(DEVICE_REMOVED);
    }, never);
    signature.catch(() => undefined);
    // Some microtasks on, the lost connection is being closed.
    while (events.length === 0) await Promise.resolve();
    await recovery.close();
    await assert.rejects(signature);
    assert.deepEqual(events, ['close 1']);
  });
});
