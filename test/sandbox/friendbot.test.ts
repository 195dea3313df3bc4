import assert from 'node:assert/strict';
import { createFriendbot, type Friendbot } from './friendbot.ts';
import { type Network, startNetwork } from './network.ts';
import { issuer, keyOf, manualClock, market, PASSPHRASE } from './testing.ts';

const TEN_THOUSAND = 100_000_000_000n;
const { signal } = new AbortController();

describe('friendbot', () => {
  let network: Network;
  let friendbot: Friendbot;
  const time = manualClock();
  const balance = (name: string): bigint | undefined =>
    network.state.account(keyOf(name).publicKey())?.balance;

  /** Closes ledgers until the promise is settled. */
  const closing = async <T>(promise: Promise<T>): Promise<T> => {
    let open = true;
    const settled = promise.finally(() => {
      open = false;
    });
    settled.catch(() => undefined);
    for (let turn = 0; open && turn < 100; turn += 1) {
      await new Promise(setImmediate);
      time.advance(1000);
    }
    return settled;
  };

  beforeEach(() => {
    network = startNetwork({ ...market(), ...time, closeMs: 1000, retain: 100 });
    friendbot = createFriendbot(network);
  });
  afterEach(() => network.stop());

  it('makes an account by a transaction of the root account, and once only', async () => {
    const address = keyOf('new').publicKey();
    const { transaction, ledger } = await closing(friendbot.fund(address, signal));
    assert.equal(transaction.source, keyOf(PASSPHRASE).publicKey());
    assert.equal(network.transaction(transaction.hash)?.ledger, ledger);
    assert.equal(balance('new'), TEN_THOUSAND);
    await assert.rejects(closing(friendbot.fund(address, signal)), {
      name: 'FriendbotProblem',
      message: 'account already funded to starting balance',
    });
  });

  it('serves those who ask at once one after the other', async () => {
    const asked = ['one', 'two', 'one'].map((name) => friendbot.fund(keyOf(name).publicKey(), signal));
    const [one, two, again] = await closing(Promise.allSettled(asked));
    assert.deepEqual([one?.status, two?.status, again?.status], ['fulfilled', 'fulfilled', 'rejected']);
    assert.deepEqual([balance('one'), balance('two')], [TEN_THOUSAND, TEN_THOUSAND]);
  });

  it('gives to who has less, too', async () => {
    const before = balance('issuer')!;
    await closing(friendbot.fund(issuer.publicKey(), signal));
    assert.equal(balance('issuer'), before + TEN_THOUSAND);
  });

  it('says when the network does not take it, and ends when it is told to', async () => {
    network.pause();
    const stopping = new AbortController();
    const waiting = friendbot.fund(keyOf('one').publicKey(), stopping.signal);
    await new Promise(setImmediate);
    stopping.abort(new Error('enough'));
    await assert.rejects(waiting, /enough/);
    await assert.rejects(friendbot.fund(keyOf('two').publicKey(), signal), /answered TRY_AGAIN_LATER/);
    await assert.rejects(friendbot.fund(keyOf('three').publicKey(), stopping.signal), /enough/);
  });
});
