/**
 * * `new`: kept until it expires.
 * * `used`: it is kept already.
 * * `full`: no room, and no live one is forgotten for it.
 * * `forgotten`: nonces that lived as long were let go; the clock went back since.
 */
export type NonceVerdict = 'new' | 'used' | 'full' | 'forgotten';

export interface Nonces {
  /** `expires` in seconds since 1970, `now` in milliseconds since 1970. */
  take(nonce: string, expires: number, now: number): NonceVerdict;
}

/**
 * Nonces of requests that were taken and have not expired, at most `capacity`. Kept by the second in which they
 * expire: there are as many seconds as a signature may be valid, so that letting go costs next to nothing.
 */
export function createNonces(capacity: number): Nonces {
  const bySecond = new Map<number, Set<string>>();
  let size = 0;
  let forgottenTo = Number.NEGATIVE_INFINITY;
  return {
    take(nonce, expires, now) {
      for (const [second, nonces] of bySecond) {
        if (second * 1_000 > now) continue;
        bySecond.delete(second);
        size -= nonces.size;
        forgottenTo = Math.max(forgottenTo, second);
      }
      if (expires <= forgottenTo) return 'forgotten';
      for (const nonces of bySecond.values()) if (nonces.has(nonce)) return 'used';
      if (size >= capacity) return 'full';
      bySecond.set(expires, (bySecond.get(expires) ?? new Set()).add(nonce));
      size += 1;
      return 'new';
    },
  };
}
