import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { verifyFolder } from '../../../sidecar/journal/verify.ts';
import { sharedToken } from '../shared-token.ts';
import { type RunningSigner, startSigner } from '../signer.ts';
import { buildTransaction, policyYaml } from '../transactions.ts';

describe('journal of a running signer @security', function () {
  this.timeout(90_000);
  let dir: string;
  let signer: RunningSigner;
  const record = (text: string) => writeFileSync(join(dir, 'expected.json'), text);
  const start = () => {
    const token = sharedToken();
    return startSigner({
      dir,
      token,
      policies: { 'a.yaml': policyYaml(token.account) },
      env: {
        STELLAR_JOURNAL_INIT: 'false',
        STELLAR_JOURNAL_EXPECTED_FILE: join(dir, 'expected.json'),
      },
    });
  };
  let sequence = 1;
  const sign = () =>
    signer.sign(buildTransaction({ account: sharedToken().account, sequence: `${sequence++}` }).toXDR());
  const journal = async () => JSON.parse((await signer.health('/status')).text).journal;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'journal-start-'));
  });
  after(async () => {
    await signer.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('signs once the operator has handed its id back, and refuses when its volume was emptied after that', async () => {
    signer = await start();
    assert.equal((await journal()).expected, undefined);
    record('{}\n');
    while ((await journal()).expected === undefined) await sleep(50);
    const { id, standing, checkpoint } = await journal();
    assert.deepEqual([standing, checkpoint], ['unconfirmed', 0]);
    assert.deepEqual(
      [(await sign()).body.code, (await signer.health('/readyz')).status],
      ['journal-unconfirmed', 503],
    );
    record(JSON.stringify({ id, checkpoint }));
    while ((await journal()).standing !== 'ready') await sleep(50);
    assert.equal((await sign()).status, 200);
    assert.ok((await verifyFolder(join(dir, 'journal'))).ok);
    await signer.stop('SIGKILL');

    for (const name of readdirSync(join(dir, 'journal'))) rmSync(join(dir, 'journal', name));
    signer = await start();
    const refused = await sign();
    assert.deepEqual([refused.status, refused.body.code], [503, 'journal-lost']);
    assert.match(String(refused.body.detail), /nothing is signed for another 1[78]\d s/);
    const now = await journal();
    assert.deepEqual([now.standing, now.id === id], ['waiting', false]);
    assert.match((await signer.health('/readyz')).text, /an earlier journal was lost/);
  });
});
