import type { HorizonRequest } from './http.ts';
import { type Listing, type Paging, readPaging } from './page.ts';

interface StateList<T> {
  isCursor: (text: string) => boolean;
  /** Of the entries as they stand when it is called. */
  entries: () => Iterable<T>;
  tokenOf: (entry: T) => string;
  compare: (a: string, b: string) => number;
  render: (entry: T) => unknown;
}

export const compare = <T extends string | bigint>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);
export const compareNumbers = (a: string, b: string): number => Number(BigInt(a) - BigInt(b));

/** Entries of the ledger in the order of their tokens. */
export function stateList<T>(request: HorizonRequest, list: StateList<T>): Listing {
  const paging: Paging = readPaging(request, list.isCursor);
  const sign = paging.order === 'asc' ? 1 : -1;
  return {
    paging,
    after: (cursor) =>
      [...list.entries()]
        .map((entry) => ({ token: list.tokenOf(entry), render: () => list.render(entry) }))
        .filter(({ token }) => cursor === '' || sign * list.compare(token, cursor) > 0)
        .sort((a, b) => sign * list.compare(a.token, b.token)),
  };
}

/** A list whose tokens are texts; Horizon takes any cursor there. */
export const textList = <T>(
  request: HorizonRequest,
  list: Pick<StateList<T>, 'entries' | 'tokenOf' | 'render'>,
): Listing => stateList(request, { ...list, isCursor: () => true, compare });
