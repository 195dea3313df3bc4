/** Longest line taken; an object is at most 1.5 MiB in etcd, its JSON a little more. */
const MAX_LINE = 8 * 1024 * 1024;

/**
 * The lines of a byte stream, without their ends and without empty ones. What follows the last line end is dropped:
 * a stream that breaks in mid-line has not sent that line.
 */
export async function* readLines(bytes: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  let pending: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of bytes) {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, from)) {
      pending.push(chunk.subarray(from, end));
      const line = Buffer.concat(pending).toString('utf8');
      pending = [];
      length = 0;
      from = end + 1;
      if (line !== '') yield line;
    }
    if (from < chunk.length) {
      pending.push(chunk.subarray(from));
      length += chunk.length - from;
      if (length > MAX_LINE) throw new RangeError(`a line of more than ${MAX_LINE} bytes`);
    }
  }
}
