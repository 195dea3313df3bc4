import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FaultShim, useFaults } from '../../p11fault.ts';
import { sharedToken } from '../../shared-token.ts';
import { type RunningSigner, startSigner } from '../../signer.ts';
import type { Token } from '../../token.ts';
import { buildTransaction, policyYaml } from '../../transactions.ts';

/** The whole signer, as a process, on a real token with faults in front of it. */
describe('signer on a PKCS#11 token with faults @security', function () {
  this.timeout(60_000);
  let dir: string;
  let token: Token;
  let shim: FaultShim;
  const start = (env: Record<string, string> = {}) =>
    startSigner({
      dir,
      token,
      policies: { 'a.yaml': policyYaml(token.account) },
      env: { STELLAR_PKCS11_MODULE: shim.module, ...shim.env, ...env },
    });

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'signer-'));
    token = sharedToken();
    shim = useFaults(token.module, dir);
  });
  afterEach(() => {
    shim.remove();
    rmSync(dir, { recursive: true });
  });

  const until = async (
    signer: RunningSigner,
    condition: (ready: { status: number; text: string }) => boolean,
  ) => {
    while (!condition(await signer.health('/readyz')))
      await new Promise((resolve) => setTimeout(resolve, 20));
  };

  it('sends a wrong PIN once over two starts, says so on /readyz, and takes the right one without a start', async () => {
    const pinFile = join(dir, 'pin');
    writeFileSync(pinFile, 'not the PIN', { mode: 0o600 });
    const env = { STELLAR_PKCS11_PIN_FILE: pinFile };
    const first = await start(env);
    try {
      await until(first, ({ text }) => text.includes('refused the PIN'));
      const { status, body } = await first.sign(buildTransaction({ account: token.account }).toXDR());
      assert.deepEqual([status, body.code], [503, 'keystore-unavailable']);
    } finally {
      await first.stop();
    }
    const second = await start(env);
    try {
      await until(second, ({ text }) => text.includes('refused the PIN'));
      assert.equal(shim.calls('C_Login'), 1);
      writeFileSync(pinFile, readFileSync(token.pinFile));
      await until(second, ({ status }) => status === 200);
      assert.equal(shim.calls('C_Login'), 2);
    } finally {
      await second.stop();
    }
  });

  it('signs over a token that was away for a moment', async () => {
    const signer = await start();
    try {
      await until(signer, ({ status }) => status === 200);
      shim.set('C_SignInit 101 1 0', 'C_Sign 32 3 0');
      const { status } = await signer.sign(buildTransaction({ account: token.account }).toXDR());
      assert.equal(status, 200);
    } finally {
      await signer.stop();
    }
  });
});
