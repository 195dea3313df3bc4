/** A condition as in `metav1.Condition`. */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  /** PascalCase, for machines. */
  reason: string;
  /** A sentence, for people. */
  message: string;
  /** RFC 3339, whole seconds. */
  lastTransitionTime: string;
  observedGeneration?: number;
}

/** What a condition says now, before it is known whether that is new. */
export type Finding = Omit<Condition, 'lastTransitionTime' | 'observedGeneration'>;

/**
 * The conditions for these findings, in their order; types without a finding go (kstatus: `Reconciling` and `Stalled`
 * are absent when they do not hold). `lastTransitionTime` moves only when a condition's status does.
 */
export function conditionsOf(
  findings: readonly Finding[],
  before: readonly Condition[],
  generation: number,
  now: Date,
): Condition[] {
  return findings.map((finding) => {
    const former = before.find(({ type }) => type === finding.type);
    return {
      ...finding,
      observedGeneration: generation,
      lastTransitionTime:
        former !== undefined && former.status === finding.status
          ? former.lastTransitionTime
          : `${now.toISOString().slice(0, 19)}Z`,
    };
  });
}
