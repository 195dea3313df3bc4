import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { StrKey } from '@stellar/stellar-sdk';
import { appRoleAuth } from './keystore/vault/vault.ts';
import { createTransitKey, type OpenBao, startOpenBao } from './openbao.ts';
import { type RunningSigner, startSigner } from './signer.ts';
import { buildTransaction, policyYaml } from './transactions.ts';

/** The whole signer as a process, its key in a real OpenBao over TLS, logged in by AppRole. */
describe('signer over Vault @security', function () {
  this.timeout(60_000);
  let dir: string;
  let bao: OpenBao;
  let account: string;
  let secretId: string;
  let signer: RunningSigner;
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'vault-signer-'));
    bao = await startOpenBao();
    const key = await createTransitKey(bao);
    const { appRole } = await appRoleAuth(bao, key);
    account = StrKey.encodeEd25519PublicKey(key.publicKey);
    secretId = readFileSync(appRole.secretIdFile, 'utf8').trim();
    const env = {
      STELLAR_VAULT_ADDRESS: bao.https,
      STELLAR_VAULT_CA_FILE: bao.caFile,
      STELLAR_VAULT_MOUNT: key.mount,
      STELLAR_VAULT_KEY: key.key,
      STELLAR_VAULT_AUTH_APPROLE_MOUNT: appRole.mount,
      STELLAR_VAULT_AUTH_APPROLE_ROLE_ID: appRole.roleId,
      STELLAR_VAULT_AUTH_APPROLE_SECRET_ID_FILE: appRole.secretIdFile,
    };
    signer = await startSigner({
      dir,
      token: { account, env },
      policies: { 'a.yaml': policyYaml(account) },
    });
  });
  after(async () => {
    await signer?.stop();
    await bao?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  let sequence = 100;
  const outcomes: string[] = [];
  const sign = async (): Promise<void> => {
    const transaction = buildTransaction({ account, sequence: String(sequence++) });
    const { status, body } = await signer.sign(transaction.toXDR());
    outcomes.push(status === 200 ? 'signed' : `${status} ${body.code}`);
  };
  const fault = async (): Promise<string | undefined> => {
    const { text } = await signer.health('/status');
    return (JSON.parse(text) as { keystore: { fault?: string } }).keystore.fault;
  };
  /** The fault that /status names; /readyz says the same. */
  const becomes = async (expected: RegExp): Promise<void> => {
    while (!expected.test((await fault()) ?? '')) await delay(20);
    const { status, text } = await signer.health('/readyz');
    assert.equal(status, 503);
    assert.match(text, expected);
  };
  const becomesReady = async (): Promise<void> => {
    while ((await signer.health('/readyz')).status !== 200) await delay(50);
    assert.equal(await fault(), undefined);
  };

  it('says that Vault is gone, then that it came back sealed, signs nothing meanwhile, and goes on by itself', async () => {
    await becomesReady();
    let isOver = false;
    const asking = (async () => {
      while (!isOver) await Promise.all([sign(), sign(), delay(250)]);
    })();
    try {
      await bao.stop();
      await becomes(/cannot reach Vault: the connection (is refused|was cut)/);
      await bao.start();
      await becomes(/Vault is sealed/);
      await bao.unseal();
      await becomesReady();
    } finally {
      isOver = true;
      await asking;
    }
    await sign();
    assert.equal(outcomes.at(-1), 'signed');
    assert.deepEqual([...new Set(outcomes)].sort(), ['503 keystore-unavailable', 'signed']);
    const signed = signer.journal().filter(({ type }) => type === 'signed').length;
    assert.equal(signed, outcomes.filter((outcome) => outcome === 'signed').length);
    for (const code of ['vault-sealed', 'vault-unreachable'])
      assert.ok((await signer.metric(`stellar_signer_keystore_faults_total{code="${code}"}`)) >= 1, code);
    assert.equal(await signer.metric('stellar_signer_keystore_open'), 1);
    const messages = signer.log.map(({ msg }) => msg);
    assert.equal(messages.filter((text) => text === 'the key is usable').length, 2);
    assert.ok(!JSON.stringify(signer.log).includes(secretId));
    assert.ok(!JSON.stringify(signer.log).match(/\bs\.[A-Za-z0-9]{20,}/));
  });
});
