/** The result of one check. `critical` and `warning` mean the same as for alarms. */
export interface Finding {
  readonly state: 'ok' | 'warning' | 'critical';
  readonly what: string;
  readonly measured: string;
  /** What the operator does first; absent if the state is `ok`. */
  readonly remedy?: string;
  /** Anchor of the section in docs/operations.md; absent if the state is `ok`. */
  readonly runbook?: string;
}

/** A finding, with remedy and section only if something is wrong. */
export function finding(
  state: Finding['state'],
  what: string,
  measured: string,
  help: Required<Pick<Finding, 'remedy' | 'runbook'>>,
): Finding {
  return state === 'ok' ? { state, what, measured } : { state, what, measured, ...help };
}

/** A finding with all members. */
export function findingForJson({ remedy, runbook, ...rest }: Finding): object {
  return { ...rest, remedy: remedy ?? null, runbook: runbook ?? null };
}

/** The worst state of all findings. */
export function worstOf(findings: readonly Finding[]): Finding['state'] {
  const states = findings.map(({ state }) => state);
  return states.includes('critical') ? 'critical' : states.includes('warning') ? 'warning' : 'ok';
}
