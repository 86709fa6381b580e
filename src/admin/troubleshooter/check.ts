import type { AdminContext } from '../context.ts';

/** What a check found. A check that passed has nothing but `found` to say. */
export interface Finding {
  readonly result: 'passed' | 'warning' | 'failed';
  /** What was seen, in one sentence. */
  readonly found: string;
  readonly cause: string;
  /** What a person is to do. */
  readonly fix: string;
}

/** One test of the System Troubleshooter. */
export interface Check {
  readonly group: 'System' | 'Services' | 'Sync Agent' | 'Users' | 'Change feed' | 'Topology' | 'Certificates';
  readonly name: string;
  run(context: AdminContext): Promise<Finding>;
}

export function passed(found: string): Finding {
  return { result: 'passed', found, cause: '', fix: '' };
}

export function warning(found: string, cause: string, fix: string): Finding {
  return { result: 'warning', found, cause, fix };
}

export function failed(found: string, cause: string, fix: string): Finding {
  return { result: 'failed', found, cause, fix };
}

/** `a, b, c and 4 more`. */
export function some(names: readonly string[], most = 3): string {
  const more = names.length - most;
  return names.slice(0, most).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
