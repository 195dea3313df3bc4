import { type KeystoreFault, type KeystoreFaultCode, keystoreFault } from '../keystore.ts';

/** Why nothing came, by the codes of Node and undici. */
const TRANSPORT: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection is refused',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  ENOTFOUND: 'its name does not resolve',
  EAI_AGAIN: 'its name does not resolve',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  ETIMEDOUT: 'it does not answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer in time',
};

/** OpenSSL's reasons not to trust a certificate, and those of TLS in general. */
const TLS = /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|EPROTO|CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_)/;

/**
 * What an exchange without a whole answer means. Only codes are shown, never a text of the other side; nor is the error kept
 * as a cause: a parser's error holds what came, which after a login is a token.
 */
export function faultOfTransport(error: unknown): KeystoreFault {
  const { code, name } = error as { code?: unknown; name?: unknown };
  const text = typeof code === 'string' ? code : '';
  const failed = (why: string): KeystoreFault => keystoreFault('keystore-failed', why);
  const unreachable = (why: string): KeystoreFault =>
    keystoreFault('vault-unreachable', `cannot reach Vault: ${why}`);
  if (text === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return failed('the answer of Vault is too large');
  if (text.startsWith('HPE_')) return failed('what answers at the address of Vault does not speak HTTP');
  if (name === 'TimeoutError') return unreachable('it does not answer in time');
  if (TLS.test(text)) return unreachable(`TLS failed (${text}): compare address, certificate and caFile`);
  return unreachable(TRANSPORT[text] ?? `the exchange failed (${text || name})`);
}

export interface Purpose {
  /** What was asked for, as it stands in a sentence: `a signature of trading`. */
  what: string;
  isLogin?: boolean;
}

/**
 * What a status other than 200 and 204 means. Vault's own texts are not passed on: they name mounts, policies, hosts.
 * 473 is a standby's; 429 is one only at sys/health, which is not asked, and a quota's everywhere else.
 */
export function faultOfAnswer(
  status: number,
  errors: readonly unknown[],
  { what, isLogin = false }: Purpose,
): KeystoreFault {
  const fault = (code: KeystoreFaultCode, message: string): KeystoreFault => keystoreFault(code, message);
  if (status === 429) return fault('vault-throttled', `Vault throttles: it refused ${what} (429)`);
  if (status === 503 && errors.some((text) => typeof text === 'string' && text.includes('sealed')))
    return fault('vault-sealed', 'Vault is sealed');
  if (status === 502 || status === 503 || status === 504)
    return fault('vault-unreachable', `Vault is not available (${status})`);
  if (status === 472 || status === 473)
    return fault('vault-unreachable', `the node at the address of Vault is a standby (${status})`);
  if (status >= 300 && status < 400)
    return fault(
      'vault-unreachable',
      `Vault redirects (${status}), which is never followed: give the address of the active node`,
    );
  if (isLogin && status < 500) return fault('login-refused', `Vault refused ${what} (${status})`);
  if (status === 403) return fault('vault-denied', `Vault denied ${what}: look at the policy`);
  if (status === 404) return fault('key-missing', `Vault does not know ${what}`);
  return fault('keystore-failed', `Vault failed at ${what} (${status})`);
}
