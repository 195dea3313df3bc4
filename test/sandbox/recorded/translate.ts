import {
  FeeBumpTransaction,
  hash,
  Keypair,
  StrKey,
  TransactionBuilder,
  xdr,
} from '@stellar/stellar-sdk/base';
import { sha256 } from '../ledger/envelope.ts';
import { outcomeOf } from './compare.ts';
import type { Facts } from './roles.ts';
import { type Known, resign, type World } from './world.ts';

/** Recorded requests as requests for the same things in the world. */
export interface Translator {
  /** Path and query, or any text with ids in it. */
  path(recorded: string): string;
  /** The body of a call to Stellar RPC. `expected` is the recorded answer. */
  call(recorded: string, expected: string): Promise<string>;
  /** The same transaction of the world's accounts; text that is no envelope stays as it is. */
  envelope(recorded: string, expected: string): Promise<string>;
  /** Whether the recorded envelope was translated before: it is the same transaction again. */
  isKnown(recorded: string): boolean;
}

type Fields = Record<string, unknown>;

/** Whether an answer holds the result `tx_bad_seq`, which other networks have to be brought to. */
const isBadSequence = (expected: string): boolean => outcomeOf({ body: expected }) === 'tx_bad_seq';

const ADDRESS = /\b[GM][A-Z2-7]{55}(?:[A-Z2-7]{13})?\b/g;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** An id of the network's total order: ledger, transaction, operation (SEP-35). */
const tokenOf = (ledger: number): bigint => BigInt(ledger) << 32n;

const overlap = (a: readonly string[], b: readonly string[]): number => {
  const all = new Set([...a, ...b]);
  return all.size === 0 ? 1 : [...all].filter((one) => a.includes(one) && b.includes(one)).length / all.size;
};

const baseOf = (address: string): string =>
  address.startsWith('M')
    ? StrKey.encodeEd25519PublicKey(StrKey.decodeMed25519PublicKey(address).subarray(0, 32))
    : address;

/** The hashes by which a transaction is found: its own, and that of the inner one of a fee bump. */
function hashesOf(envelope: string, passphrase: string): string[] {
  const transaction = TransactionBuilder.fromXdr(envelope, passphrase);
  const inner = transaction instanceof FeeBumpTransaction ? [transaction.innerTransaction] : [];
  return [transaction, ...inner].map((one) => hex(one.hash()));
}

