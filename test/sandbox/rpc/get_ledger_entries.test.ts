import assert from 'node:assert/strict';
import { xdr } from '@stellar/stellar-sdk/base';
import { poolId, poolShare } from '../ledger/pool.ts';
import { issuer, keyOf, maker, trader } from '../testing.ts';
import { useRpc } from './testing.ts';

type Json = Record<string, never>;

describe("RPC's ledger entries", () => {
  const rpc = useRpc();

  const code = (number: number, message: string) => ({ code: number, message });

  describe('getLedgerEntries', () => {
    type Entries = { entries: Json[]; latestLedger: number };
    const entries = (keys: string[], xdrFormat?: string) =>
      rpc.call<Entries>('getLedgerEntries', { keys, xdrFormat });
    const key = (json: unknown): string => xdr.LedgerKey.fromJson(json as never).toXdr('base64');
    const account = (address: string): string => key({ account: { account_id: address } });
    const line = {
      account_id: trader.publicKey(),
      asset: { credit_alphanum4: { asset_code: 'USDC', issuer: issuer.publicKey() } },
    };

    it('finds every kind, each once, in the order asked for, and leaves out what is not there', async () => {
      const { state } = rpc.network;
      const id = poolId('native', `USDC:${issuer.publicKey()}`);
      state.put({ type: 'data', owner: trader.publicKey(), name: 'k', value: '76', modified: 1 });
      state.put({
        ...{ type: 'pool', id, assetA: 'native', assetB: `USDC:${issuer.publicKey()}` },
        ...{ reserveA: 5n, reserveB: 6n, shares: 7n, lines: 1n, modified: 1 },
      });
      state.put({
        ...state.trustline(trader.publicKey(), `USDC:${issuer.publicKey()}`)!,
        asset: poolShare(id),
        extension: 0,
      });
      const [offer] = [...state.ownedBy(maker.publicKey())].flatMap((entry) =>
        entry.type === 'offer' ? [entry] : [],
      );
      const liquidity_pool_id = xdr.PoolId.fromXdr(Buffer.from(id, 'hex')).toJson();
      const keys = [
        key({ liquidity_pool: { liquidity_pool_id } }),
        account(trader.publicKey()),
        key({ trustline: line }),
        key({ trustline: { ...line, asset: { pool_share: liquidity_pool_id } } }),
        key({ offer: { seller_id: maker.publicKey(), offer_id: String(offer!.id) } }),
        key({ data: { account_id: trader.publicKey(), data_name: 'k' } }),
      ];
      const absent = [account(keyOf('nobody').publicKey()), key({ trustline: { ...line, asset: 'native' } })];
      const found = await entries([keys[5]!, ...keys.slice(0, 3), ...absent, ...keys.slice(3)]);
      assert.deepEqual(
        found.entries.map((entry) => entry.key),
        keys,
      );
      assert.equal(found.latestLedger, 1);
      const kinds = found.entries.map((entry) => xdr.LedgerEntryData.fromXdr(entry.xdr!, 'base64').type);
      assert.deepEqual(kinds, ['liquidityPool', 'account', 'trustline', 'trustline', 'offer', 'data']);
      assert.deepEqual(Object.keys(found.entries[0]!), ['key', 'xdr', 'lastModifiedLedgerSeq', 'extXdr']);
      assert.equal(found.entries[0]!.extXdr, 'AAAAAA==');
    });

    it('speaks JSON', async () => {
      const asked = account(trader.publicKey());
      const [text] = (await entries([asked])).entries;
      assert.deepEqual((await entries([asked], 'json')).entries, [
        {
          keyJson: { account: { account_id: trader.publicKey() } },
          dataJson: xdr.LedgerEntryData.fromXdr(text!.xdr!, 'base64').toJson(),
          lastModifiedLedgerSeq: text!.lastModifiedLedgerSeq,
          extJson: 'v0',
        },
      ]);
    });

    it('says what is wrong with the keys', async () => {
      const none = code(-32603, 'could not query captive core: no keys specified in request');
      await assert.rejects(entries([]), none);
      const many = code(-32602, 'key count (201) exceeds maximum supported (200)');
      await assert.rejects(entries(Array.from({ length: 201 }, () => 'AAAA')), many);
      for (const bad of ['AAAA', '!!']) {
        const keys = [account(trader.publicKey()), bad];
        await assert.rejects(entries(keys), code(-32602, `cannot unmarshal key value ${bad} at index 1`));
      }
      const ttl = key({ ttl: { key_hash: '0'.repeat(64) } });
      await assert.rejects(entries([ttl]), code(-32602, 'ledger ttl entries cannot be queried directly'));
      const contract = key({ contract_code: { hash: '0'.repeat(64) } });
      await assert.rejects(entries([contract]), {
        code: -32000,
        data: { refused: 'contract_code' },
      });
    });
  });
});
