import type { IncomingMessage } from 'node:http';

/** What Horizon and Stellar RPC have in common as servers written in Go. */

/** JSON in which `&`, `<` and `>` are escaped, as Go writes it; on one line without `indent`. */
export const encode = (body: unknown, indent?: number): string =>
  JSON.stringify(body, null, indent).replace(
    /[&<>\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** The body of a request; undefined where it is larger than `most` bytes, which are read all the same. */
export async function readBody(request: IncomingMessage, most: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size <= most) chunks.push(chunk as Buffer);
  }
  return size <= most ? Buffer.concat(chunks) : undefined;
}
