import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { xdr } from '@stellar/stellar-sdk/base';
import { openCorpus } from '../conformance/corpus.ts';
import { keyOf } from './entries.ts';
import { entryFromXdr, entryToXdr, keyToXdr } from './entry_xdr.ts';

const corpus = openCorpus(fileURLToPath(new URL('../../fixtures/ledgers/corpus/', import.meta.url)));

describe('entries in XDR', () => {
  const texts = corpus.stateAfter(corpus.network.lastLedger)!;

  it('reads and writes every entry of a real ledger without losing a byte', () => {
    const kinds = new Map<string, number>();
    for (const text of texts) {
      const entry = entryFromXdr(text);
      kinds.set(entry.type, (kinds.get(entry.type) ?? 0) + 1);
      assert.equal(entryToXdr(entry).toXdr('base64'), text);
    }
    for (const type of ['account', 'trustline', 'offer', 'data', 'pool']) {
      assert.ok((kinds.get(type) ?? 0) > 0, `the corpus has no ${type}`);
    }
  });

  it('keeps entries apart by their ledger key', () => {
    const entries = texts.map(entryFromXdr);
    assert.equal(new Set(entries.map(keyOf)).size, entries.length);
    const keys = entries.flatMap((entry) =>
      entry.type === 'foreign' ? [] : [keyToXdr(entry).toXdr('base64')],
    );
    assert.equal(new Set(keys).size, keys.length);
  });

  it('carries a kind along that no operation touches', () => {
    const text = xdr.LedgerEntry.fromJson({
      last_modified_ledger_seq: 3,
      data: { ttl: { key_hash: 'ab'.repeat(32), live_until_ledger_seq: 9 } },
      ext: 'v0',
    } as never).toXdr('base64');
    const entry = entryFromXdr(text);
    assert.deepEqual([entry.type, entry.modified], ['foreign', 3]);
    assert.equal(entryToXdr(entry).toXdr('base64'), text);
  });
});