export function translator(
  facts: Facts,
  world: World,
  passphrase: string,
  recordedAccounts: string[],
): Translator {
  const envelopes = new Map<string, string>();
  /** By recorded hash, of what was submitted in the walk. */
  const submitted = new Map<string, string>();
  const stranger = world.key('stranger');
  const first = world.transactions[0]!.ledger;

  function address(recorded: string): string {
    if (recorded.startsWith('G'))
      return StrKey.isValidEd25519PublicKey(recorded) ? world.address(recorded) : recorded;
    if (!StrKey.isValidMed25519PublicKey(recorded)) return recorded;
    const bytes = StrKey.decodeMed25519PublicKey(recorded);
    const base = world.address(StrKey.encodeEd25519PublicKey(bytes.subarray(0, 32)));
    const key = StrKey.decodeEd25519PublicKey(base);
    return StrKey.encodeMed25519PublicKey(Buffer.concat([key, bytes.subarray(32)]));
  }

  /** The transaction of the world that is most like a recorded one. */
  function like(types: readonly string[], failed: boolean, feeBump: boolean): Known {
    const rate = (known: Known): number =>
      overlap(known.types, types) +
      (known.failed === failed ? 4 : 0) +
      ((known.innerHash !== undefined) === feeBump ? 2 : 0);
    return world.transactions.reduce((best, known) => (rate(known) > rate(best) ? known : best));
  }

  function transactionHash(recorded: string): string {
    const known = facts.transactions.get(recorded);
    const sent = submitted.get(recorded);
    if (sent || !known) return sent ?? recorded;
    const found = like(known.types, known.failed, known.feeBump);
    return known.outer ? found.hash : (found.innerHash ?? found.hash);
  }

  function hash64(recorded: string): string {
    if (facts.pools.has(recorded)) return world.pool;
    const found = transactionHash(recorded.toLowerCase());
    return recorded === recorded.toLowerCase() ? found : found.toUpperCase();
  }

  function ledger(recorded: string): string {
    const sequence = Number(recorded);
    if (sequence < 3 || sequence > facts.latest) return recorded;
    const inside = [...facts.transactions.values()].find((one) => one.ledger === sequence);
    return String(inside ? like(inside.types, inside.failed, inside.feeBump).ledger : first);
  }

  function operation(recorded: string): string {
    const type = facts.operations.get(recorded);
    const holder = type && world.transactions.find(({ types, failed }) => !failed && types.includes(type));
    return holder ? String(holder.token + BigInt(holder.types.indexOf(type) + 1)) : recorded;
  }

  const offer = (recorded: string): string =>
    facts.offers.has(recorded)
      ? (world.offers[[...facts.offers].indexOf(recorded) % world.offers.length] ?? recorded)
      : recorded;

  function cursor(recorded: string): string {
    if (facts.offers.has(recorded)) return offer(recorded);
    const [token = '', rest] = recorded.split('-');
    const inside = /^\d{9,19}$/.test(token) && BigInt(token) >> 32n <= BigInt(facts.latest);
    return inside ? `${tokenOf(first)}${rest === undefined ? '' : `-${rest}`}` : recorded;
  }

  const text = (recorded: string): string =>
    recorded.replace(ADDRESS, address).replace(/\b[0-9a-fA-F]{64}\b/g, hash64);

  function path(recorded: string): string {
    return text(recorded)
      .replace(/(\/ledgers\/)(\d+)/, (_, before, id) => before + ledger(id))
      .replace(/(\/operations\/)(\d+)/, (_, before, id) => before + operation(id))
      .replace(/(\/offers\/|offer_id=)(\d+)/, (_, before, id) => before + offer(id))
      .replace(/(cursor=)(\d[\d-]*)/, (_, before, id) => before + cursor(id));
  }

  /** Whose signature a recorded one is, by its hint. */
  function signer(hint: string): Keypair {
    const found = recordedAccounts.find(
      (one) => hex(StrKey.decodeEd25519PublicKey(one).subarray(-4)) === hint,
    );
    return found ? world.key(found) : stranger;
  }

  function isOfNetwork(recorded: string): boolean {
    const envelope = xdr.TransactionEnvelope.fromXdr(recorded, 'base64');
    if (envelope.type !== 'envelopeTypeTx') return true;
    const { tx, signatures } = envelope.v1;
    const payload = new xdr.TransactionSignaturePayload({
      networkId: new xdr.Hash(sha256(facts.passphrase)),
      taggedTransaction: xdr.TransactionSignaturePayloadTaggedTransaction.envelopeTypeTx(tx),
    });
    const source = (tx.sourceAccount.toJson() as string).slice(0, 56);
    if (!source.startsWith('G')) return true;
    const key = Keypair.fromPublicKey(source);
    const own = signatures.find((one) => hex(one.hint.toBytes()) === hex(key.signatureHint()));
    return !own || key.verify(hash(payload.toXdr()), own.signature.toBytes());
  }

  async function translated(recorded: string, expected: string): Promise<string> {
    const json = JSON.parse(
      text(JSON.stringify(xdr.TransactionEnvelope.fromXdr(recorded, 'base64').toJson())).replace(
        /\bL[A-Z2-7]{55}\b/g,
        () => StrKey.encodeLiquidityPool(Buffer.from(world.pool, 'hex')),
      ),
    ) as { tx?: Fields; tx_fee_bump?: Fields };
    const hints = (holder: Fields | undefined): string[] =>
      ((holder?.signatures ?? []) as { hint: string }[]).map(({ hint }) => hint);
    const outer = json.tx_fee_bump?.tx as { inner_tx: { tx: Fields } } | undefined;
    const holder = json.tx ?? outer!.inner_tx.tx;
    const tx = holder.tx as { source_account: string; seq_num: string };
    const sequence = isBadSequence(expected) ? 5n : (await world.sequence(baseOf(tx.source_account))) + 1n;
    const envelope = resign(
      json,
      (inner) => {
        inner.seq_num = String(sequence);
      },
      {
        inner: hints(holder).map((hint) => signer(hint)),
        outer: hints(json.tx_fee_bump).map((hint) => signer(hint)),
      },
      isOfNetwork(recorded) ? passphrase : 'another network',
    );
    return envelope.toEnvelope().toXdr('base64');
  }

  const isKnown = (recorded: string): boolean => envelopes.has(recorded);

  async function envelope(recorded: string, expected: string): Promise<string> {
    const before = envelopes.get(recorded);
    if (before !== undefined) return before;
    let result = recorded;
    try {
      result = await translated(recorded, expected);
      const hashes = hashesOf(result, passphrase);
      for (const [index, one] of hashesOf(recorded, facts.passphrase).entries())
        submitted.set(one, hashes[index]!);
    } catch {
      // What cannot be read is sent as it is.
    }
    envelopes.set(recorded, result);
    return result;
  }

  async function call(recorded: string, expected: string): Promise<string> {
    const body = JSON.parse(recorded) as { params?: Fields };
    const { params } = body;
    if (!params || Array.isArray(params)) return recorded;
    if (typeof params.transaction === 'string')
      params.transaction = await envelope(params.transaction, expected);
    if (typeof params.hash === 'string') params.hash = text(params.hash);
    if (Array.isArray(params.keys)) params.keys = params.keys.map((key) => ledgerKey(String(key)));
    for (const name of ['startLedger', 'endLedger']) {
      if (typeof params[name] === 'number') params[name] = Number(ledger(String(params[name])));
    }
    const pagination = params.pagination as Fields | undefined;
    if (typeof pagination?.cursor === 'string') pagination.cursor = cursor(pagination.cursor);
    return JSON.stringify(body);
  }

  function ledgerKey(recorded: string): string {
    try {
      const json = text(JSON.stringify(xdr.LedgerKey.fromXdr(recorded, 'base64').toJson()));
      return xdr.LedgerKey.fromJson(JSON.parse(json)).toXdr('base64');
    } catch {
      return recorded;
    }
  }

  return { path, call, envelope, isKnown };
}
