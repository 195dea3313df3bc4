import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createToken, type Token } from './token.ts';

let token: Token | undefined;

/** One token for all tests of this process, made when first asked for and gone with the process. */
export function sharedToken(): Token {
  if (token === undefined) {
    const dir = mkdtempSync(join(tmpdir(), 'token-'));
    process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
    token = createToken(dir);
  }
  return token;
}
