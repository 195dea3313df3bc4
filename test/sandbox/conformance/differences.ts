import { xdr } from '@stellar/stellar-sdk/base';

/** What a replay got otherwise than core, in words. */
export interface Difference {
  ledger: number;
  /** Which transaction, rejection, entry or field of the header. */
  where: string;
  expected: string;
  got: string;
}

export const inWords = ({ ledger, where, expected, got }: Difference): string =>
  `ledger ${ledger}, ${where}\n  expected ${expected}\n  got      ${got}`;

type Json = unknown;

/** The first place where two values of SEP-51 JSON part, as a path, with what stands there. */
export function firstParting(
  expected: Json,
  got: Json,
  path = '',
): { path: string; expected: Json; got: Json } {
  const isObject = (value: Json): value is Record<string, Json> =>
    typeof value === 'object' && value !== null;
  if (isObject(expected) && isObject(got)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(got)])) {
      if (JSON.stringify(expected[key]) !== JSON.stringify(got[key])) {
        return firstParting(expected[key], got[key], path === '' ? key : `${path}.${key}`);
      }
    }
  }
  return { path, expected, got };
}

const show = (value: Json): string => (value === undefined ? 'nothing' : JSON.stringify(value));

/** Where two results part: the operation, if it is in one, and the values there. */
export function resultDifference(expectedXdr: string, gotXdr: string): Omit<Difference, 'ledger'> {
  const read = (text: string): Json => xdr.TransactionResult.fromXdr(text, 'base64').toJson();
  const { path, expected, got } = firstParting(read(expectedXdr), read(gotXdr));
  const operation = /\.tx_(?:success|failed)\.(\d+)\.?(.*)$/.exec(path);
  const where = operation ? `operation ${Number(operation[1]) + 1}, ${operation[2] || 'result'}` : path;
  return { where, expected: show(expected), got: show(got) };
}

/** Entries that only one side has; those with the same key are told field by field. */
export function entryDifferences(
  ledger: number,
  expected: ReadonlyMap<string, string>,
  got: ReadonlyMap<string, string>,
): Difference[] {
  const read = (text: string | undefined): Json =>
    text === undefined ? undefined : xdr.LedgerEntry.fromXdr(text, 'base64').toJson();
  const keys = new Set([...expected.keys(), ...got.keys()]);
  return [...keys].flatMap((key) => {
    if (expected.get(key) === got.get(key)) return [];
    const parting = firstParting(read(expected.get(key)), read(got.get(key)));
    const where = `${key}${parting.path === '' ? '' : `, ${parting.path}`}`;
    return [{ ledger, where, expected: show(parting.expected), got: show(parting.got) }];
  });
}
