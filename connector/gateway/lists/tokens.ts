import { connectorError } from '../../errors.ts';
import {
  type AssetId,
  assetCode,
  listTokens,
  type Market,
  parseAsset,
  type Token,
} from '../../market/asset.ts';
import type { State } from '../../state.ts';
import { requireRoom } from './schema.ts';

export interface TokenList {
  /** Those of the listed markets first, then the saved ones. Always the same array: what it holds changes. */
  readonly all: readonly Token[];
  /** `added` false: it was there. @throws `invalid-params`: no asset, or the list is full */
  save(address: string): { token: Token; added: boolean };
  /** What `save` would make of it. @throws `invalid-params` */
  describe(address: string): Token;
  /** @throws `invalid-params` for one of a listed market, `not-found` */
  remove(address: string): Token;
}

/**
 * The list behind every symbol. A symbol is the asset's code, nothing else; the codes of listed markets belong to their
 * issuers, and a saved token with such a code, or one that looks like it, goes by `CODE:ISSUER` alone. So no symbol ever
 * means an asset that only looks like the one that is meant.
 */
export function createTokenList(state: State, markets: readonly Market[]): TokenList {
  const listed = listTokens(markets);
  const rows = state.db.prepare('SELECT address FROM gateway_tokens ORDER BY rowid').all();
  const saved = rows.map((row) => String(row.address));
  const all: Token[] = [];
  /** Of the codes in `all`. */
  const skeletons = new Set<string>();

  const describe = (address: AssetId): Token => {
    const [token] = listTokens([{ base: address, quote: address }]).slice(-1);
    const code = assetCode(address);
    return { ...token!, symbol: skeletons.has(skeleton(code)) ? address : code };
  };
  const put = (token: Token): void => {
    all.push(token);
    skeletons.add(skeleton(assetCode(token.address)));
  };
  const refresh = (): void => {
    all.length = 0;
    skeletons.clear();
    listed.forEach(put);
    for (const address of saved) {
      if (!listed.some((token) => token.address === address)) put(describe(address));
    }
  };
  refresh();

  const find = (text: string): { address: AssetId; known: Token | undefined } => {
    const address = parseAsset(text);
    if (address === undefined) throw connectorError('invalid-params', 'address must be CODE:ISSUER');
    return { address, known: all.find((token) => token.address === address) };
  };

  return {
    all,
    describe(text) {
      const { address, known } = find(text);
      return known ?? describe(address);
    },
    save(text) {
      const { address, known } = find(text);
      if (known !== undefined) return { token: known, added: false };
      requireRoom(saved.length, 'tokens');
      state.transact(() => state.db.prepare('INSERT INTO gateway_tokens VALUES (?)').run(address));
      const token = describe(address);
      saved.push(address);
      put(token);
      return { token, added: true };
    },
    remove(text) {
      const { address, known } = find(text);
      if (listed.some((token) => token.address === address)) {
        throw connectorError('invalid-params', 'address: it is in spec.markets of the StellarConnector');
      }
      if (known === undefined) throw connectorError('not-found', 'no such token is saved');
      state.transact(() => state.db.prepare('DELETE FROM gateway_tokens WHERE address = ?').run(address));
      saved.splice(saved.indexOf(address), 1);
      refresh();
      return known;
    },
  };
}

/** What two codes have in common that a reader takes for one. Codes are ASCII letters and digits by the protocol. */
const skeleton = (code: string): string => {
  const alike: Record<string, string> = { 0: 'o', 1: 'l', i: 'l', 2: 'z', 5: 's', 8: 'b' };
  return code.toLowerCase().replace(/[01i258]/g, (letter) => alike[letter]!);
};
