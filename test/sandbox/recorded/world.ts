import {
  Account,
  Asset,
  FeeBumpTransaction,
  getLiquidityPoolId,
  Keypair,
  LiquidityPoolAsset,
  Memo,
  MuxedAccount,
  Operation,
  type Transaction,
  TransactionBuilder,
  xdr,
} from '@stellar/stellar-sdk/base';
import { sha256 } from '../ledger/envelope.ts';
import { ask, call, get, type Node } from './node.ts';
import { type Facts, operationsOf, type Role } from './roles.ts';

type Op = ReturnType<typeof Operation.payment>;

/** A transaction of the world. */
export interface Known {
  hash: string;
  innerHash: string | undefined;
  types: string[];
  failed: boolean;
  ledger: number;
  /** Its paging token. */
  token: bigint;
}

/** A network with accounts in the roles of the recorded one and a history like its. */
export interface World {
  key(address: string): Keypair;
  /** The world's address for a recorded one. */
  address(recorded: string): string;
  sequence(address: string): Promise<bigint>;
  /** Lets an offer, a trade and a payment happen, each in a ledger. */
  trade(): Promise<void>;
  transactions: Known[];
  offers: string[];
  pool: string;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The sequence number of an account: of its last transaction. */
async function sequenceOf(node: Node, address: string): Promise<bigint> {
  if (!node.rpc) return BigInt(String((await get(node, `/accounts/${address}`)).sequence ?? 0));
  const accountId = Keypair.fromPublicKey(address).xdrPublicKey();
  const key = xdr.LedgerKey.account(new xdr.LedgerKeyAccount({ accountId })).toXdr('base64');
  const { entries } = await call(node, 'getLedgerEntries', { keys: [key] });
  const [found] = (entries ?? []) as { xdr: string }[];
  if (!found) return 0n;
  const entry = xdr.LedgerEntryData.fromXdr(found.xdr, 'base64').toJson() as { account: { seq_num: string } };
  return BigInt(entry.account.seq_num);
}

async function submit(
  node: Node,
  envelope: string,
  hash: string,
): Promise<Omit<Known, 'types' | 'innerHash'>> {
  if (node.rpc) {
    await call(node, 'sendTransaction', { transaction: envelope });
    await node.settle();
    const { status, ledger, applicationOrder } = await call(node, 'getTransaction', { hash });
    if (status === 'NOT_FOUND' || status === undefined) throw new Error(`transaction ${hash} did not come`);
    const token = (BigInt(Number(ledger)) << 32n) | (BigInt(Number(applicationOrder)) << 12n);
    return { hash, failed: status === 'FAILED', ledger: Number(ledger), token };
  }
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const body = new URLSearchParams({ tx: envelope }).toString();
  const answer = await ask(node, { method: 'POST', path: '/transactions', headers, body });
  const found = await get(node, `/transactions/${hash}`);
  if (found.ledger === undefined) throw new Error(`the world's transaction was refused: ${answer.body}`);
  return {
    hash,
    failed: found.successful !== true,
    ledger: Number(found.ledger),
    token: BigInt(String(found.paging_token)),
  };
}

/**
 * Builds the world through the interface itself, as any client could: the root account of a network without a friendbot
 * has its passphrase as its key. `salt` keeps the accounts of one walk from those of another.
 */
export async function buildWorld(node: Node, facts: Facts, salt: string): Promise<World> {
  const root = Keypair.fromRawEd25519Seed(sha256(node.passphrase));
  const recordedRoot = Keypair.fromRawEd25519Seed(sha256(facts.passphrase)).publicKey();
  const key = (address: string): Keypair =>
    address === recordedRoot ? root : Keypair.fromRawEd25519Seed(sha256(`${salt} ${address}`));
  const of = (role: Role): Keypair => key(facts.roles[role] ?? role);
  const [issuer, maker, taker, alice, bob, multisig] = (
    ['issuer', 'maker', 'taker', 'alice', 'bob', 'multisig'] as const
  ).map(of) as [Keypair, Keypair, Keypair, Keypair, Keypair, Keypair];
  const short = new Asset(facts.codes.short, issuer.publicKey());
  const long = new Asset(facts.codes.long, issuer.publicKey());
  const native = Asset.native();
  const share = new LiquidityPoolAsset(native, short, 30);
  const pool = hex(getLiquidityPoolId('constant_product', share.getLiquidityPoolParameters()));

  const sequences = new Map<string, bigint>();
  const transactions: Known[] = [];
  interface Options {
    memo?: Memo;
    payer?: Keypair;
    /** Writes the source as a muxed address with this id. */
    muxedId?: string;
  }
  async function send(
    source: Keypair,
    operations: Op[],
    { memo, payer, muxedId }: Options = {},
  ): Promise<void> {
    const address = source.publicKey();
    const last = sequences.get(address) ?? (await sequenceOf(node, address));
    sequences.set(address, last + 1n);
    const account = new Account(address, String(last));
    const builder = new TransactionBuilder(muxedId ? new MuxedAccount(account, muxedId) : account, {
      fee: '100',
      networkPassphrase: node.passphrase,
      timebounds: { minTime: 0, maxTime: 0 },
    });
    for (const operation of operations) builder.addOperation(operation);
    if (memo) builder.addMemo(memo);
    const inner = builder.build();
    inner.sign(source);
    let sent: Transaction | FeeBumpTransaction = inner;
    if (payer) {
      sent = TransactionBuilder.buildFeeBumpTransaction(payer, '500', inner, node.passphrase);
      sent.sign(payer);
    }
    const envelope = withoutBounds(sent, source, payer, node.passphrase);
    const hash = hex(envelope.hash());
    const innerHash =
      envelope instanceof FeeBumpTransaction ? hex(envelope.innerTransaction.hash()) : undefined;
    const xdrText = envelope.toEnvelope().toXdr('base64');
    const done = await submit(node, xdrText, hash);
    transactions.push({ ...done, innerHash, types: operationsOf(xdrText).types });
  }

  const create = (who: Keypair, balance = '5000') =>
    Operation.createAccount({ destination: who.publicKey(), startingBalance: balance });
  const pay = (to: Keypair, asset: Asset, amount: string) =>
    Operation.payment({ destination: to.publicKey(), asset, amount });
  const sell = (selling: Asset, buying: Asset, amount: string, n: number, d: number) =>
    Operation.manageSellOffer({ selling, buying, amount, price: { n, d }, offerId: '0' });
  const trust = (asset: Asset | LiquidityPoolAsset, limit?: string) =>
    Operation.changeTrust({ asset, ...(limit !== undefined && { limit }) });

  const others = [...facts.others].map((address) =>
    create(key(address), facts.poor.has(address) ? '10' : '5000'),
  );
  await send(
    root,
    [...[issuer, maker, taker, alice, bob, multisig].map((who) => create(who)), ...others].slice(0, 100),
  );
  await send(bob, [trust(short), trust(long)]);
  await send(maker, [trust(short), trust(long), trust(share)]);
  await send(taker, [trust(short), trust(long, '1000000')]);
  const { low, medium, high } = facts.thresholds;
  const added = facts.signers.filter(({ key: signer }) => signer !== facts.roles.multisig);
  await send(multisig, [
    ...added.map(({ key: signer, weight }) =>
      Operation.setOptions({
        signer: signer.startsWith('G')
          ? { ed25519PublicKey: key(signer).publicKey(), weight }
          : { sha256Hash: sha256(signer), weight },
      }),
    ),
    Operation.setOptions({ masterWeight: 1, lowThreshold: low, medThreshold: medium, highThreshold: high }),
  ]);
  await send(issuer, [Operation.setOptions({ homeDomain: 'issuer.example' })]);
  await send(alice, [
    trust(short),
    ...Object.entries(facts.data).map(([name, value]) =>
      Operation.manageData({ name, value: Buffer.from(value, 'base64') }),
    ),
  ]);
  await send(
    issuer,
    [maker, taker, bob]
      .flatMap((who) => [pay(who, short, '10000'), pay(who, long, '20000')])
      .concat(pay(alice, short, '10000')),
    { memo: Memo.text('hello') },
  );
  await send(bob, [pay(alice, native, '1'), pay(alice, native, '10000000')]);
  await send(alice, [sell(native, long, '1', 1, 1)]);
  await send(alice, [pay(bob, native, '0.0000005')], { payer: bob });
  const toMuxed = new MuxedAccount(new Account(alice.publicKey(), '0'), '77').accountId();
  await send(bob, [Operation.payment({ destination: toMuxed, asset: native, amount: '0.0000009' })], {
    muxedId: '88',
  });
  const value = Buffer.from(Object.values(facts.data)[0] ?? '', 'base64');
  await send(
    alice,
    [trust(short), Operation.manageData({ name: Object.keys(facts.data)[0] ?? 'config', value })],
    {
      memo: Memo.id('7'),
    },
  );
  await send(maker, [trust(short), trust(long), trust(share)]);
  await send(maker, [
    sell(short, native, '100', 21, 10),
    sell(short, native, '50', 22, 10),
    sell(short, native, '25', 7, 3),
    sell(native, short, '210', 1, 2),
    sell(native, short, '100', 11, 20),
    Operation.manageBuyOffer({
      selling: native,
      buying: long,
      buyAmount: '55',
      price: { n: 3, d: 1 },
      offerId: '0',
    }),
    sell(long, short, '500', 11, 20),
    Operation.createPassiveSellOffer({ selling: short, buying: long, amount: '50', price: { n: 20, d: 11 } }),
    Operation.liquidityPoolDeposit({
      liquidityPoolId: pool,
      maxAmountA: '2000',
      maxAmountB: '1000',
      minPrice: { n: 1, d: 10 },
      maxPrice: { n: 10, d: 1 },
    }),
  ] as Op[]);
  await send(taker, [sell(short, native, '20', 2, 1), sell(native, short, '50', 100, 225)]);
  await send(alice, [
    Operation.pathPaymentStrictSend({
      sendAsset: native,
      sendAmount: '11',
      destination: bob.publicKey(),
      destAsset: long,
      destMin: '1',
      path: [short],
    }),
  ]);
  await send(bob, [
    Operation.pathPaymentStrictReceive({
      sendAsset: long,
      sendMax: '100',
      destination: alice.publicKey(),
      destAsset: native,
      destAmount: '3',
      path: [short],
    }),
    Operation.pathPaymentStrictSend({
      sendAsset: native,
      sendAmount: '0.0001',
      destination: bob.publicKey(),
      destAsset: short,
      destMin: '0.0000001',
      path: [],
    }),
  ]);
  await send(taker, [sell(long, short, '5', 1, 2)]);
  for (const memo of [Memo.hash(sha256('m')), Memo.return(sha256('r')), Memo.text('ok')]) {
    await send(alice, [pay(bob, native, '0.1234567')], { memo });
  }
  await send(alice, [pay(bob, native, '0.0000005')], { payer: bob });
  await send(alice, [Operation.bumpSequence({ bumpTo: '0' })]);
  const offers = node.rpc ? [] : await get(node, `/offers?seller=${maker.publicKey()}&limit=20`);
  const { records = [] } = ((offers as Record<string, unknown>)._embedded ?? {}) as {
    records?: { id: string }[];
  };
  return {
    key,
    address: (recorded) => key(recorded).publicKey(),
    sequence: (address) => sequenceOf(node, address),
    async trade() {
      sequences.clear();
      const price = { n: 3, d: 1 };
      await send(maker, [sell(short, native, '1', 5, 2)]);
      await send(taker, [
        Operation.manageBuyOffer({ selling: native, buying: short, buyAmount: '0.5', price, offerId: '0' }),
      ]);
      await send(alice, [pay(bob, native, '0.0000005'), Operation.bumpSequence({ bumpTo: '0' })]);
    },
    transactions,
    offers: records.map(({ id }) => String(id)),
    pool,
  };
}

/** As the recorded clients built them: without time bounds, which the SDK's builder always sets. */
function withoutBounds(
  sent: Transaction | FeeBumpTransaction,
  source: Keypair,
  payer: Keypair | undefined,
  passphrase: string,
): Transaction | FeeBumpTransaction {
  return resign(
    sent.toEnvelope().toJson(),
    (tx) => Object.assign(tx, { cond: 'none' }),
    { inner: [source], outer: payer ? [payer] : [] },
    passphrase,
  );
}

type Fields = Record<string, unknown>;

/** An envelope in SEP-51 JSON with its inner transaction changed by `change`, signed anew. */
export function resign(
  envelope: unknown,
  change: (transaction: Fields) => void,
  signers: { inner: Keypair[]; outer: Keypair[] },
  passphrase: string,
): Transaction | FeeBumpTransaction {
  const { tx, tx_fee_bump: bump } = structuredClone(envelope) as { tx?: Fields; tx_fee_bump?: Fields };
  const outer = bump?.tx as { inner_tx: { tx: Fields } } | undefined;
  const inner = tx ?? outer!.inner_tx.tx;
  inner.signatures = [];
  change(inner.tx as Fields);
  const read = (json: unknown): Transaction | FeeBumpTransaction =>
    TransactionBuilder.fromXdr(xdr.TransactionEnvelope.fromJson(json as never).toXdr('base64'), passphrase);
  const transaction = read({ tx: inner });
  if (signers.inner.length > 0) transaction.sign(...signers.inner);
  if (!bump) return transaction;
  outer!.inner_tx = transaction.toEnvelope().toJson() as { tx: Fields };
  bump.signatures = [];
  const whole = read({ tx_fee_bump: bump });
  whole.sign(...signers.outer);
  return whole;
}
