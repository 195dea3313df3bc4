import { isIP } from 'node:net';
import { TLSSocket } from 'node:tls';
import { buildConnector } from 'undici';
import { type CodedError, isCoded, messageOf } from '../../common/errors.ts';
import { connectorError, type ErrorCode } from '../errors.ts';
import { pinsMatch } from './pins.ts';

/** What a dial goes by; asked anew each time. */
export interface DialFacts {
  /** The addresses of a host, none if it is not ours. */
  addresses(host: string): readonly string[];
  /** `sha256/<base64>`; any certificate of the chain may match any of them. Undefined: no pins are demanded. */
  pins(): readonly string[] | undefined;
  /** PEM, in place of the well-known authorities. */
  authorities(): string | undefined;
}

export interface DialEvents {
  pinMismatch(host: string): void;
  unknownHost(host: string): void;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** For one address of several; the rest of the time is the others'. */
const ATTEMPT_TIMEOUT_MS = 1_500;
const failures = new WeakSet<CodedError>();

/** Marks an error as raised before anything was sent. */
export function beforeSending<Error extends CodedError>(error: Error): Error {
  failures.add(error);
  return error;
}

/** True for an error of a dial or before it: no connection stood, so that the server cannot have seen the request. */
export const isDialFailure = (error: unknown): boolean => failures.has(error as CodedError);

/**
 * Connects to the addresses given for a host and nowhere else: its name is never resolved, but stays in SNI and in the
 * check of the certificate. TLS 1.3 only; sessions are never resumed, since a resumed one skips the identity check.
 * After a failure the next dial begins with another address: one that takes connections and then fails must not hide
 * the others.
 */
export function createDial(facts: DialFacts, events: DialEvents): buildConnector.connector {
  let turns = 0;
  return (target, callback) => {
    const host = target.hostname.replace(/^\[|\]$/g, '');
    const fail = (error: CodedError): void => {
      turns += 1;
      callback(beforeSending(error), null);
    };
    const failWith = (code: ErrorCode, text: string, cause?: unknown): void =>
      fail(connectorError(code, text, { cause }));
    const known = facts.addresses(host);
    if (known.length === 0 || (isIP(host) !== 0 && !known.includes(host))) {
      events.unknownHost(host);
      return failWith('address-unknown', `no address is given for the host ${host}`);
    }
    let authorities: string | undefined;
    try {
      authorities = facts.authorities();
    } catch (error) {
      return isCoded(error) ? fail(error) : failWith('ledger-unreachable', messageOf(error), error);
    }
    const first = turns % known.length;
    tlsConnector([...known.slice(first), ...known.slice(0, first)], authorities)(target, (cause, socket) => {
      if (cause !== null) {
        return failWith('ledger-unreachable', `cannot connect to ${host}: ${messageOf(cause)}`, cause);
      }
      const leaf = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
      if (leaf === undefined || !pinsMatch(leaf, facts.pins())) {
        socket.destroy();
        events.pinMismatch(host);
        return failWith('pin-mismatch', `no certificate of ${host} matches a pin`);
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
    autoSelectFamilyAttemptTimeout: ATTEMPT_TIMEOUT_MS,
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
