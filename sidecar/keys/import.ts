import { MAX_INDEX, withAccount, withSeed } from './derive.ts';
import { ceremonyError } from './errors.ts';
import { report } from './list.ts';
import { withStore } from './open.ts';
import type { Options } from './options.ts';
import { accountOf, publicKeyOfAccount, refuseTaken, verifyKey } from './store.ts';
import type { Terminal } from './terminal.ts';

/** `signer keys import`: one account of a mnemonic into the token or mount, from where it does not come out again. */
export async function importKey(options: Options, terminal: Terminal): Promise<void> {
  const name = options.need('key');
  const index = options.integer('index', { min: 0, max: MAX_INDEX, fallback: 0 });
  const expected = publicKeyOfAccount(options.need('account'));
  await withStore(options, terminal, async (store) => {
    await refuseTaken(store, name);
    const publicKey = await withSeed(options, terminal, (seed) =>
      withAccount(seed, index, async (key, derived) => {
        if (!derived.equals(expected))
          throw ceremonyError(
            'account-mismatch',
            `account ${index} of this mnemonic is ${accountOf(derived)}, not that of --account; nothing was imported`,
          );
        await store.importSeed(name, key, derived);
        return derived;
      }),
    );
    await report(terminal, await verifyKey(store, name, publicKey));
  });
}
