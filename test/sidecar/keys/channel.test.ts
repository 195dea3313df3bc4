import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Account,
  Asset,
  Operation,
  StrKey,
  type Transaction,
  TransactionBuilder,
  xdr,
} from '@stellar/stellar-sdk';
import { readSecretFile } from '../../../common/config.ts';
import type { CeremonyModules } from '../../../sidecar/keys/main.ts';
import { openToken } from '../../../sidecar/keystore/pkcs11/ceremony.ts';
import { VENDORS } from '../../../sidecar/keystore/pkcs11/vendors.ts';
import { startNetwork } from '../../sandbox/network.ts';
import { createMarket } from '../../sandbox/scenario.ts';
import { PASSPHRASE, START, usdc } from '../../sandbox/testing.ts';
import { type Ran, type RunOptions, run } from './command.ts';
import { ownToken } from './own-token.ts';

type CeremonyEvent = Parameters<CeremonyModules['journal']>[1];

describe('signer keys channel @security', function () {
  this.timeout(60_000);
  let dir: string;
  let env: Record<string, string>;
  let account: string;
  let events: CeremonyEvent[];

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'channel-'));
    const token = ownToken();
    const made = await run(['init', '--key', 'trading'], { env: token });
    account = /account: (G\w+)/.exec(made.stdout)![1]!;
    env = {
      ...token,
      STELLAR_ACCOUNT: account,
      STELLAR_NETWORK_PASSPHRASE: PASSPHRASE,
      STELLAR_SIGNER_SOCKET: join(dir, 'signer.sock'),
      STELLAR_JOURNAL_DIR: dir,
    };
  });
  after(() => rmSync(dir, { recursive: true }));
  beforeEach(() => {
    events = [];
  });

  const modules: CeremonyModules = {
    now: () => new Date(START * 1000),
    journal: async (where, event) => {
      assert.deepEqual(where, { dir, account, networkPassphrase: PASSPHRASE });
      events.push(event);
    },
  };
  const create = (
    changes: Record<string, string | undefined> = {},
    options: RunOptions = {},
  ): Promise<Ran> => {
    const all = {
      key: 'trading',
      channels: '2',
      balance: '5',
      sequence: `${1n << 32n}`,
      fee: '200',
      ...changes,
    };
    const args = Object.entries(all).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, value],
    );
    return run(['channel', ...args], {
      env,
      modules,
      type: [[/Type "create/, `create ${all.channels}\r`]],
      ...options,
    });
  };
  const envelopeIn = ({ stdout }: Ran): string | undefined => /^AAAA\S+$/m.exec(stdout)?.[0];

  it('makes as many channels as an envelope has room for, and the ledger takes it', async () => {
    const ran = await create({ channels: '19' });
    assert.equal(ran.code, 0, ran.stderr);
    const network = startNetwork({
      ...createMarket(
        {
          networkPassphrase: PASSPHRASE,
          accounts: [{ name: 'trading', address: account, balance: 10_000_000_000n, trustlines: [] }],
          offers: [],
        },
        START,
      ),
      clock: () => (START + 5) * 1000,
      closeMs: 5_000,
      retain: 10,
    });
    network.pause();
    try {
      assert.equal(network.submit(envelopeIn(ran)!).status, 'PENDING');
      network.close();
      const [{ hash, channels, sequence }] = events as [CeremonyEvent];
      assert.ok(network.transaction(hash), 'the journal holds another hash');
      assert.deepEqual(
        [channels.length, new Set(channels).size, sequence],
        [19, 19, String((1n << 32n) + 1n)],
      );
      for (const channel of channels) {
        const { thresholds, signers, balance } = network.state.account(channel)!;
        assert.deepEqual(
          { thresholds, signers, balance },
          {
            thresholds: { master: 0, low: 1, medium: 1, high: 1 },
            signers: [{ key: account, weight: 1 }],
            balance: 50_000_000n,
          },
        );
        assert.ok(ran.stdout.includes(`  - ${channel}`));
      }
      assert.equal(network.state.account(account)!.balance, 10_000_000_000n - 19n * 50_000_000n - 38n * 100n);

      // The trading key, and it alone, signs for a channel.
      const channel = channels[7]!;
      const { sequence: now } = network.state.account(channel)!;
      const spend = new TransactionBuilder(new Account(channel, String(now)), {
        fee: '100',
        networkPassphrase: PASSPHRASE,
        timebounds: { minTime: 0, maxTime: START + 60 },
      })
        .addOperation(Operation.payment({ destination: account, asset: Asset.native(), amount: '1' }))
        .build();
      const publicKey = Buffer.from(StrKey.decodeEd25519PublicKey(account));
      const signature = await inTokenSign(Buffer.from(spend.hash()));
      spend.addDecoratedSignature(new xdr.DecoratedSignature({ hint: publicKey.subarray(-4), signature }));
      assert.equal(network.submit(spend.toXDR()).status, 'PENDING');
      network.close();
      assert.equal(network.state.account(channel)!.balance, 50_000_000n - 10_000_000n - 100n);
    } finally {
      network.stop();
    }
  });

  it('says in words what it would sign, and journals it before it shows a signature', async () => {
    const seen: string[] = [];
    const ran = await create(
      {},
      {
        modules: {
          ...modules,
          journal: async (_, event) => {
            events.push(event);
          },
        },
        type: [
          [
            /Type "create/,
            (screen) => {
              seen.push(screen);
              return 'create 2\r';
            },
          ],
        ],
      },
    );
    assert.equal(ran.code, 0, ran.stderr);
    const [event] = events as [CeremonyEvent];
    const [screen] = seen as [string];
    for (const text of [
      PASSPHRASE,
      account,
      event.hash,
      'Sequence    4294967297',
      'at most 800 stroops',
      new Date((START + 1800) * 1000).toISOString(),
      'creates 2 channel account(s)',
      'receives 5 XLM',
      ...event.channels,
    ])
      assert.ok(screen.includes(text), text);
    assert.ok(!screen.includes('AAAA'), 'nothing is signed yet');
    const { hash, ...rest } = event;
    const transaction = TransactionBuilder.fromXDR(envelopeIn(ran)!, PASSPHRASE) as Transaction;
    assert.equal(hash, Buffer.from(transaction.hash()).toString('hex'));
    assert.equal(transaction.signatures.length, 3);
    assert.deepEqual(rest, {
      type: 'ceremony',
      action: 'channel',
      source: account,
      sequence: '4294967297',
      maxTime: String(START + 1800),
      fee: '800',
      channels: event.channels,
    });
  });

  it('signs nothing without the exact words, without a terminal, or when the journal fails', async () => {
    for (const [options, message] of [
      [{ type: [[/Type "create/, 'yes\r']] }, /nothing was signed/],
      [{ type: [[/Type "create/, 'create 3\r']] }, /nothing was signed/],
      [{ type: [[/Type "create/, '\x03']] }, /aborted/],
      [{ stdin: 'create 2\n', type: undefined }, /a person must confirm/],
      [{ seesOutput: false }, /a person must confirm/],
      [{ modules: { now: modules.now } }, /journal/],
    ] as [RunOptions, RegExp][]) {
      const ran = await create({}, options);
      assert.notEqual(ran.code, 0);
      assert.match(ran.stderr, message);
      assert.deepEqual([envelopeIn(ran), events.length], [undefined, 0]);
    }
    const full = await create(
      {},
      { modules: { ...modules, journal: () => Promise.reject(new Error('the disk is full')) } },
    );
    assert.equal(full.code, 1);
    assert.match(full.stderr, /the disk is full/);
    assert.equal(envelopeIn(full), undefined);
  });

  it('refuses while a signer answers on its socket', async () => {
    const server = createServer().listen(env.STELLAR_SIGNER_SOCKET);
    await new Promise((resolve) => server.once('listening', resolve));
    const ran = await create();
    await new Promise((resolve) => server.close(resolve));
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /a signer answers .* stop it first/);
    assert.deepEqual([envelopeIn(ran), events.length], [undefined, 0]);
  });

  it('refuses another account’s key, and options that no ledger would take', async () => {
    for (const [changes, message] of [
      [{ channels: '20' }, /--channels must be a whole number from 1 to 19/],
      [{ channels: '0' }, /--channels/],
      [{ balance: '1.4999999' }, /--balance .* at least 1.5/],
      [{ balance: '-5' }, /not understood/],
      [{ balance: '1e3' }, /--balance/],
      [{ sequence: String(2n ** 63n - 1n) }, /--sequence/],
      [{ sequence: undefined }, /--sequence must be given/],
      [{ fee: '99' }, /--fee must be a whole number from 100/],
      [{ 'valid-minutes': '1441' }, /--valid-minutes/],
      [{ key: 'missing' }, /has no key missing/],
      [{ account: usdc.issuer }, /the key trading is of G/],
    ] as [Record<string, string | undefined>, RegExp][]) {
      const ran = await create(changes);
      assert.notEqual(ran.code, 0);
      assert.match(ran.stderr, message);
      assert.deepEqual([envelopeIn(ran), events.length], [undefined, 0]);
    }
  });

  async function inTokenSign(hash: Buffer): Promise<Buffer> {
    const store = openToken(
      {
        module: env.STELLAR_PKCS11_MODULE!,
        token: { label: env.STELLAR_PKCS11_TOKEN_LABEL! },
        vendor: VENDORS.softhsm,
      },
      readSecretFile(env.STELLAR_PKCS11_PIN_FILE!),
    );
    try {
      return await store.sign('trading', hash);
    } finally {
      await store.close();
    }
  }
});
