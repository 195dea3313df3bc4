import { readFileSync } from 'node:fs';

const blocks = (file: string): string[][] =>
  readFileSync(new URL(`../../fixtures/sep5/${file}`, import.meta.url), 'utf8')
    .trimEnd()
    .split(/\n\n(?=[0-9a-z ]+\n(?:m |\n|\S+\n[0-9a-f]{128}))/)
    .map((block) => block.split('\n'));

/** The five test cases of SEP-0005. */
export const SEP5 = blocks('sep-0005.txt').map(([mnemonic, passphrase, seed, coinKey, ...accounts]) => ({
  mnemonic: mnemonic!,
  passphrase: passphrase!,
  seed: seed!,
  coinKey: coinKey!,
  accounts: accounts.map((line) => {
    const [path, account, secret] = line.split(' ');
    return { path: path!, account: account!, secret: secret! };
  }),
}));

/** The ed25519 vectors of SLIP-0010. */
export const SLIP10 = blocks('slip-0010.txt').flatMap(([seed, ...chains]) =>
  chains.map((line) => {
    const [path, chainCode, key, publicKey] = line.split(' ');
    return {
      seed: Buffer.from(seed!, 'hex'),
      path: path!,
      indexes: [...path!.matchAll(/\d+/g)].map(Number),
      chainCode: chainCode!,
      key: key!,
      publicKey: publicKey!.slice(2),
    };
  }),
);
