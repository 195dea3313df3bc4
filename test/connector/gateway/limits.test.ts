import assert from 'node:assert/strict';
import { createLimits } from '../../../connector/gateway/limits.ts';
import { PATH, type Rig, startRig, swapBody } from './rig.ts';

const budgets = { read: { perSecond: 2, inFlight: 3 }, trade: { perSecond: 1, inFlight: 2 } };
const isLimited = (error: { code?: string }) => error.code === 'rate-limited';

describe('connector/gateway: budgets of each client', () => {
  it('a rate is counted per client and kind, and comes back with time', () => {
    let now = 0;
    const { enter } = createLimits(() => now, budgets);
    for (let n = 0; n < 10; n++) enter('bot', 'read')();
    assert.throws(() => enter('bot', 'read'), isLimited);
    enter('bot', 'trade')();
    enter('another', 'read')();
    now += 500;
    enter('bot', 'read')();
    assert.throws(() => enter('bot', 'read'), isLimited);
  });

  it('what is under way is counted per client, trades in all too; a place is given back once', () => {
    const { enter } = createLimits(() => 0, budgets, 3);
    const leave = [enter('one', 'trade'), enter('one', 'trade')];
    assert.throws(() => enter('one', 'trade'), isLimited);
    enter('two', 'trade');
    assert.throws(() => enter('two', 'trade'), isLimited, 'three are under way');
    enter('two', 'read');
    leave[0]!();
    leave[0]!();
    enter('one', 'trade');
    assert.throws(() => enter('two', 'trade'), isLimited);
  });

  it('@security a client that hammers is not forgotten, and so not let in anew, by names that come between', () => {
    const { enter } = createLimits(() => 0, budgets);
    for (let n = 0; n < 10; n++) enter('bot', 'read')();
    for (let n = 0; n < 1_500; n++) enter(`other ${n}`, 'read')();
    assert.throws(() => enter('bot', 'read'), isLimited);
  });

  describe('over HTTP', () => {
    let rig: Rig;
    let go = (): void => undefined;
    before(async () => {
      rig = await startRig({ budgets: { ...budgets, read: { perSecond: 100, inFlight: 10 } } });
      const gone = new Promise<void>((resolve) => {
        go = resolve;
      });
      rig.engine = async () => {
        await gone;
        throw new Error('over');
      };
    });
    after(() => rig.stop());

    it('while trades wait or are refused, the monitor is answered', async () => {
      const held = [rig.call('POST', PATH, swapBody()), rig.call('POST', PATH, swapBody())];
      while (rig.planned.length < 2) await new Promise(setImmediate);
      const refused = await rig.call('POST', PATH, swapBody());
      assert.deepEqual([refused.status, refused.body.code], [429, 'RATE_LIMITED']);
      assert.equal(refused.headers['retry-after'], '1');
      assert.equal(rig.planned.length, 2, 'nothing was planned for it');
      assert.equal(rig.audit.length, 0);
      for (let n = 0; n < 50; n++) {
        assert.equal((await rig.call('GET', '/')).status, 200);
        const signature = 'cd'.repeat(32);
        assert.equal((await rig.call('POST', '/chains/stellar/poll', { signature })).status, 200);
      }
      go();
      assert.deepEqual(
        (await Promise.all(held)).map(({ status }) => status),
        [500, 500],
      );
      assert.equal(rig.audit.length, 2);
    });

    it('health is never limited', async () => {
      const many = await Promise.all(Array.from({ length: 700 }, () => rig.call('GET', '/')));
      assert.ok(many.every(({ status }) => status === 200));
    });
  });
});
