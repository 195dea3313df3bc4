import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { keystoreFault } from '../../../../sidecar/keystore/keystore.ts';
import { type Batches, createBatches } from '../../../../sidecar/keystore/vault/batches.ts';
import { never } from './vault.ts';

const numbered = (n: number): Buffer => Buffer.from([n]);

describe('batches of signatures', () => {
  /** The batches that were sent, each open until it is answered. */
  let sent: { messages: number[]; answer(results: (Buffer | Error)[]): void; fail(error: Error): void }[];
  let batches: Batches;
  beforeEach(() => {
    sent = [];
    batches = createBatches({
      send: (messages) =>
        new Promise((answer, fail) =>
          sent.push({ messages: messages.map((message) => message[0]!), answer, fail }),
        ),
      size: 3,
      maxWaiting: 5,
    });
  });

  const add = (n: number, signal = never): Promise<Buffer> => {
    const result = batches.add(numbered(n), signal);
    result.catch(() => undefined);
    return result;
  };
  const echo = async (i: number): Promise<void> => {
    sent[i]!.answer(sent[i]!.messages.map(numbered));
    await turn();
  };

  it('sends the first at once, and together what came meanwhile, at most so many', async () => {
    const results = [1, 2, 3, 4, 5].map((n) => add(n));
    assert.deepEqual(
      sent.map(({ messages }) => messages),
      [[1]],
    );
    await echo(0);
    assert.deepEqual(sent[1]!.messages, [2, 3, 4]);
    await echo(1);
    assert.deepEqual(sent[2]!.messages, [5]);
    await echo(2);
    assert.deepEqual(await Promise.all(results), [1, 2, 3, 4, 5].map(numbered));
    const later = add(6);
    assert.deepEqual(sent[3]!.messages, [6]);
    await echo(3);
    assert.deepEqual(await later, numbered(6));
  });

  it('fails only the message whose own result is a fault', async () => {
    const results = [1, 2, 3].map((n) => add(n));
    await echo(0);
    sent[1]!.answer([keystoreFault('keystore-failed', 'this one'), numbered(3)]);
    await assert.rejects(results[1]!, /this one/);
    assert.deepEqual(await results[2], numbered(3));
  });

  it('fails a whole batch and what waits behind it with one fault, and goes on with what comes later', async () => {
    const results = [1, 2, 3].map((n) => add(n));
    sent[0]!.fail(keystoreFault('vault-unreachable', 'gone'));
    for (const result of results) await assert.rejects(result, { code: 'vault-unreachable' });
    await turn();
    assert.equal(sent.length, 1);
    const later = add(4);
    await echo(1);
    assert.deepEqual(await later, numbered(4));
  });

  it('refuses more than may wait @security', async () => {
    for (let n = 0; n < 6; n++) add(n);
    await assert.rejects(add(6), { code: 'keystore-busy' });
  });

  it('lets an aborted caller go, and sends nothing for one that only waited', async () => {
    const ends = [new AbortController(), new AbortController(), new AbortController()];
    const results = ends.map(({ signal }, i) => add(i, signal));
    ends[0]!.abort(new Error('late'));
    ends[1]!.abort(new Error('late'));
    await assert.rejects(results[0]!, /late/);
    await assert.rejects(results[1]!, /late/);
    await echo(0);
    assert.deepEqual(sent[1]!.messages, [2]);
    await echo(1);
    assert.deepEqual(await results[2], numbered(2));
    await assert.rejects(add(3, ends[0]!.signal), /late/);
  });

  it('closes when all that was taken on has its signature', async () => {
    const results = [1, 2].map((n) => add(n));
    let isClosed = false;
    const closing = batches.close().then(() => {
      isClosed = true;
    });
    await assert.rejects(add(3), { code: 'keystore-busy' });
    await echo(0);
    assert.equal(isClosed, false);
    await echo(1);
    await closing;
    assert.deepEqual(await Promise.all(results), [1, 2].map(numbered));
  });
});
