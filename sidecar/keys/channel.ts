import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { Account, Operation, type Transaction, TransactionBuilder, xdr } from '@stellar/stellar-sdk/base';
import { networkId } from '../envelope.ts';
import { answers } from '../socket.ts';
import { ceremonyError } from './errors.ts';
import type { CeremonyModules } from './main.ts';
import { withStore } from './open.ts';
import type { Options } from './options.ts';
import { rawPublicKeyOf } from './slip10.ts';
import { accountOf, publicKeyOfAccount, signVerified, verifyKey } from './store.ts';
import { needPerson, type Terminal } from './terminal.ts';

/** An envelope holds 20 signatures (Stellar-transaction.x): one of each channel and one of the account. */
export const MAX_CHANNELS = 19;
/** Two for the account and one for its signer, of half an XLM each. */
const RESERVE_STROOPS = 15_000_000n;
const ENVELOPE_TYPE_TX = Buffer.from([0, 0, 0, 2]);

export interface ChannelPlan {
  /** The trading account, 32 bytes. */
  account: Buffer;
  /** Of the account now. */
  sequence: bigint;
  /** XLM for each. */
  balance: string;
  /** Stroops for each operation. */
  fee: number;
  /** Unix seconds. */
  maxTime: number;
  networkPassphrase: string;
  /** 32 bytes each. */
  channels: readonly Buffer[];
}

/**
 * Creates each channel and takes its rights in the same transaction: master weight 0, all thresholds 1, and the trading
 * account as its only signer. Nobody is ever able to use the key that the channel was created with.
 */
export function channelTransaction(plan: ChannelPlan): { transaction: Transaction; hash: Buffer } {
  const account = accountOf(plan.account);
  const builder = new TransactionBuilder(new Account(account, String(plan.sequence)), {
    fee: String(plan.fee),
    networkPassphrase: plan.networkPassphrase,
    timebounds: { minTime: 0, maxTime: plan.maxTime },
  });
  for (const key of plan.channels) {
    const channel = accountOf(key);
    builder.addOperation(Operation.createAccount({ destination: channel, startingBalance: plan.balance }));
    builder.addOperation(
      Operation.setOptions({
        source: channel,
        masterWeight: 0,
        lowThreshold: 1,
        medThreshold: 1,
        highThreshold: 1,
        signer: { ed25519PublicKey: account, weight: 1 },
      }),
    );
  }
  const transaction = builder.build();
  const envelope = Buffer.from(transaction.toEnvelope().toXdr());
  // Type before, no signature behind: what is left is the transaction.
  const body = envelope.subarray(4, -4);
  const hash = createHash('sha256')
    .update(networkId(plan.networkPassphrase))
    .update(ENVELOPE_TYPE_TX)
    .update(body)
    .digest();
  return { transaction, hash };
}

/** `signer keys channel`: built here, confirmed by a person, signed by the token, journaled; submitted by somebody else. */
export async function channel(
  options: Options,
  terminal: Terminal,
  { journal, now }: CeremonyModules,
): Promise<void> {
  needPerson(terminal, 'a person must confirm what is signed');
  const name = options.need('key');
  const count = options.integer('channels', { min: 1, max: MAX_CHANNELS });
  const plan = readPlan(options, now());
  const socket = options.need('socket');
  const journalDir = options.need('journal-dir');
  if (await answers(socket))
    throw ceremonyError(
      'signer-running',
      `a signer answers on ${socket}: stop it first, it knows nothing of this`,
    );

  await withStore(options, terminal, async (store) => {
    await verifyKey(store, name, plan.account);
    // node:crypto holds the private halves; no copy of a seed is ever made, and they are worthless once it applied.
    const keys = Array.from({ length: count }, () => generateKeyPairSync('ed25519').privateKey);
    const channels = keys.map(rawPublicKeyOf);
    const { transaction, hash } = channelTransaction({ ...plan, channels });
    await terminal.show(inWords({ ...plan, channels }, hash));
    const wanted = `create ${count}`;
    const answer = await terminal.ask(`Type "${wanted}" to sign it: `, { echo: true });
    if (answer.toString() !== wanted) throw ceremonyError('not-confirmed', 'nothing was signed');

    const signatures = [
      decorated(plan.account, await signVerified(store, name, hash, plan.account)),
      ...keys.map((key, i) => decorated(channels[i]!, sign(null, hash, key))),
    ];
    // Before anything leaves: a signer that starts afterwards must know that this sequence number is taken.
    await journal(
      {
        dir: journalDir,
        account: accountOf(plan.account),
        networkPassphrase: plan.networkPassphrase,
      },
      eventOf(plan, transaction, hash, channels),
    );
    for (const signature of signatures) transaction.addDecoratedSignature(signature);
    await terminal.show(afterwards(transaction.toXDR(), hash, channels));
  });
}

