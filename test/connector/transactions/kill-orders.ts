/** What the process that is killed is told. */
export interface ChildOptions {
  folder: string;
  socket: string;
  /** The clock of both processes: from here on (milliseconds since 1970) so many times as fast. */
  began: number;
  speed: number;
  channels: string[];
  /** Makes no new orders, brings the old ones to their end, and exits. */
  finish: boolean;
}

export const ordersSchema = `
  CREATE TABLE IF NOT EXISTS kill_orders (id INTEGER PRIMARY KEY, hash TEXT, told TEXT, state TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS kill_endings (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, by TEXT NOT NULL) STRICT`;
