/* What the policy judges: transactions in plain data, without the SDK's classes. Amounts and fees in stroops. */

import type { xdr } from '@stellar/stellar-sdk/base';
import type { Ratio } from './policy/price.ts';

/** `XLM` or `CODE:ISSUER`. */
export type AssetId = string;

interface From {
  /** G… or M…; undefined: the transaction's. */
  source: string | undefined;
}

/** Judged as a swap when it pays its own source, else as a payment too. */
export interface PathPayment extends From {
  type: 'pathPaymentStrictSend' | 'pathPaymentStrictReceive';
  destination: string;
  sendAsset: AssetId;
  /** What leaves at most: sendAmount of a strict send, sendMax of a strict receive. */
  sendMax: bigint;
  destAsset: AssetId;
  /** What arrives at least: destMin of a strict send, destAmount of a strict receive. */
  destMin: bigint;
  path: AssetId[];
}

export interface Payment extends From {
  type: 'payment';
  destination: string;
  asset: AssetId;
  amount: bigint;
}

export interface Offer extends From {
  type: 'manageSellOffer' | 'manageBuyOffer';
  selling: AssetId;
  buying: AssetId;
  /** Of what is sold in a sell offer, of what is bought in a buy offer; 0 deletes the offer. */
  amount: bigint;
  /** Sell offer: buying per selling. Buy offer: selling per buying. `d` may be 0 here: the wire allows it. */
  price: Ratio;
  /** 0 makes a new offer. */
  offerId: bigint;
}

export interface ChangeTrust extends From {
  type: 'changeTrust';
  line: { asset: AssetId } | { pool: readonly [AssetId, AssetId] };
  limit: bigint;
}

export interface PoolDeposit extends From {
  type: 'liquidityPoolDeposit';
  /** Hexadecimal. */
  poolId: string;
  maxAmountA: bigint;
  maxAmountB: bigint;
  /** Of A per B, where A is the pool's first asset in the protocol's order. */
  minPrice: Ratio;
  maxPrice: Ratio;
}

export interface PoolWithdraw extends From {
  type: 'liquidityPoolWithdraw';
  poolId: string;
  amount: bigint;
  minAmountA: bigint;
  minAmountB: bigint;
}

export type JudgedOperation = PathPayment | Payment | Offer | ChangeTrust | PoolDeposit | PoolWithdraw;

/** An operation that no policy looks into. */
export interface OtherOperation extends From {
  type: Exclude<xdr.OperationTypeName, JudgedOperation['type']>;
}

export type Operation = JudgedOperation | OtherOperation;

export type TransactionMemo =
  | { kind: 'none' }
  | { kind: 'text'; bytes: Buffer }
  | { kind: 'id' | 'hash' | 'return' };

export interface Transaction {
  /** G… or M…. */
  source: string;
  sequence: bigint;
  /** For all operations together. */
  fee: bigint;
  /** Unix seconds; `maxTime` 0 means no end. */
  timeBounds: { minTime: bigint; maxTime: bigint } | undefined;
  /** The preconditions beside time bounds that the envelope carries, by their XDR names. */
  otherPreconditions: string[];
  memo: TransactionMemo;
  operations: Operation[];
  hasSorobanData: boolean;
}

/** What a fee bump (CAP-15) adds to its inner transaction. */
export interface FeeBump {
  /** G… or M…: who pays. */
  source: string;
  fee: bigint;
  /** Hexadecimal. */
  innerHash: string;
}

/** The offers and nothing else of such a transaction are deleted: it frees the maker and can lose nothing but its fee. */
export const isDeletion = (operation: Operation): boolean =>
  (operation.type === 'manageSellOffer' || operation.type === 'manageBuyOffer') &&
  operation.amount === 0n &&
  operation.offerId > 0n;
