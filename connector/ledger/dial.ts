import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { TLSSocket } from 'node:tls';
import { buildConnector } from 'undici';
import type { CodedError } from '../../common/errors.ts';
import { messageOf } from '../../common/errors.ts';
import { connectorError, type ErrorCode } from '../errors.ts';
import { pinsMatch } from './pins.ts';

export interface DialOptions {
  /** `sha256/<base64>`; any certificate of the chain may match any of them. None: no pins are demanded. */
  spkiPins?: readonly string[] | undefined;
  /** Of PEM, in place of the well-known authorities; read at each dial, so that a renewed or late file counts. */
  caFile?: string | undefined;
}

export interface DialEvents {
  pinMismatch(host: string): void;
  unknownHost(host: string): void;
}

const CONNECT_TIMEOUT_MS = 5_000;
const failures = new WeakSet<CodedError>();

/** True for an error of a dial: no connection stood, so that the server cannot have seen the request. */
export const isDialFailure = (error: unknown): boolean => failures.has(error as CodedError);

/**
 * Connects to the addresses given for a host and nowhere else: its name is never resolved, but stays in SNI and in the
 * check of the certificate. TLS 1.3 only; sessions are never resumed, since a resumed one skips the identity check.
 */
export function createDial(
  { spkiPins, caFile }: DialOptions,
  addressesOf: (host: string) => readonly string[],
  events: DialEvents,
): buildConnector.connector {
  return (target, callback) => {
    const host = target.hostname.replace(/^\[|\]$/g, '');
    const fail = (code: ErrorCode, text: string, cause?: unknown): void => {
      const error = connectorError(code, text, { cause });
      failures.add(error);
      callback(error, null);
    };
    const known = addressesOf(host);
    if (known.length === 0 || (isIP(host) !== 0 && !known.includes(host))) {
      events.unknownHost(host);
      return fail('address-unknown', `no address is given for the host ${host}`);
    }
    let ca: string | undefined;
    try {
      ca = caFile === undefined ? undefined : readFileSync(caFile, 'utf8');
    } catch (cause) {
      return fail(
        'ledger-unreachable',
        `cannot read the authorities for ${host}: ${messageOf(cause)}`,
        cause,
      );
    }
    tlsConnector(known, ca)(target, (cause, socket) => {
      if (cause !== null) {
        return fail('ledger-unreachable', `cannot connect to ${host}: ${messageOf(cause)}`, cause);
      }
      const leaf = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
      if (leaf === undefined || !pinsMatch(leaf, spkiPins)) {
        socket.destroy();
        events.pinMismatch(host);
        return fail('pin-mismatch', `no certificate of ${host} matches a pin`);
      }
      callback(null, socket);
    });
  };
}

function tlsConnector(known: readonly string[], ca: string | undefined): buildConnector.connector {
  const records = known.map((address) => ({ address, family: isIP(address) }));
  return buildConnector({
    allowH2: false,
    maxCachedSessions: 0,
    timeout: CONNECT_TIMEOUT_MS,
    minVersion: 'TLSv1.3',
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
    lookup: (_host, { all }, callback) => {
      if (all === true) return callback(null, records);
      const [first] = records;
      callback(null, first!.address, first!.family);
    },
  });
}
