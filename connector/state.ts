import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf } from '../common/errors.ts';
import { connectorError } from './errors.ts';

/** The one durable store. Rooms keep tables of their own in it (`schema` of each), named after the room. */
export interface State {
  db: DatabaseSync;
  /** Runs `work` in one transaction; durable when it returns. @throws `state-unavailable`; what `work` throws undoes it */
  transact<T>(work: () => T): T;
  close(): void;
}

/** Version of the tables. A file of a newer version is refused. */
const VERSION = 1;

/**
 * Opens `connector.db` in the folder, for this process alone, and makes the tables that are missing. SQLite with a
 * write-ahead log that is synced at every commit: what was committed survives SIGKILL and loss of power.
 * @throws `state-unavailable`: the folder cannot be written, the file is damaged, newer, or another process has it
 */
export function openState(folder: string, schemas: readonly string[]): State {
  let db: DatabaseSync;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    db = new DatabaseSync(join(folder, 'connector.db'), { timeout: 2_000 });
    db.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;');
    const [check] = db.prepare('PRAGMA quick_check(1)').all() as { quick_check: string }[];
    if (check?.quick_check !== 'ok') throw new Error(`it is damaged: ${check?.quick_check}`);
    const { user_version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
    if (user_version > VERSION) throw new Error(`it was written by a newer version (${user_version})`);
    db.exec(`BEGIN IMMEDIATE; ${schemas.join(';')}; PRAGMA user_version=${VERSION}; COMMIT`);
  } catch (cause) {
    const why = `the state folder ${folder} cannot be used: ${messageOf(cause)}`;
    throw connectorError('state-unavailable', why, { cause });
  }
  let depth = 0;
  return {
    db,
    transact(work) {
      if (depth > 0) return work();
      run(db, 'BEGIN IMMEDIATE');
      depth = 1;
      try {
        const result = work();
        run(db, 'COMMIT');
        return result;
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK');
        throw error;
      } finally {
        depth = 0;
      }
    },
    close: () => db.close(),
  };
}

function run(db: DatabaseSync, statement: string): void {
  try {
    db.exec(statement);
  } catch (cause) {
    throw connectorError('state-unavailable', `the state cannot be written: ${messageOf(cause)}`, { cause });
  }
}
