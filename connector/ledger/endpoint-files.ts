import { readFileSync, statSync } from 'node:fs';
import { messageOf } from '../../common/errors.ts';
import { Secret } from '../../common/secret.ts';
import { connectorError } from '../errors.ts';

const MAX_BYTES = 1024 * 1024;
/** What HTTP lets stand in a header's value, without spaces at its ends (RFC 9110, 5.5). */
const HEADER_VALUE = /^[\x21-\x7e]([\x20-\x7e]{0,4094}[\x21-\x7e])?$/;

/** The files of one endpoint. They are looked at whenever they are used, so that a late or renewed one counts at once. */
export interface EndpointFiles {
  /**
   * PEM of the authorities; undefined: the well-known ones.
   * @throws `ledger-unreachable` naming the file
   */
  authorities(): string | undefined;
  /** @throws `ledger-unreachable` naming the file */
  credential(): { header: string; value: Secret } | undefined;
  /** Why one of them cannot be used; undefined when all can. */
  fault(): string | undefined;
}

export interface EndpointFilesOptions {
  caFile?: string | undefined;
  auth?: { header: string; file: string } | undefined;
}

export function endpointFiles({ caFile, auth }: EndpointFilesOptions): EndpointFiles {
  const ca =
    caFile === undefined ? undefined : createFile(caFile, 'the authorities', (bytes) => bytes.toString());
  const key = auth === undefined ? undefined : createFile(auth.file, 'the API key', toSecret);
  const files: EndpointFiles = {
    authorities: () => ca?.(),
    credential: () => (key === undefined ? undefined : { header: auth!.header.toLowerCase(), value: key() }),
    fault() {
      try {
        files.authorities();
        files.credential();
        return undefined;
      } catch (error) {
        return messageOf(error);
      }
    },
  };
  return files;
}

/**
 * A file that is read again when another stands under its name: a Secret volume swaps a symbolic link, an editor writes in
 * place; both change what `stat` says of the file in the end.
 */
function createFile<T>(path: string, what: string, parse: (bytes: Buffer, path: string) => T): () => T {
  let known: { mark: string; value: T } | undefined;
  return () => {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
      const mark = [dev, ino, size, mtimeNs, ctimeNs].join();
      if (known?.mark === mark) return known.value;
      if (size > MAX_BYTES) throw new Error('it is larger than a mebibyte');
      known = { mark, value: parse(readFileSync(path), path) };
      return known.value;
    } catch (cause) {
      known = undefined;
      throw connectorError('ledger-unreachable', `cannot read ${what} from ${path}: ${messageOf(cause)}`, {
        cause,
      });
    }
  };
}

/** The line of the file, never repeated in an error. */
function toSecret(bytes: Buffer): Secret {
  const text = bytes.toString('latin1').replace(/[\r\n]+$/, '');
  bytes.fill(0);
  if (!HEADER_VALUE.test(text))
    throw new Error('it must hold one line of printable ASCII, at most 4096 characters');
  const line = Buffer.from(text, 'latin1');
  const secret = new Secret(line);
  line.fill(0);
  return secret;
}
