import { xdr } from '@stellar/stellar-sdk/base';
import { type Answer, json } from './recordings.ts';
import { namesIn, normal, type Schema, unlike } from './schema.ts';

export interface Comparison {
  /** In words: what was expected, what came. */
  differences: string[];
  /** What the recorded answer holds and this one does not, because the data are others. */
  unmet: string[];
  /** Kinds of objects and their fields, recorded and answered. */
  expected: Set<string>;
  met: Set<string>;
}

export const nothing = (): Comparison => ({
  differences: [],
  unmet: [],
  expected: new Set(),
  met: new Set(),
});

/** Headers that have to be equal; of `PRESENCE` the value is data. */
const EQUAL =
  /^(content-type|content-encoding|content-disposition|cache-control|vary|allow|access-control-.*|x-content-type-options)$/;
const PRESENCE = /^(latest-ledger|x-ratelimit-.*|retry-after)$/;

/** Names in a TransactionResult of the outcomes, in order; where the fee was too low, also that which is enough. */
export function resultNames(text: unknown): string {
  try {
    const read = xdr.TransactionResult.fromXdr(String(text), 'base64').toJson();
    const { result, fee_charged } = read as Fields;
    if (result === 'tx_insufficient_fee') return `${result} ${fee_charged}`;
    const names: string[] = [];
    const walk = (value: unknown): void => {
      if (typeof value === 'string' && /^[a-z_]+$/.test(value)) names.push(value);
      if (Array.isArray(value)) value.forEach(walk);
      else if (value !== null && typeof value === 'object') {
        for (const [key, item] of Object.entries(value)) {
          names.push(key);
          if (key !== 'success') walk(item);
        }
      }
    };
    walk(result);
    return names.join(' ');
  } catch {
    return 'unreadable';
  }
}

type Fields = Record<string, unknown>;
const fieldsOf = (value: unknown): Fields =>
  value !== null && typeof value === 'object' ? (value as Fields) : {};

/** What says how a request ended: equal in every network once ids and numbers are left out. */
const VERDICT = [
  'type',
  'title',
  'status',
  'detail',
  'code',
  'message',
  'tx_status',
  'core_up',
  'core_synced',
];

function* verdicts(recorded: Fields, got: Fields, where = ''): Generator<string> {
  for (const key of VERDICT) {
    const [expected, actual] = [recorded[key], got[key]].map((value) =>
      typeof value === 'string' ? normal(value) : value,
    );
    if (typeof expected === 'object' || expected === actual) continue;
    yield `${where}${key}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`;
  }
}

function compareProblem(recorded: Fields, got: Fields, result: Comparison): void {
  result.differences.push(...verdicts(recorded, got));
  const [expected, actual] = [fieldsOf(recorded.extras), fieldsOf(got.extras)];
  const keys = (fields: Fields): string => Object.keys(fields).sort().join(', ') || 'none';
  if (keys(expected) !== keys(actual)) {
    result.differences.push(`extras: expected ${keys(expected)}, got ${keys(actual)}`);
    return;
  }
  for (const [key, value] of Object.entries(expected)) {
    if (key === 'result_xdr') {
      const [names, actualNames] = [resultNames(value), resultNames(actual[key])];
      if (names !== actualNames) result.differences.push(`result: expected ${names}, got ${actualNames}`);
    } else if (normal(JSON.stringify(value)) !== normal(JSON.stringify(actual[key]))) {
      result.differences.push(
        `extras.${key}: expected ${JSON.stringify(value)}, got ${JSON.stringify(actual[key])}`,
      );
    }
  }
}

/** Whether a root page tells that history is older than what core has. */
export const isBehind = ({ core_latest_ledger: core, history_latest_ledger: history }: Fields): boolean =>
  Number(core) > Number(history);

/** Links of a page, where only cursors and ids may be others. */
function* comparePageLinks(recorded: Fields, got: Fields): Generator<string> {
  if (!('_embedded' in recorded)) return;
  for (const [name, link] of Object.entries(fieldsOf(recorded._links))) {
    const [expected, actual] = [link, fieldsOf(got._links)[name]].map((one) =>
      normal(String(fieldsOf(one).href)),
    );
    if (expected !== actual) yield `link ${name}: expected ${expected}, got ${actual}`;
  }
}

