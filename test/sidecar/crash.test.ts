import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { verifyFolder } from '../../sidecar/journal/verify.ts';
import { sharedToken } from './shared-token.ts';
import { type Answer, type RunningSigner, startSigner } from './signer.ts';
import { buildTransaction, policyYaml } from './transactions.ts';

/** `make soak` asks for more. */
const KILLS = Number(process.env.CRASH_KILLS ?? 20);
const CLIENTS = 6;
const LONGEST_LOAD_MS = 150;
/** Older sequences may have ended; younger ones must not have another body signed. */
const LIVE_MS = 60_000;

interface Asked {
  sequence: number;
  fee: string;
  atMs: number;
}

describe('a signer that is killed @security', function () {
  this.timeout(60_000 + KILLS * 10_000);
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'crash-'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  it(`lets no two bodies out for a live sequence, and has every signature that left in its journal, ${KILLS} times`, async () => {
    const token = sharedToken();
    const policies = { 'a.yaml': policyYaml(token.account, { signaturesPerSecond: 1000 }) };
    // A start is most of the time of a round: what node has compiled once is kept, by a process that may end by itself.
    const start = () =>
      startSigner({ dir, token, policies, env: { NODE_COMPILE_CACHE: join(dir, 'compiled') } });
    await (await start()).stop();
    /** Hash → sequence of every signature that left. */
    const left = new Map<string, number>();
    const codes = new Map<string, number>();
    const asked: Asked[] = [];
    let sequence = 1_000;

    const take = (answer: Answer, of: number): void => {
      const code = String(answer.body.code ?? 'signed');
      codes.set(code, (codes.get(code) ?? 0) + 1);
      if (answer.status === 200) left.set(String(answer.body.hash), of);
    };
    const ask = async (signer: RunningSigner, of: number, fee: string): Promise<void> =>
      take(
        await signer.sign(buildTransaction({ account: token.account, sequence: `${of}`, fee }).toXDR()),
        of,
      );
    /** Two bodies at once for a new sequence, and another one for one that was asked for before, maybe before a kill. */
    const client = async (signer: RunningSigner, isOver: () => boolean): Promise<void> => {
      while (!isOver()) {
        const own = sequence++;
        asked.push({ sequence: own, fee: '100', atMs: Date.now() });
        const old = asked[Math.max(0, asked.length - randomInt(1, 200))]!;
        await Promise.all([
          ask(signer, own, '100'),
          ask(signer, own, '101'),
          ...(Date.now() - old.atMs < LIVE_MS ? [ask(signer, old.sequence, '102')] : []),
        ]).catch(() => sleep(1));
      }
    };

    for (let kill = 0; kill < KILLS; kill++) {
      const signer = await start();
      const before = left.size;
      let isOver = false;
      const clients = Array.from({ length: CLIENTS }, () => client(signer, () => isOver));
      while (left.size === before && signer.process.exitCode === null) await sleep(1);
      await sleep(randomInt(0, LONGEST_LOAD_MS));
      const ended = signer.stop('SIGKILL');
      await sleep(5);
      isOver = true;
      await Promise.all([...clients, ended]);
      assert.ok(left.size > before);
    }

    const last = await start();
    const events = last.journal();
    assert.equal(await last.stop(), 0);
    assert.deepEqual(
      events.filter(({ type }) => type === 'loss'),
      [],
    );
    assert.ok((await verifyFolder(join(dir, 'journal'))).ok);
    const journaled = new Map(
      // The builder takes the number before the transaction's.
      events.filter(({ type }) => type === 'signed').map((event) => [event.hash, Number(event.sequence) - 1]),
    );
    for (const [hash, of] of left) assert.equal(journaled.get(hash), of, `${hash} is in no line`);
    const hashes = new Map<number, string>();
    for (const [hash, of] of journaled) {
      assert.equal(hashes.get(of) ?? hash, hash, `two hashes for ${of}`);
      hashes.set(of, hash as string);
    }
    // Otherwise nothing was tried.
    assert.ok((codes.get('sequence-live') ?? 0) >= KILLS, JSON.stringify([...codes]));
  });
});
