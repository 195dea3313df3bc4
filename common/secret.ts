import { inspect } from 'node:util';

const REDACTED = '[secret]';
const values = new WeakMap<Secret, Buffer>();

/**
 * A value that cannot be printed by accident: string conversion, JSON, util.inspect, loggers and spreads all
 * show `[secret]`. Only `reveal()` gives the bytes, so that a search for `.reveal(` finds every use.
 */
export class Secret {
  constructor(bytes: Buffer) {
    // Not of Buffer's pool: whoever held another Buffer of it could see these bytes through `.buffer`.
    const own = Buffer.allocUnsafeSlow(bytes.length);
    bytes.copy(own);
    values.set(this, own);
    Object.freeze(this);
  }

  /** The bytes themselves; the caller must not keep or log them. Throws after `erase()`. */
  reveal(): Buffer {
    const bytes = values.get(this);
    if (bytes === undefined) throw new Error('this secret was erased');
    return bytes;
  }

  /** Overwrites the bytes in place: best effort, V8 may hold copies of what `reveal()` gave out. */
  erase(): void {
    values.get(this)?.fill(0);
    values.delete(this);
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}
