import assert from 'node:assert/strict';
import { createPrivateKey, sign } from 'node:crypto';
import { xdr } from '@stellar/stellar-sdk/base';
import { keyOf as derive, PASSPHRASE, START } from '../testing.ts';
import { applyTransaction, chargeFee } from './apply.ts';
import { type Asset, assetToJson } from './asset.ts';
import { newTrustline } from './change_trust.ts';
import { newAccount } from './create_account.ts';
import type { Account, PoolShare, Trustline } from './entries.ts';
import { type DecodedTransaction, decodeEnvelope } from './envelope.ts';
import { INT64_MAX, type Price } from './exchange.ts';
import { PROTOCOL_VERSION } from './header.ts';
import type { OperationOutcome } from './operation.ts';
import { poolId, poolIdToJson } from './pool.ts';
import type { TransactionResult } from './result.ts';
import { assertSound } from './soundness.ts';
import { createState, type LedgerState } from './state.ts';
import { validate } from './validate.ts';

/** Stroops in one unit. */
export const UNIT = 10_000_000n;
export const BASE_RESERVE = 5_000_000n;
/** The ledger that test worlds stand at, and the sequence number of their accounts. */
export const LEDGER = 7;
export const SEQUENCE = 1n << 32n;

const keys = new Map<string, ReturnType<typeof derive>>();
/** The same key for the same name in every run. */
export function keyOf(name: string): ReturnType<typeof derive> {
  const key = keys.get(name) ?? derive(name);
  keys.set(name, key);
  return key;
}
/** Address of a name. */
export const G = (name: string): string => keyOf(name).publicKey();

export const XLM = 'native';
/** `USD:bank` for the code and issuer's name. */
export const credit = (code: string, issuer = 'bank'): Asset => `${code}:${G(issuer)}`;
export const USD = credit('USD');
export const EUR = credit('EUR');

/** An operation's body in SEP-51 JSON, where amounts may be bigints: `{ payment: {…} }`. */
export type Body = Record<string, unknown> | 'inflation';
/** A body, or one with the name of its own source. */
export type Step = Body | { from: string; body: Body };

export interface Options {
  /** Names of the accounts whose keys sign; by default all sources. */
  signers?: string[];
  /** Stroops in all; 100 an operation by default. */
  fee?: bigint;
  sequence?: bigint;
  /** Preconditions in SEP-51 JSON. */
  conditions?: unknown;
  /** Changes the envelope's hex, for what SEP-51 JSON cannot express. */
  patch?: (hex: string) => string;
}

const toJson = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part)));

const isOwn = (step: Step): step is { from: string; body: Body } =>
  typeof step === 'object' && 'from' in step;

/** Before an ed25519 seed, what makes it a PKCS 8 key: node signs several times as fast as the SDK. */
const PKCS8_ED25519 = '302e020100300506032b657004220420';

const signatureOf = (name: string, hash: string) => {
  const key = keyOf(name);
  const der = Buffer.concat([Buffer.from(PKCS8_ED25519, 'hex'), key.rawSecretKey().subarray(0, 32)]);
  const signature = sign(
    null,
    Buffer.from(hash, 'hex'),
    createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }),
  );
  const hint = Buffer.from(key.rawPublicKey()).subarray(28).toString('hex');
  return { hint, signature: signature.toString('hex') };
};

/** A signed transaction by way of its envelope. */
export function transactionOf(source: string, steps: Step[], options: Options = {}): DecodedTransaction {
  const operations = steps.map((step) =>
    isOwn(step) ? { source_account: G(step.from), body: step.body } : { source_account: null, body: step },
  );
  const tx = toJson({
    source_account: G(source),
    fee: Number(options.fee ?? BigInt(Math.max(1, steps.length)) * 100n),
    seq_num: options.sequence ?? SEQUENCE + 1n,
    cond: options.conditions ?? 'none',
    memo: 'none',
    operations,
    ext: 'v0',
  });
  const encode = (signatures: unknown[]): DecodedTransaction => {
    const hex = xdr.TransactionEnvelope.fromJson({ tx: { tx, signatures } } as never).toXdr('hex');
    return decodeEnvelope(Buffer.from(options.patch?.(hex) ?? hex, 'hex').toString('base64'), PASSPHRASE);
  };
  const { innerHash } = encode([]);
  const sources = [source, ...steps.flatMap((step) => (isOwn(step) ? [step.from] : []))];
  const signers = options.signers ?? [...new Set(sources)];
  return encode(signers.map((name) => signatureOf(name, innerHash)));
}

