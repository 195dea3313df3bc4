import { withStore } from './open.ts';
import type { Options } from './options.ts';
import { accountOf, type KeyFacts, publicKeyOfAccount, verifyKey } from './store.ts';
import type { Terminal } from './terminal.ts';

/** `signer keys list`: every key there, and what the signer would say of it. */
export async function list(options: Options, terminal: Terminal): Promise<void> {
  await withStore(options, terminal, async (store) => {
    const keys = await store.list();
    if (keys.length === 0) await terminal.show(`${store.place} has no private key\n`);
    for (const facts of keys) await terminal.show(describe(facts));
  });
}

/** `signer keys verify`: the signer's own checks and a signature. */
export async function verify(options: Options, terminal: Terminal): Promise<void> {
  const name = options.need('key');
  const account = options.text('account');
  const expected = account === undefined ? undefined : publicKeyOfAccount(account);
  await withStore(options, terminal, async (store) =>
    report(terminal, await verifyKey(store, name, expected)),
  );
}

/** What is true of a key after `verifyKey`. */
export async function report(terminal: Terminal, facts: KeyFacts): Promise<void> {
  await terminal.show(`${describe(facts)}  signs: a probe verified under this account\n`);
}

function describe({ name, id, publicKey, attributes, fault }: KeyFacts): string {
  const shown = Object.entries(attributes).map(([attribute, value]) => `${attribute}=${value ?? 'unknown'}`);
  return [
    `${name === '' ? '(no label)' : name}${id === undefined ? '' : ` id ${id}`}`,
    `  account: ${publicKey === undefined ? 'not shown' : accountOf(publicKey)}`,
    `  attributes: ${shown.join(' ')}`,
    `  ${fault === undefined ? 'safe' : `NOT SAFE: ${fault}`}\n`,
  ].join('\n');
}
