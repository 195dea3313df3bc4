import type { HorizonRequest } from './http.ts';
import { isNumberCursor, type Listing, readPaging } from './page.ts';

interface StateList<T> {
  /** Of the entries as they stand when it is called. */
  entries: () => Iterable<T>;
  tokenOf: (entry: T) => string;
  render: (entry: T) => unknown;
}

export const compare = <T extends string | bigint>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** What the tokens of a list are: of texts Horizon takes any as a cursor. */
const TOKENS = {
  texts: { isCursor: () => true, compare: compare<string> },
  numbers: { isCursor: isNumberCursor, compare: (a: string, b: string) => compare(BigInt(a), BigInt(b)) },
};

/** Entries of the ledger in the order of their tokens. */
export function stateList<T>(
  request: HorizonRequest,
  tokens: keyof typeof TOKENS,
  { entries, tokenOf, render }: StateList<T>,
): Listing {
  const { isCursor, compare: compareTokens } = TOKENS[tokens];
  const paging = readPaging(request, isCursor);
  const order = (a: string, b: string): number =>
    paging.order === 'asc' ? compareTokens(a, b) : compareTokens(b, a);
  return {
    paging,
    after: (cursor) =>
      [...entries()]
        .map((entry) => ({ token: tokenOf(entry), render: () => render(entry) }))
        .filter(({ token }) => cursor === '' || order(token, cursor) > 0)
        .sort((a, b) => order(a.token, b.token)),
  };
}