function compareHeaders(recorded: Answer, got: Answer): string[] {
  const names = new Set([...Object.keys(recorded.headers), ...Object.keys(got.headers)]);
  return [...names].flatMap((name) => {
    const [expected, actual] = [recorded.headers[name], got.headers[name]];
    if (!EQUAL.test(name) && !PRESENCE.test(name)) return [];
    const same = EQUAL.test(name) ? expected === actual : (expected === undefined) === (actual === undefined);
    const spelled = [recorded, got].map((one) => one.names.find((other) => other.toLowerCase() === name));
    if (same && spelled[0] !== spelled[1]) return [`header ${spelled[0]} is spelled ${spelled[1]}`];
    return same ? [] : [`header ${name}: expected ${expected ?? 'none'}, got ${actual ?? 'none'}`];
  });
}

/** The result that an answer to a submission holds: of success, or in the extras of a problem. */
function resultIn(body: string): unknown {
  const { extras, result, result_xdr, error_result_xdr } = fieldsOf(json(body));
  return result_xdr ?? error_result_xdr ?? fieldsOf(extras).result_xdr ?? fieldsOf(result).errorResultXdr;
}

/** The names in it. */
export function outcomeOf({ body }: Pick<Answer, 'body'>): string | undefined {
  const text = resultIn(body);
  return text === undefined ? undefined : resultNames(text);
}

/** Outcomes that hang on what an account has, which the world knows only as far as the recordings tell it. */
const hangsOnState = (outcome: string): boolean =>
  /^(tx_success|tx_failed|tx_fee_bump_inner_(success|failed)|tx_no_account|tx_insufficient_balance)/.test(
    outcome,
  );

/** Compares an answer with the recorded one; `schema` is learned from all recorded ones, `kind` names the request's. */
export function compare(schema: Schema, kind: string, recorded: Answer, got: Answer): Comparison {
  const result = nothing();
  const submits = kind.startsWith('POST') || kind.startsWith('sendTransaction');
  const outcomes = submits ? [recorded, got].map(outcomeOf) : [];
  if (outcomes[0] !== outcomes[1] && outcomes.every((one) => one !== undefined && hangsOnState(one))) {
    result.unmet.push(`outcome: expected ${outcomes[0]}, got ${outcomes[1]}`);
    return result;
  }
  if (recorded.status !== got.status) {
    const said = fieldsOf(json(got.body));
    const detail = said.detail === undefined ? '' : ` (${said.detail} ${JSON.stringify(said.extras ?? '')})`;
    result.differences.push(`status: expected ${recorded.status}, got ${got.status}${detail.slice(0, 300)}`);
    return result;
  }
  result.differences.push(...compareHeaders(recorded, got));
  const [expected, actual] = [json(recorded.body), json(got.body)];
  if (expected === undefined) {
    if (recorded.body !== got.body) {
      result.differences.push(
        `body: expected ${JSON.stringify(recorded.body)}, got ${JSON.stringify(got.body.slice(0, 100))}`,
      );
    }
    return result;
  }
  if (actual === undefined) {
    result.differences.push('body: no JSON');
    return result;
  }
  if (recorded.headers['content-type']?.includes('problem')) {
    compareProblem(fieldsOf(expected), fieldsOf(actual), result);
    return result;
  }
  compareValues(schema, outcomes, kind, expected, actual, result);
  return result;
}

/** Compares two JSON values of success; adds to `result`. */
function compareValues(
  schema: Schema,
  outcomes: (string | undefined)[],
  kind: string,
  expected: unknown,
  actual: unknown,
  result: Comparison,
): void {
  const [recorded, got] = [fieldsOf(expected), fieldsOf(actual)];
  for (const part of ['error', 'result']) {
    result.differences.push(...verdicts(fieldsOf(recorded[part]), fieldsOf(got[part]), `${part}.`));
  }
  if ('tx_status' in recorded || 'core_up' in recorded) result.differences.push(...verdicts(recorded, got));
  if (outcomes[0] !== outcomes[1]) {
    result.differences.push(`outcome: expected ${outcomes[0] ?? 'none'}, got ${outcomes[1] ?? 'none'}`);
  }
  if (isBehind(recorded) && !isBehind(got)) result.differences.push('core is not ahead of history');
  result.differences.push(...comparePageLinks(recorded, got));
  result.differences.push(...unlike(schema, actual, kind));
  result.expected = namesIn(expected, kind);
  result.met = namesIn(actual, kind);
}
