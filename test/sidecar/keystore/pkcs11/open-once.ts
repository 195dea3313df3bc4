/**
 * A process that opens the token of `OPTIONS` (JSON), as the signer does at its start, and prints the code of the fault. With
 * `HANG` set, its first signature hangs in the token's library; it ends as the signer must then.
 */
import { writeFileSync } from 'node:fs';
import { isCoded } from '../../../../common/errors.ts';
import { keepOpen } from '../../../../sidecar/keystore/opening.ts';
import { createPkcs11Opener, type Pkcs11Options } from '../../../../sidecar/keystore/pkcs11/open.ts';

const given = JSON.parse(process.env.OPTIONS!) as Omit<Pkcs11Options, 'publicKey'> & { publicKey?: string };
const open = createPkcs11Opener({ ...given, publicKey: Buffer.from(given.publicKey ?? '', 'hex') });

if (process.env.HANG === undefined) {
  const code = await open(AbortSignal.timeout(10_000)).then(
    () => 'opened',
    (error: unknown) => (isCoded(error) ? error.code : String(error)),
  );
  console.log(code);
} else {
  const opened = Promise.withResolvers<void>();
  const kept = keepOpen(open, {
    signal: new AbortController().signal,
    retryMs: 10,
    onChange: (fault) => (fault === undefined ? opened.resolve() : undefined),
  });
  if (process.env.HANG === 'later') {
    await opened.promise;
    writeFileSync(process.env.P11FAULT_CTL!, 'C_Sign 0 -1 60000000\n');
    // Its caller leaves long before the call counts as hung.
    kept.sign(Buffer.alloc(32), AbortSignal.timeout(20)).catch(() => undefined);
  }
  await kept.done.catch((error: unknown) =>
    console.log(isCoded(error) ? error.code : String(error), kept.fault()),
  );
  process.kill(process.pid, 'SIGKILL');
}
