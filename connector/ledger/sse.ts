import { connectorError } from '../errors.ts';

/** One event of a stream (HTML standard, 9.2): its name (`message` if it says none), data, id and the wait it asks for. */
export interface SseEvent {
  name: string;
  data: string;
  id: string | undefined;
  /** Milliseconds to wait before dialling again. */
  retryMs: number | undefined;
}

/** One line, and all data of one event, in characters. A book of 200 levels a side has about 40,000. */
const MAX_CHARACTERS = 1_000_000;

/**
 * A parser that is fed with what comes from the wire and gives the events that are complete.
 * @throws `ledger-untrusted` for what is no UTF-8 or has no end
 */
export function createSseParser(most = MAX_CHARACTERS): (chunk: Uint8Array) => SseEvent[] {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = '';
  let afterReturn = false;
  let size = 0;
  let event: { name?: string; data: string[]; id?: string; retryMs?: number } = { data: [] };

  const field = (text: string): void => {
    const colon = text.indexOf(':');
    if (colon === 0) return;
    const name = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? '' : text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (name === 'data') event.data.push(value);
    else if (name === 'event') event.name = value;
    else if (name === 'id' && !value.includes('\0')) event.id = value;
    else if (name === 'retry' && /^\d{1,9}$/.test(value)) event.retryMs = Number(value);
  };
  const grow = (by: number): void => {
    size += by;
    if (size > most) throw connectorError('ledger-untrusted', 'a stream sends an event without end');
  };

  return (chunk) => {
    const events: SseEvent[] = [];
    let text: string;
    try {
      text = decoder.decode(chunk, { stream: true });
    } catch (cause) {
      throw connectorError('ledger-untrusted', 'a stream sends bytes that are no UTF-8', { cause });
    }
    if (text === '') return events;
    // The line feed of a pair that was torn apart.
    if (afterReturn && text.startsWith('\n')) text = text.slice(1);
    afterReturn = text.endsWith('\r');
    const pieces = text.split(/\r\n|\n|\r/);
    const last = pieces.pop() ?? '';
    for (const piece of pieces) {
      grow(piece.length);
      const whole = line + piece;
      line = '';
      if (whole !== '') {
        field(whole);
        continue;
      }
      const { name = 'message', data, id, retryMs } = event;
      if (data.length > 0) events.push({ name, data: data.join('\n'), id, retryMs });
      event = { data: [] };
      size = 0;
    }
    grow(last.length);
    line += last;
    return events;
  };
}
