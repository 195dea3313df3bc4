import assert from 'node:assert/strict';
import { Operation, xdr } from '@stellar/stellar-sdk/base';
import { envelope, maker, START, strictSend, xlm } from '../testing.ts';
import { useRpc } from './testing.ts';

type Json = Record<string, never>;

const SEQUENCE = (1n << 32n) + 1n;

/** What a meta tells of events, as the answers have it beside the meta. */
function eventsIn(metaXdr: string, asJson = false): unknown {
  const meta = xdr.TransactionMeta.fromXdr(metaXdr, 'base64');
  if (meta.type !== 'v4') assert.fail('another version than 4');
  const write = (event: xdr.XdrValue): unknown => (asJson ? event.toJson() : event.toXdr('base64'));
  const contract = meta.v4.operations.map(({ events }) => events.map(write));
  const suffix = asJson ? 'Json' : 'Xdr';
  return {
    [`transactionEvents${suffix}`]: meta.v4.events.map(write),
    ...(contract.length > 0 && { [`contractEvents${suffix}`]: contract }),
  };
}

describe("RPC's methods", () => {
  const rpc = useRpc();

  const code = (number: number, message: string) => ({ code: number, message });
  const send = (envelopeXdr: string, xdrFormat?: string) =>
    rpc.call<Json>('sendTransaction', { transaction: envelopeXdr, xdrFormat });
  const pay = (sequence: bigint, more = {}) => envelope([strictSend()], { sequence, ...more });

  describe('getHealth', () => {
    it('is healthy while ledgers close, and an error when they stop', async () => {
      rpc.closeLedger();
      assert.deepEqual(await rpc.call('getHealth'), {
        status: 'healthy',
        latestLedger: 2,
        latestLedgerCloseTime: String(START + 5),
        oldestLedger: 1,
        oldestLedgerCloseTime: String(START),
        ledgerRetentionWindow: 10,
      });
      rpc.pass(30);
      await rpc.call('getHealth');
      for (const [more, latency] of [
        [1, '31s'],
        [267, '4m58s'],
        [3600, '1h4m58s'],
      ] as const) {
        rpc.pass(more);
        const message = `[-32603] latency (${latency}) since last known ledger closed is too high (>30s)`;
        await assert.rejects(rpc.call('getHealth'), code(-32603, message));
      }
    });
  });

  describe('getVersionInfo', () => {
    it('has the fields of a real one', async () => {
      const version = await rpc.call<Json>('getVersionInfo');
      assert.deepEqual(Object.keys(version), [
        ...['version', 'commitHash', 'buildTimestamp', 'captiveCoreVersion', 'protocolVersion'],
      ]);
      assert.equal(version.protocolVersion, 28);
    });
  });

  describe('getLatestLedger', () => {
    it('has header and meta of the last ledger', async () => {
      rpc.closeLedger();
      const { headerXdr, metadataXdr, ...rest } = await rpc.call<Record<string, string>>('getLatestLedger');
      const id = rpc.network.latest.hash;
      assert.deepEqual(rest, { id, protocolVersion: 28, sequence: 2, closeTime: String(START + 5) });
      assert.equal(xdr.LedgerHeader.fromXdr(headerXdr!, 'base64').ledgerSeq, 2);
      const meta = xdr.LedgerCloseMeta.fromXdr(metadataXdr!, 'base64');
      assert.equal(meta.type === 'v2' && meta.v2.ledgerHeader.hash.toJson(), id);
    });
  });

  describe('getLedgers', () => {
    type Page = { ledgers: Json[]; cursor: string };
    const ledgers = (params: unknown) => rpc.call<Page>('getLedgers', params);

    it('pages by cursor', async () => {
      for (let i = 0; i < 4; i++) rpc.closeLedger();
      const first = await ledgers({ startLedger: 2, pagination: { limit: 2 } });
      assert.deepEqual(
        first.ledgers.map(({ sequence }) => sequence),
        [2, 3],
      );
      assert.deepEqual(
        { ...first, ledgers: [] },
        {
          ledgers: [],
          latestLedger: 5,
          latestLedgerCloseTime: START + 20,
          oldestLedger: 1,
          oldestLedgerCloseTime: START,
          cursor: '3',
        },
      );
      const second = await ledgers({ pagination: { cursor: first.cursor } });
      assert.deepEqual([second.ledgers.map(({ sequence }) => sequence), second.cursor], [[4, 5], '5']);
      const end =
        "cursor ('5') must be between the oldest ledger: 1 and the latest ledger: 5 for this rpc instance";
      await assert.rejects(ledgers({ pagination: { cursor: '5' } }), code(-32602, end));
    });

    it('gives header and meta in both formats', async () => {
      const [text] = (await ledgers({ startLedger: 1 })).ledgers;
      assert.deepEqual(Object.keys(text!), [
        'hash',
        'sequence',
        'ledgerCloseTime',
        'headerXdr',
        'metadataXdr',
      ]);
      assert.equal(text!.ledgerCloseTime, String(START));
      const entry = xdr.LedgerHeaderHistoryEntry.fromXdr(text!.headerXdr!, 'base64');
      assert.equal(entry.hash.toJson(), text!.hash);
      const [json] = (await ledgers({ startLedger: 1, xdrFormat: 'json' })).ledgers;
      assert.deepEqual([json!.headerXdr, json!.metadataXdr], ['', '']);
      assert.deepEqual(json!.headerJson, entry.toJson());
      assert.deepEqual(
        json!.metadataJson,
        xdr.LedgerCloseMeta.fromXdr(text!.metadataXdr!, 'base64').toJson(),
      );
    });

    it('refuses what is outside of the kept range', async () => {
      for (let i = 0; i < 12; i++) rpc.closeLedger();
      const range = 'must be between the oldest ledger: 4 and the latest ledger: 13 for this rpc instance';
      for (const startLedger of [0, 3, 14])
        await assert.rejects(
          ledgers({ startLedger }),
          code(-32600, `start ledger (${startLedger}) ${range}`),
        );
      await assert.rejects(
        ledgers({ startLedger: 4, pagination: { limit: 201 } }),
        code(-32600, 'limit must not exceed 200'),
      );
      const both = code(-32600, 'startLedger (4) and cursor (5) cannot both be set');
      await assert.rejects(ledgers({ startLedger: 4, pagination: { cursor: '5' } }), both);
      const format = "got 'x': expected base64, json for optional 'xdrFormat'";
      await assert.rejects(
        ledgers({ startLedger: 3, xdrFormat: 'x' }),
        code(-32600, `start ledger (3) ${range}\n${format}`),
      );
      for (const [cursor, what] of [
        ['a"', 'invalid syntax'],
        ['4294967296', 'value out of range'],
      ] as const)
        await assert.rejects(
          ledgers({ pagination: { cursor } }),
          code(-32602, `strconv.ParseUint: parsing ${JSON.stringify(cursor)}: ${what}`),
        );
    });
  });

  describe('sendTransaction', () => {
    it('is PENDING, then DUPLICATE; a second one of the account has to TRY_AGAIN_LATER', async () => {
      const first = pay(SEQUENCE);
      const { hash: id, ...rest } = await send(first);
      assert.deepEqual(rest, { status: 'PENDING', latestLedger: 1, latestLedgerCloseTime: String(START) });
      assert.match(id!, /^[0-9a-f]{64}$/);
      assert.equal((await send(first)).status, 'DUPLICATE');
      assert.equal((await send(pay(SEQUENCE + 1n))).status, 'TRY_AGAIN_LATER');
      rpc.closeLedger();
      assert.equal((await send(first)).status, 'TRY_AGAIN_LATER', 'applied a moment ago');
      assert.equal((await send(pay(SEQUENCE + 1n), 'json')).status, 'PENDING');
    });

    it('is ERROR with the result', async () => {
      const { errorResultXdr, status } = await send(pay(SEQUENCE + 5n));
      assert.deepEqual([errorResultXdr, status], ['AAAAAAAAAGT////7AAAAAA==', 'ERROR']);
    });

    it('fails in JSON where it should say ERROR, as the recorded server', async () => {
      const message = "couldn't decode events: xdr:DecodeUint: EOF while decoding 4 bytes - read: '[]'";
      await assert.rejects(send(pay(SEQUENCE + 5n), 'json'), code(-32603, message));
    });

    it('refuses what is no envelope, and by name what the sandbox does not do', async () => {
      for (const text of ['', '!', 'AAAA']) await assert.rejects(send(text), code(-32602, 'invalid_xdr'));
      const format = code(-32602, "got 'x': expected base64, json for optional 'xdrFormat'");
      await assert.rejects(send(pay(SEQUENCE), 'x'), format);
      const sponsored = envelope([Operation.endSponsoringFutureReserves({})]);
      const refused = { refused: 'end_sponsoring_future_reserves' };
      await assert.rejects(send(sponsored), { code: -32000, data: refused });
    });
  });

  describe('getTransaction', () => {
    const get = (id: string, xdrFormat?: string) => rpc.call<Json>('getTransaction', { hash: id, xdrFormat });
    const nothing = (txHash: string) => ({
      ...{ latestLedger: 1, latestLedgerCloseTime: String(START) },
      ...{ oldestLedger: 1, oldestLedgerCloseTime: String(START) },
      ...{
        status: 'NOT_FOUND',
        txHash,
        applicationOrder: 0,
        feeBump: false,
        events: {},
        ledger: 0,
        createdAt: '0',
      },
    });

    it('is NOT_FOUND until the ledger closed', async () => {
      const envelopeXdr = pay(SEQUENCE);
      const id = String((await send(envelopeXdr)).hash);
      assert.deepEqual(await get(id), nothing(id));
      rpc.closeLedger();
      const applied = rpc.network.transaction(id)!;
      const { resultMetaXdr, ...rest } = await get(id);
      assert.deepEqual(rest, {
        ...{ latestLedger: 2, latestLedgerCloseTime: String(START + 5) },
        ...{ oldestLedger: 1, oldestLedgerCloseTime: String(START), status: 'SUCCESS', txHash: id },
        ...{ applicationOrder: 1, feeBump: false, envelopeXdr, resultXdr: applied.resultXdr },
        ...{ events: eventsIn(resultMetaXdr!), ledger: 2, createdAt: String(START + 5) },
      });
      const json = await get(id.toUpperCase(), 'json');
      assert.equal(json.txHash, id.toUpperCase());
      assert.deepEqual(json.resultMetaJson, xdr.TransactionMeta.fromXdr(resultMetaXdr!, 'base64').toJson());
      assert.deepEqual(json.resultJson, xdr.TransactionResult.fromXdr(applied.resultXdr, 'base64').toJson());
      assert.deepEqual(json.envelopeJson, xdr.TransactionEnvelope.fromXdr(envelopeXdr, 'base64').toJson());
      assert.deepEqual(json.events, eventsIn(resultMetaXdr!, true));
      assert.deepEqual(Object.keys(rest.events!), ['transactionEventsXdr', 'contractEventsXdr']);
    });

    it('is FAILED with a result, and the fee for its only event', async () => {
      const { hash: id } = await send(envelope([strictSend({ destMin: '1000' })]));
      rpc.closeLedger();
      const { status, events, resultXdr } = await get(id!);
      assert.deepEqual([status, Object.keys(events!)], ['FAILED', ['transactionEventsXdr']]);
      assert.equal(resultXdr, rpc.network.transaction(id!)!.resultXdr);
    });

    it('says what is wrong with a hash', async () => {
      const cases = [
        ['zz', 'unexpected hash length (2)'],
        ['', 'unexpected hash length (0)'],
        ['0'.repeat(65), 'incorrect hash: encoding/hex: odd length hex string'],
        [`${'0'.repeat(63)}z`, "incorrect hash: encoding/hex: invalid byte: U+007A 'z'"],
      ] as const;
      for (const [id, message] of cases) await assert.rejects(get(id), code(-32602, message));
    });
  });

  describe('getTransactions', () => {
    type Page = { transactions: Json[]; cursor: string };
    const list = (params: unknown) => rpc.call<Page>('getTransactions', params);
    const places = ({ transactions }: Page) =>
      transactions.map(({ ledger, applicationOrder }) => [ledger, applicationOrder]);

    beforeEach(async () => {
      await send(pay(SEQUENCE));
      await send(envelope([strictSend({ destAsset: xlm })], { source: maker }));
      rpc.closeLedger();
      rpc.closeLedger();
      await send(pay(SEQUENCE + 1n));
      rpc.closeLedger();
    });

    it('pages by cursor', async () => {
      const first = await list({ startLedger: 1, pagination: { limit: 1 } });
      assert.deepEqual([places(first), first.cursor], [[[2, 1]], String((2n << 32n) + (1n << 12n) + 1n)]);
      const { transactions, ...range } = first;
      assert.deepEqual(range, {
        ...{ latestLedger: 4, latestLedgerCloseTimestamp: START + 15 },
        ...{ oldestLedger: 1, oldestLedgerCloseTimestamp: START, cursor: first.cursor },
      });
      const { envelopeXdr, resultXdr, resultMetaXdr, ...rest } = transactions[0]!;
      const [applied] = rpc.network.ledgers[1]!.transactions;
      assert.deepEqual([envelopeXdr, resultXdr], [applied!.transaction.envelopeXdr, applied!.resultXdr]);
      assert.equal(xdr.TransactionMeta.fromXdr(resultMetaXdr!, 'base64').type, 'v4');
      assert.deepEqual(rest, {
        ...{ status: 'SUCCESS', txHash: applied!.transaction.hash, applicationOrder: 1, feeBump: false },
        ...{ events: eventsIn(resultMetaXdr!), ledger: 2, createdAt: START + 5 },
      });
      const second = await list({ pagination: { cursor: first.cursor }, xdrFormat: 'json' });
      assert.deepEqual(places(second), [
        [2, 2],
        [4, 1],
      ]);
      assert.ok('resultMetaJson' in second.transactions[0]!);
      assert.equal(second.cursor, String((4n << 32n) + (1n << 12n) + 1n));
    });

    it('comes back to the beginning of the newest ledger behind its end, as the real one', async () => {
      const end = String((4n << 32n) + (1n << 12n) + 1n);
      const page = await list({ pagination: { cursor: end } });
      assert.deepEqual([places(page), page.cursor], [[], String((4n << 32n) + 1n)]);
      assert.deepEqual(places(await list({ pagination: { cursor: page.cursor } })), [[4, 1]]);
      const ahead = await list({ pagination: { cursor: String(9n << 32n) } });
      assert.deepEqual([places(ahead), ahead.cursor], [[], '0']);
    });

    it('says what is wrong with a cursor', async () => {
      const cases = [
        ['abc', 'strconv.ParseInt: parsing "abc": invalid syntax'],
        ['9223372036854775808', 'strconv.ParseInt: parsing "9223372036854775808": value out of range'],
        ['-1', 'cursor ledger sequence cannot be negative'],
        ['1', 'database does not contain metadata for ledger: 0'],
      ] as const;
      for (const [cursor, message] of cases)
        await assert.rejects(list({ pagination: { cursor } }), code(-32602, message));
    });
  });

  describe('getFeeStats', () => {
    type Stats = Record<'inclusionFee' | 'sorobanInclusionFee', Json> & { latestLedger: number };
    it('is the distribution of fees an operation over ten ledgers', async () => {
      const none = await rpc.call<Stats>('getFeeStats');
      assert.deepEqual(none.inclusionFee, none.sorobanInclusionFee);
      assert.deepEqual(
        [none.inclusionFee.max, none.inclusionFee.transactionCount, none.inclusionFee.ledgerCount],
        ['0', '0', 0],
      );
      await send(pay(SEQUENCE));
      await send(envelope([strictSend(), strictSend()], { source: maker }));
      rpc.closeLedger();
      const { inclusionFee, latestLedger } = await rpc.call<Stats>('getFeeStats');
      assert.equal(latestLedger, 2);
      const names = [
        'max',
        'min',
        'mode',
        ...[10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99].map((p) => `p${p}`),
      ];
      assert.deepEqual(inclusionFee, {
        ...Object.fromEntries(names.map((name) => [name, '100'])),
        transactionCount: '2',
        ledgerCount: 2,
      });
    });
  });
});
