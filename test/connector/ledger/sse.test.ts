import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createSseParser, type SseEvent } from '../../../connector/ledger/sse.ts';
import { recordedStream } from './recordings.ts';

const parse = (text: string, cut: readonly number[] = [], most?: number): SseEvent[] => {
  const parser = createSseParser(most);
  const bytes = Buffer.from(text);
  const ends = [...cut.map((each) => each % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends.flatMap((end, index) => parser(bytes.subarray(ends[index - 1] ?? 0, end)));
};

describe('connector/ledger/sse', () => {
  it('reads a recorded stream: greeting, news with their tokens, farewell', () => {
    const { chunks } = recordedStream('sse-19-long-to-the-server-close.jsonl');
    const parser = createSseParser();
    const events = chunks.flatMap(({ text }) => parser(Buffer.from(text)));
    assert.deepEqual(events[0], { name: 'open', data: '"hello"', id: undefined, retryMs: 1_000 });
    assert.deepEqual(events.at(-1), { name: 'close', data: '"byebye"', id: undefined, retryMs: 10 });
    const news = events.slice(1, -1);
    assert.equal(news.length, 10);
    for (const { name, data, id } of news) {
      assert.deepEqual([name, JSON.parse(data).paging_token], ['message', id]);
    }
  });

  it('follows the standard: comments, ends of lines, fields without colon or space, several lines of data', () => {
    const text = ': hi\r\ndata:a\rdata:  b\ndata\nid: 7\nretry: 5x\nfoo: bar\n\nevent: x\n\ndata: c\n\n';
    assert.deepEqual(parse(text), [
      { name: 'message', data: 'a\n b\n', id: '7', retryMs: undefined },
      { name: 'message', data: 'c', id: undefined, retryMs: undefined },
    ]);
    assert.deepEqual(parse('id: a\0b\ndata: 1\n\n')[0]?.id, undefined);
  });

  it('gives the same events however the bytes are torn', () => {
    const text = '\ufeffretry: 1\r\nevent: é\r\ndata: "ü🚀"\r\n\r\nid: 1\rdata: x\r\rdata: y\n\n';
    const whole = parse(text);
    assert.equal(whole.length, 3);
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 40 }), (cut) => assert.deepEqual(parse(text, cut), whole)),
    );
  });

  it('@security takes no line and no event without end, and no bytes that are no UTF-8', () => {
    assert.throws(() => parse(`data: ${'x'.repeat(100)}`, [], 99), { code: 'ledger-untrusted' });
    assert.throws(() => parse('data: x\n'.repeat(20), [], 99), { code: 'ledger-untrusted' });
    assert.throws(() => parse(': comment\n'.repeat(20), [], 99), { code: 'ledger-untrusted' });
    assert.equal(parse('data: x\n\n'.repeat(20), [], 99).length, 20);
    assert.throws(() => createSseParser()(Buffer.from([0x64, 0xff])), { code: 'ledger-untrusted' });
  });
});
