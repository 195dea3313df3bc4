import { X509Certificate } from 'node:crypto';

/**
 * DNS and URI names (SAN) of a certificate, in its order. Read from Node's text form, in which a value that holds a comma
 * or a quote is itself quoted; none when any part of the text is not understood.
 */
export function namesOf(certificate: X509Certificate): string[] {
  const names: string[] = [];
  let rest = certificate.subjectAltName ?? '';
  while (rest !== '') {
    const part = /^([A-Za-z ]+):(?:"((?:[^"\\]|\\.)*)"|([^",]*))(?:, |$)/.exec(rest);
    if (part === null) return [];
    const [all, kind, quoted, plain] = part;
    // A quoted name is none that a list could mean.
    if ((kind === 'DNS' || kind === 'URI') && quoted === undefined && plain !== '') names.push(plain!);
    rest = rest.slice(all.length);
  }
  return names;
}

/** `sha256/` and 64 lower-case hex digits, over the whole certificate. */
export const fingerprintOf = (certificate: X509Certificate): string =>
  `sha256/${certificate.fingerprint256.replaceAll(':', '').toLowerCase()}`;

/**
 * Who a certificate is: the first entry of `allowed` that is one of its names or its fingerprint. With an empty list
 * every certificate may come, by its first name or else its fingerprint. Undefined: it may not come.
 */
export function identify(certificate: X509Certificate, allowed: readonly string[]): string | undefined {
  const own = [...namesOf(certificate), fingerprintOf(certificate)];
  return allowed.length === 0 ? own[0] : allowed.find((entry) => own.includes(entry));
}

/** The certificates of a PEM bundle. */
export const readBundle = (pem: Buffer): X509Certificate[] =>
  (pem.toString('latin1').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (one) => new X509Certificate(one),
  );

/** Whether one of the authorities signed it itself. One that stands behind an intermediate has to connect anew. */
export const isIssuedBy = (certificate: X509Certificate, authorities: readonly X509Certificate[]): boolean =>
  authorities.some(
    (authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey),
  );
