/** For how long (milliseconds) a source that lied must agree before it counts again, and a dispute is remembered. */
export const QUARANTINE_MS = 5 * 60_000;
/** So many answers in a minute that cannot be true or cannot be read are taken for a lie; one may be a proxy's page. */
const STRIKES = 3;
const STRIKE_WINDOW_MS = 60_000;

/** What is held against a source. Pure state; all times are milliseconds of a monotonic clock. */
export interface Standing {
  readonly quarantine: { reason: string; agreesSince: number | undefined } | undefined;
  /** It and another contradicted each other, and nobody can say who lied: it is not believed alone until then. */
  readonly dispute: { reason: string; until: number } | undefined;
  readonly strikes: readonly number[];
}

export const spotless: Standing = { quarantine: undefined, dispute: undefined, strikes: [] };

/** It lied (again): whatever it agreed to before counts no more. */
export const lied = (standing: Standing, reason: string): Standing => ({
  ...standing,
  quarantine: { reason, agreesSince: undefined },
});

export const disputed = (standing: Standing, reason: string, now: number): Standing => ({
  ...standing,
  dispute: { reason, until: now + QUARANTINE_MS },
});

/** An answer that was not believed by itself. The third in a minute is a lie; in quarantine each one is. */
export function struck(standing: Standing, reason: string, now: number): Standing {
  const strikes = [...standing.strikes.filter((at) => now - at < STRIKE_WINDOW_MS), now].slice(-STRIKES);
  return standing.quarantine !== undefined || strikes.length === STRIKES
    ? lied({ ...standing, strikes: [] }, reason)
    : { ...standing, strikes };
}

/** It said what the others say, or what we know. In quarantine the time begins that it must last. */
export function agreed(standing: Standing, now: number): Standing {
  const { quarantine } = standing;
  if (quarantine === undefined) return standing;
  const agreesSince = quarantine.agreesSince ?? now;
  return {
    ...standing,
    quarantine: now - agreesSince >= QUARANTINE_MS ? undefined : { ...quarantine, agreesSince },
  };
}

export const isDisputed = ({ dispute }: Standing, now: number): boolean =>
  dispute !== undefined && now < dispute.until;
