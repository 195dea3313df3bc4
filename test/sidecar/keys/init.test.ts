import assert from 'node:assert/strict';
import { validateMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { seedOf } from '../../../sidecar/keys/mnemonic.ts';
import { deriveKey, publicKeyOf, stellarPath } from '../../../sidecar/keys/slip10.ts';
import { accountOf } from '../../../sidecar/keys/store.ts';
import { run } from './command.ts';
import { ownToken } from './own-token.ts';

const wordsOn = (screen: string): string[] =>
  [...screen.matchAll(/(?:^|H) +\d+ {2}([a-z]+)$/gm)].map(([, word]) => word!);
const asked = (screen: string): number => Number([...screen.matchAll(/Word (\d+) /g)].at(-1)![1]);
const right = (screen: string): string => `${wordsOn(screen)[asked(screen) - 1]}\r`;

describe('signer keys init --mnemonic @security', function () {
  this.timeout(60_000);

  for (const [args, length] of [
    [[], 24],
    [['--words', '12'], 12],
    [['--entropy', 'token'], 24],
  ] as const)
    it(`shows ${length} words once, asks for three of them, and keeps nothing (${args.join(' ')})`, async () => {
      const ran = await run(['init', '--mnemonic', '--passphrase', ...args], {
        env: args.includes('token' as never) ? ownToken() : {},
        type: [
          [/Enter/, '\r'],
          [/Word/, right],
          [/Word/, right],
          [/Word/, right],
          [/BIP-39/, 'p4ss\r'],
          [/again/, 'p4ss\r'],
        ],
      });
      assert.equal(ran.code, 0, ran.stderr);
      const mnemonic = wordsOn(ran.stdout).join(' ');
      assert.equal(mnemonic.split(' ').length, length);
      assert.ok(validateMnemonic(mnemonic, wordlist));
      const seed = seedOf(Buffer.from(mnemonic), Buffer.from('p4ss'));
      const account = accountOf(publicKeyOf(deriveKey(seed, stellarPath(0)).key));
      // All of it on the alternate screen, which is left before anything else comes.
      const [before, rest] = ran.stdout.split('\x1b[?1049h');
      const [shown, after] = rest!.split('\x1b[?1049l');
      assert.equal(before, '');
      assert.equal(wordsOn(shown!).length, length);
      assert.equal(after, `m/44'/148'/0' ${account}\n`);
      assert.equal(wordsOn(ran.stderr).length, 0);
    });

  it('throws the words away when one of them is not typed right', async () => {
    const ran = await run(['init', '--mnemonic'], {
      type: [
        [/Enter/, '\r'],
        [/Word/, right],
        [/Word/, 'wrong\r'],
      ],
    });
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /nothing was kept/);
    assert.ok(!ran.stdout.includes("m/44'"));
  });

  it('draws other words each time', async () => {
    const draw = async () =>
      wordsOn((await run(['init', '--mnemonic'], { type: [[/Enter/, '\x03']] })).stdout);
    const [one, two] = [await draw(), await draw()];
    assert.equal(one.length, 24);
    assert.notDeepEqual(one, two);
  });
});
