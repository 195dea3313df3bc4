/** `node once.ts OPTIONS ACCOUNT`: opens, signs once, prints `signed` or the code of the fault. For tests that set the environment. */
import { createVaultOpener } from '../../../../sidecar/keystore/vault/open.ts';
import type { VaultOptions } from '../../../../sidecar/keystore/vault/options.ts';

const [options, account] = process.argv.slice(2);
const publicKey = Buffer.from(account!, 'hex');
try {
  const open = createVaultOpener(JSON.parse(options!) as VaultOptions, { publicKey });
  const keystore = await open(AbortSignal.timeout(30_000));
  await keystore.sign(Buffer.alloc(32), AbortSignal.timeout(30_000));
  await keystore.close();
  console.log('signed');
} catch (error) {
  console.log((error as { code?: string }).code ?? error);
}
