import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedOpenBao } from '../openbao.ts';
import { ownToken } from './own-token.ts';
import { play, readTranscript } from './transcripts.ts';

/** Documentation that cannot be wrong: what is typed, and all that comes back. */
describe('transcripts of the ceremony @security', function () {
  this.timeout(60_000);
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'ceremony-'));
  });
  after(() => rmSync(dir, { recursive: true }));

  describe('mnemonics', () => {
    for (const step of readTranscript('mnemonic'))
      it(`line ${step.line}: ${step.args.slice(0, 2).join(' ')}`, () => play(step, {}));
  });

  it('a PKCS#11 token', async () => {
    const env = ownToken();
    for (const step of readTranscript('token')) await play(step, env);
  });

  it('transit of OpenBao', async () => {
    const bao = await sharedOpenBao();
    const mount = `transit-${randomBytes(4).toString('hex')}`;
    await bao.ok('POST', `sys/mounts/${mount}`, { type: 'transit' });
    const tokenFile = join(dir, 'vault-token');
    const page = readFileSync(new URL('../../../docs/signer/ceremony.md', import.meta.url), 'utf8');
    const policy = /```hcl\n([\s\S]*?)```/.exec(page)![1]!.replaceAll('transit/', `${mount}/`);
    await bao.ok('PUT', `sys/policies/acl/${mount}`, { policy });
    const { client_token: token } = await bao.ok('POST', 'auth/token/create', {
      policies: [mount],
      no_default_policy: true,
    });
    writeFileSync(tokenFile, String(token), { mode: 0o600 });
    const env = {
      STELLAR_VAULT_ADDRESS: bao.https,
      STELLAR_VAULT_CA_FILE: bao.caFile,
      STELLAR_VAULT_MOUNT: mount,
      STELLAR_VAULT_TOKEN_FILE: tokenFile,
    };
    for (const step of readTranscript('vault')) await play(step, env);
  });
});