/** A fee bump around a transaction. `fee` in stroops. */
export function feeBumpOf(
  payer: string,
  inner: DecodedTransaction,
  fee: bigint,
  signers: string[] = [payer],
): DecodedTransaction {
  const tx = {
    fee_source: G(payer),
    fee: String(fee),
    inner_tx: xdr.TransactionEnvelope.fromXdr(inner.envelopeXdr, 'base64').toJson(),
    ext: 'v0',
  };
  const encode = (signatures: unknown[]): DecodedTransaction =>
    decodeEnvelope(
      xdr.TransactionEnvelope.fromJson({ tx_fee_bump: { tx, signatures } } as never).toXdr('base64'),
      PASSPHRASE,
    );
  const { hash } = encode([]);
  return encode(signers.map((name) => signatureOf(name, hash)));
}

export interface World {
  state: LedgerState;
  /** Makes an account of 1000 lumens, or changes one. */
  account(name: string, change?: Partial<Account>): void;
  /** Makes an authorized trust line without bound, or changes one, and counts it. */
  line(name: string, asset: Asset, change?: Partial<Trustline>): void;
  accountOf(name: string): Account;
  /** The balance of a holder in stroops or shares. */
  balance(name: string, asset: Asset | PoolShare): bigint;
  /** Charges and applies a transaction with the next sequence number of its source. */
  run(source: string, steps: Step[], options?: Options): TransactionResult;
  /** Applies operations that have to succeed, and answers what their results carry. */
  ok(source: string, ...steps: Step[]): unknown[];
  /** Applies one operation that has to fail and must then leave everything as it was; its code. */
  code(source: string, step: Step, options?: Options): string;
}

const codeOf = (outcome: OperationOutcome | undefined): string | undefined =>
  outcome && 'code' in outcome ? outcome.code : undefined;

/** A ledger with the named accounts, 1000 lumens each. */
export function createWorld(...names: string[]): World {
  const state = createState({
    sequence: LEDGER,
    closeTime: BigInt(START),
    version: PROTOCOL_VERSION,
    baseFee: 100n,
    baseReserve: BASE_RESERVE,
    maxTxSetSize: 1000,
    feePool: 0n,
    idPool: 0n,
  });

  const accountOf = (name: string): Account => state.account(G(name))!;

  function account(name: string, change: Partial<Account> = {}): void {
    const old = state.account(G(name)) ?? {
      ...newAccount(G(name), 1000n * UNIT, LEDGER),
      sequence: SEQUENCE,
    };
    state.put({ ...old, ...change });
  }

  function line(name: string, asset: Asset, change: Partial<Trustline> = {}): void {
    const old = state.trustline(G(name), asset);
    if (!old) account(name, { subentries: accountOf(name).subentries + 1 });
    state.put({
      ...(old ?? newTrustline(G(name), asset)),
      ...change,
    });
  }

  function run(source: string, steps: Step[], options: Options = {}): TransactionResult {
    const sequence = options.sequence ?? (state.account(G(source))?.sequence ?? SEQUENCE) + 1n;
    const transaction = transactionOf(source, steps, { ...options, sequence });
    const fee = chargeFee(state, transaction, 100n);
    const context = { highestSequence: () => transaction.sequence };
    return applyTransaction(state, transaction, fee, context).result;
  }

  function ok(source: string, ...steps: Step[]): unknown[] {
    const { code, operations } = run(source, steps);
    const codes = operations.map(({ outcome }) => codeOf(outcome) ?? 'success');
    assert.deepEqual([code, ...codes], ['tx_success', ...steps.map(() => 'success')]);
    assertSound(state);
    return operations.map(({ outcome }) => 'success' in outcome && outcome.success);
  }

  function code(source: string, step: Step, options: Options = {}): string {
    const own = accountOf(source);
    const others = new Set(state.entries());
    others.delete(own);
    const sequence = own.sequence + 1n;
    const rejection = validate(state, transactionOf(source, [step], { ...options, sequence }), 10n);
    const result = run(source, [step], options);
    assert.equal(result.code, 'tx_failed');
    const found = codeOf(result.operations[0]!.outcome)!;
    // What submission rejects, application would have rejected by the same name.
    if (rejection) assert.equal(codeOf(rejection.operations[0]?.outcome), found);
    for (const entry of state.entries()) {
      if (entry !== accountOf(source)) assert.ok(others.delete(entry), `left behind: ${entry.type}`);
    }
    assert.deepEqual([...others], [], 'taken away by an operation that failed');
    assert.deepEqual(
      { ...accountOf(source), balance: 0n, sequence: 0n, extension: 3, sequenceLedger: 0, sequenceTime: 0n },
      { ...own, balance: 0n, sequence: 0n, extension: 3, sequenceLedger: 0, sequenceTime: 0n },
    );
    return found;
  }

  for (const name of names) account(name);
  return {
    state,
    account,
    line,
    accountOf,
    balance: (name, asset) =>
      asset === XLM ? accountOf(name).balance : state.trustline(G(name), asset)!.balance,
    run,
    ok,
    code,
  };
}