function readPlan(options: Options, now: Date): Omit<ChannelPlan, 'channels'> {
  const balance = options.need('balance');
  const [, whole = '', fraction = ''] = /^(\d{1,9})(?:\.(\d{1,7}))?$/.exec(balance) ?? [];
  if (BigInt(whole + fraction.padEnd(7, '0')) < RESERVE_STROOPS)
    throw ceremonyError(
      'usage',
      '--balance must be an amount of XLM, at least 1.5 (the reserve of a channel)',
    );
  const minutes = options.integer('valid-minutes', { min: 1, max: 1440, fallback: 30 });
  return {
    account: publicKeyOfAccount(options.need('account')),
    // Sequence numbers go to 2^63; those of accounts are ledger numbers times 2^32 and well above 2^53.
    sequence: BigInt(sequenceText(options.need('sequence'))),
    balance,
    fee: options.integer('fee', { min: 100, max: 1_000_000 }),
    maxTime: Math.floor(now.getTime() / 1000) + minutes * 60,
    networkPassphrase: options.need('network-passphrase'),
  };
}

function sequenceText(text: string): string {
  if (!/^\d{1,19}$/.test(text) || BigInt(text) >= 2n ** 63n - 1n)
    throw ceremonyError('usage', '--sequence must be the account’s sequence number, as Horizon shows it');
  return text;
}

const decorated = (publicKey: Buffer, signature: Buffer): xdr.DecoratedSignature =>
  new xdr.DecoratedSignature({ hint: publicKey.subarray(-4), signature });

function inWords(plan: ChannelPlan, hash: Buffer): string {
  const { channels, balance, fee, maxTime, networkPassphrase } = plan;
  const account = accountOf(plan.account);
  return [
    `Network     ${networkPassphrase}`,
    `Account     ${account}`,
    `Sequence    ${plan.sequence + 1n}`,
    `Fee         at most ${fee * channels.length * 2} stroops`,
    `Valid until ${new Date(maxTime * 1000).toISOString()}`,
    `Hash        ${hash.toString('hex')}`,
    '',
    `It creates ${channels.length} channel account(s). Each receives ${balance} XLM from the account and loses the key that`,
    'it was made with (master weight 0); all its thresholds become 1, and its only signer is the account above.',
    '',
    ...channels.map((key) => `  ${accountOf(key)}`),
    '',
    '',
  ].join('\n');
}

const eventOf = (
  plan: Omit<ChannelPlan, 'channels'>,
  transaction: Transaction,
  hash: Buffer,
  channels: readonly Buffer[],
): Parameters<CeremonyModules['journal']>[1] => ({
  type: 'ceremony',
  action: 'channel',
  hash: hash.toString('hex'),
  source: accountOf(plan.account),
  sequence: String(plan.sequence + 1n),
  maxTime: String(plan.maxTime),
  fee: transaction.fee,
  channels: channels.map(accountOf),
});

const afterwards = (envelope: string, hash: Buffer, channels: readonly Buffer[]): string =>
  [
    'Signed, and written to the journal. Submit this, before the signer starts again:',
    '',
    envelope,
    '',
    '  curl --data-urlencode tx@FILE https://HORIZON/transactions     (the line above in FILE)',
    `  curl https://HORIZON/transactions/${hash.toString('hex')}`,
    '',
    'Then, in the StellarConnector and in every SigningPolicy of the account:',
    '',
    'channelAccounts:    # StellarConnector',
    ...channels.map((key) => `  - ${accountOf(key)}`),
    'channels:           # SigningPolicy',
    ...channels.map((key) => `  - ${accountOf(key)}`),
    '',
  ].join('\n');
