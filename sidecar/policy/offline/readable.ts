import { StrKey } from '@stellar/stellar-sdk/base';
import * as z from 'zod';
import { foreignSignature } from '../../envelope/signatures.ts';
import { decodeEnvelope, networkId } from '../../envelope.ts';
import { createVerifier } from '../../keystore/ed25519.ts';
import type { Operation, Transaction } from '../../transaction.ts';
import type { Judged } from '../check.ts';
import { OPERATION_RULES } from '../operations.ts';
import { poolOf } from '../pools.ts';
import { parseDecimal } from '../price.ts';
import { asset } from '../schema.ts';

/* Transactions as a person writes them in a file of cases: amounts in stroops as in policies, prices as 0.1 or 1/10. */

const INT64_MAX = 2n ** 63n - 1n;
const stroops = z
  .string()
  .regex(/^-?\d{1,19}$/, 'must be whole stroops as a string')
  .transform(BigInt);
const price = z
  .string()
  .regex(/^(\d{1,10}\/\d{1,10}|\d{1,10}(\.\d{1,10})?)$/, 'must be a decimal or a fraction, as a string')
  .transform((text) => {
    const [n, d] = text.split('/');
    return d === undefined ? parseDecimal(text) : { n: BigInt(n!), d: BigInt(d) };
  });
const address = z.string().regex(/^[GM][A-Z2-7]{55,68}$/, 'must be an account (G… or M…)');
const pool = z.tuple([asset, asset]);
const source = address.optional().transform((value) => value as string | undefined);

const pathPayment = {
  source,
  destination: address.optional(),
  sendAsset: asset,
  sendMax: stroops,
  destAsset: asset,
  destMin: stroops,
  path: z.array(asset).max(5).default([]),
};
const offer = {
  source,
  selling: asset,
  buying: asset,
  amount: stroops,
  price,
  offerId: stroops.prefault('0'),
};

const operation = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ type: z.literal('payment'), source, destination: address, asset, amount: stroops }),
    z.strictObject({ type: z.literal('pathPaymentStrictSend'), ...pathPayment }),
    z.strictObject({ type: z.literal('pathPaymentStrictReceive'), ...pathPayment }),
    z.strictObject({ type: z.literal('manageSellOffer'), ...offer }),
    z.strictObject({ type: z.literal('manageBuyOffer'), ...offer }),
    z.strictObject({
      type: z.literal('changeTrust'),
      source,
      line: z.union([z.strictObject({ asset }), z.strictObject({ pool })]),
      limit: stroops.prefault(INT64_MAX.toString()),
    }),
    z.strictObject({
      type: z.literal('liquidityPoolDeposit'),
      source,
      pool,
      maxAmountA: stroops,
      maxAmountB: stroops,
      minPrice: price,
      maxPrice: price,
    }),
    z.strictObject({
      type: z.literal('liquidityPoolWithdraw'),
      source,
      pool,
      amount: stroops,
      minAmountA: stroops.prefault('0'),
      minAmountB: stroops.prefault('0'),
    }),
    ...Object.entries(OPERATION_RULES)
      .filter(([, rule]) => typeof rule === 'string')
      .map(([type]) => z.strictObject({ type: z.literal(type), source })),
  ],
  { error: 'must be an operation of the protocol, such as manageSellOffer' },
);

const transaction = z.strictObject({
  source: address.optional(),
  /** Default: 100 for each operation. */
  fee: stroops.optional(),
  /** Seconds from the time of the case; null: none. */
  maxTimeIn: z.int().nullable().default(30),
  memo: z.string().optional(),
  preconditions: z.array(z.string()).default([]),
  operations: z.array(operation).max(100),
});

/** A transaction, or a fee bump of one: as base64 or written out. */
export const readable = {
  envelope: z.string().optional(),
  transaction: transaction.optional(),
  feeBump: z.strictObject({ source: address.optional(), fee: stroops }).optional(),
};
export type Readable = z.infer<ReturnType<typeof z.strictObject<typeof readable>>>;

/** What is judged, and a name by which it is known when it comes again or is bumped. */
export interface Named {
  name: string;
  judged: Judged;
}

/**
 * @throws Error when there is not exactly one of envelope and transaction; SignerError for an envelope that the signer would
 * not read
 */
export function toJudged(
  given: Readable,
  nowSeconds: number,
  account: string,
  networkPassphrase: string | undefined,
): Named {
  if ((given.envelope === undefined) === (given.transaction === undefined))
    throw new Error('give either envelope or transaction');
  if (given.envelope !== undefined) {
    if (given.feeBump !== undefined)
      throw new Error('feeBump goes with transaction; an envelope of a bump holds its own');
    if (networkPassphrase === undefined)
      throw new Error('an envelope needs networkPassphrase, or --network-passphrase');
    const decoded = decodeEnvelope(given.envelope, networkId(networkPassphrase));
    const { transaction, feeBump, hash } = decoded;
    const verify = createVerifier(Buffer.from(StrKey.decodeEd25519PublicKey(account)));
    return {
      name: feeBump?.innerHash ?? hash.toString('hex'),
      judged: { transaction, feeBump, foreignSignature: foreignSignature(decoded, verify) },
    };
  }
  const inner = write(given.transaction!, nowSeconds, account);
  const { timeBounds: _, ...body } = inner;
  const name = JSON.stringify(body, (_key, value) => (typeof value === 'bigint' ? value.toString() : value));
  const feeBump = given.feeBump && {
    source: given.feeBump.source ?? account,
    fee: given.feeBump.fee,
    innerHash: 'the transaction inside',
  };
  return { name, judged: { transaction: inner, feeBump } };
}

function write(
  given: NonNullable<Readable['transaction']>,
  nowSeconds: number,
  account: string,
): Transaction {
  return {
    source: given.source ?? account,
    sequence: 1n,
    fee: given.fee ?? 100n * BigInt(given.operations.length),
    timeBounds:
      given.maxTimeIn === null ? undefined : { minTime: 0n, maxTime: BigInt(nowSeconds + given.maxTimeIn) },
    otherPreconditions: given.preconditions,
    memo: given.memo === undefined ? { kind: 'none' } : { kind: 'text', bytes: Buffer.from(given.memo) },
    operations: given.operations.map((one) => writeOperation(one as z.infer<typeof operation>, account)),
    hasSorobanData: false,
  };
}

function writeOperation(given: z.infer<typeof operation>, account: string): Operation {
  if ('pool' in given) {
    const { pool: pair, ...rest } = given;
    const { id } = poolOf(pair) ?? {};
    if (id === undefined)
      throw new Error(`${pair.join(' and ')} make no pool: an issuer is no valid account`);
    return { ...rest, poolId: id } as Operation;
  }
  if ('sendAsset' in given) return { ...given, destination: given.destination ?? account } as Operation;
  return given as Operation;
}