/**
 * A test of one result code of one operation, in a world with accounts `bank` (issuer of USD and EUR), `alice` and
 * `bob`. result_codes.test.ts looks for these calls.
 */
export function reaches(
  code: string,
  when: string,
  arrange: (world: World) => [source: string, step: Step, options?: Options],
): void {
  it(`${code}: ${when}`, () => {
    const world = createWorld('bank', 'alice', 'bob');
    const [source, step, options] = arrange(world);
    assert.equal(world.code(source, step, options), code);
  });
}

type Sell = { selling: Asset; buying: Asset; amount: bigint; price: Price; id?: bigint };

export const manageSell = ({ selling, buying, amount, price, id = 0n }: Sell): Body => ({
  manage_sell_offer: {
    selling: assetToJson(selling),
    buying: assetToJson(buying),
    amount,
    price,
    offer_id: id,
  },
});

/** Sells at a price of whole numbers. */
export const sell = (selling: Asset, buying: Asset, amount: bigint, n = 1, d = 1, id = 0n): Body =>
  manageSell({ selling, buying, amount, price: { n, d }, id });

export const pay = (to: string, asset: Asset, amount: bigint): Body => ({
  payment: { destination: G(to), asset: assetToJson(asset), amount },
});

/** Fills a book with so many offers of one stroop each at a price of one, by two makers in turn. */
export function fillBook({ state, account, line }: World, selling: Asset, count: number): void {
  const makers = ['maker 1', 'maker 2'];
  for (const [parity, name] of makers.entries()) {
    const own = Math.ceil((count - parity) / 2);
    account(name, { subentries: own, liabilities: { buying: BigInt(own), selling: 0n } });
    line(name, selling, { balance: BigInt(own), liabilities: { buying: 0n, selling: BigInt(own) } });
  }
  for (let index = 0; index < count; index += 1) {
    state.put({
      type: 'offer',
      id: BigInt(index + 1),
      seller: G(makers[index % 2]!),
      selling,
      buying: XLM,
      amount: 1n,
      price: { n: 1, d: 1 },
      passive: false,
      modified: 0,
    });
  }
}

const poolLine = (a: Asset, b: Asset, fee = 30): unknown => ({
  pool_share: { liquidity_pool_constant_product: { asset_a: assetToJson(a), asset_b: assetToJson(b), fee } },
});

export const trust = (asset: Asset, limit: bigint = INT64_MAX): Body => ({
  change_trust: { line: assetToJson(asset), limit },
});

export const trustPool = (a: Asset, b: Asset, limit: bigint = INT64_MAX, fee?: number): Body => ({
  change_trust: { line: poolLine(a, b, fee), limit },
});

const deposit = (a: Asset, b: Asset, maxA: bigint, maxB: bigint): Body => ({
  liquidity_pool_deposit: {
    liquidity_pool_id: poolIdToJson(poolId(a, b)),
    max_amount_a: maxA,
    max_amount_b: maxB,
    min_price: { n: 1, d: 0x7fffffff },
    max_price: { n: 0x7fffffff, d: 1 },
  },
});

/** Fills the pool of two assets from what an account then has of them. */
export function withPool(
  { line, ok }: World,
  name: string,
  a: Asset,
  b: Asset,
  maxA: bigint,
  maxB: bigint,
): void {
  if (a !== XLM) line(name, a, { balance: maxA });
  line(name, b, { balance: maxB });
  ok(name, trustPool(a, b), deposit(a, b, maxA, maxB));
}

/** A maker offers 100 USD for `price` lumens each; bob can take USD. */
export function offered(world: World, price = 1): void {
  world.account('maker');
  for (const name of ['maker', 'bob']) world.line(name, USD);
  world.line('maker', USD, { balance: 100n });
  world.ok('maker', sell(USD, XLM, 100n, price));
}

/** The claim atoms of a path payment's success. */
export const atoms = (value: unknown): unknown[] => (value as { offers: unknown[] }).offers;
