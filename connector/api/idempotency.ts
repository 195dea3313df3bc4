import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Request } from 'express';
import { CodedError } from '../../common/errors.ts';
import { connectorError, type ErrorCode, errorRow } from '../errors.ts';
import type { Route } from '../gateway/route.ts';
import type { State } from '../state.ts';
import { type ApiRoute, keyOf } from './route.ts';

/** Tables of the API. */
export const apiSchema = `
CREATE TABLE IF NOT EXISTS api_answers (
  client TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL, answer TEXT, at INTEGER NOT NULL,
  PRIMARY KEY (client, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS api_answers_at ON api_answers (at);
CREATE INDEX IF NOT EXISTS api_answers_of ON api_answers (client, at)`;

/** Bounds of what is kept; the oldest go first. */
export const KEPT = {
  /** Milliseconds. */
  ageMs: 86_400_000,
  /** Answers of one client. */
  perClient: 50_000,
  /** How many new keys come between two looks at the bounds. */
  pruneEvery: 256,
};

export interface Idempotency {
  /**
   * Runs `work` once for a client's key. The answer (or refusal) of the first is given again, also after a restart.
   * @throws `key-busy` while the first is under way; `key-reused` when `digest` is another than the first one's
   */
  once(client: string, key: string, digest: string, work: () => Promise<unknown>): Promise<unknown>;
}

type Kept = { answer: unknown } | { error: { code: ErrorCode; message: string; field: string | undefined } };

/**
 * Durable idempotency keys (after draft-ietf-httpapi-idempotency-key-header). What may be otherwise the next time is not
 * kept: after it, and after a crash in mid-work, `work` runs again, and orders are guarded by their `clientOrderId`.
 */
export function createIdempotency({ db, transact }: State, now: () => number, kept = KEPT): Idempotency {
  const select = db.prepare('SELECT digest, answer FROM api_answers WHERE client = ? AND key = ?');
  const insert = db.prepare('INSERT OR IGNORE INTO api_answers VALUES (?, ?, ?, NULL, ?)');
  const update = db.prepare('UPDATE api_answers SET answer = ? WHERE client = ? AND key = ?');
  const remove = db.prepare('DELETE FROM api_answers WHERE client = ? AND key = ?');
  const dropOld = db.prepare('DELETE FROM api_answers WHERE at < ?');
  const dropMany = db.prepare(
    `DELETE FROM api_answers WHERE client = ?1 AND answer IS NOT NULL AND at <=
      (SELECT at FROM api_answers WHERE client = ?1 ORDER BY at DESC LIMIT 1 OFFSET ?2)`,
  );
  /** Digest of what is under way, by client and key. */
  const busy = new Map<string, string>();
  let fresh = 0;

  const requireSame = (digest: string, first: string): void => {
    if (digest === first) return;
    throw connectorError('key-reused', 'this key was used for another request; take a new one', {
      field: 'Idempotency-Key',
    });
  };

  const prune = (client: string): void => {
    if (fresh++ % kept.pruneEvery !== 0) return;
    dropOld.run(now() - kept.ageMs);
    dropMany.run(client, kept.perClient);
  };

  return {
    async once(client, key, digest, work) {
      const name = `${client}\n${key}`;
      const running = busy.get(name);
      if (running !== undefined) {
        requireSame(digest, running);
        throw connectorError('key-busy', 'the first request with this key is under way; ask again', {
          field: 'Idempotency-Key',
        });
      }
      const row = select.get(client, key) as { digest: string; answer: string | null } | undefined;
      if (row !== undefined) {
        requireSame(digest, row.digest);
        if (row.answer !== null) return replay(JSON.parse(row.answer));
      }
      transact(() => {
        insert.run(client, key, digest, now());
        prune(client);
      });
      const keep = (first: Kept): void => transact(() => void update.run(JSON.stringify(first), client, key));
      busy.set(name, digest);
      try {
        const answer = await work();
        keep({ answer });
        return answer;
      } catch (error) {
        if (isVerdict(error))
          keep({ error: { code: error.code, message: error.message, field: error.field } });
        else transact(() => void remove.run(client, key));
        throw error;
      } finally {
        busy.delete(name);
      }
    },
  };
}

function replay(kept: Kept): unknown {
  if ('answer' in kept) return kept.answer;
  const { code, message, field } = kept.error;
  throw connectorError(code, message, field === undefined ? {} : { field });
}

/** Errors that say nothing of the request itself: the same one may be taken a moment later. */
const PASSING: readonly string[] = ['rate-limited', 'client-gone', 'client-refused', 'conflict'];

const isVerdict = (error: unknown): error is CodedError<ErrorCode> =>
  error instanceof CodedError && errorRow(error).status < 500 && !PASSING.includes(error.code);

/** A write with its key; without one as it is. */
export function withKeys(route: ApiRoute, keys: Idempotency): Route {
  if (!route.write) return route;
  return {
    ...route,
    async answer(request, context, signal, caller) {
      const key = keyOf(request);
      if (key === undefined) return route.answer(request, context, signal, caller);
      caller.note({ idempotencyKey: key });
      return keys.once(caller.client, key, digestOf(request), () =>
        route.answer(request, context, signal, caller),
      );
    },
  };
}

/**
 * SHA-256 of method, path, query and body in RFC 8785 JSON: spaces and the order of fields do not matter.
 * @throws `invalid-params` for what has no such form: half a surrogate pair, a number beyond a double (1e999)
 */
function digestOf({ method, path, query, body }: Request): string {
  let text: string | undefined;
  try {
    text = canonicalize([method, path, { ...query }, body ?? {}]);
  } catch {
    throw connectorError('invalid-params', 'the request holds a number or text that JSON cannot keep');
  }
  return createHash('sha256')
    .update(text ?? '')
    .digest('hex');
}
