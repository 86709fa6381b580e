/** The sentence of `imp status` about the sync, read as a person reads it. */
export type Meaning =
  | { readonly kind: 'following'; readonly users: number; readonly place: number }
  | { readonly kind: 'complete'; readonly users: number }
  | { readonly kind: 'reading'; readonly stage: string; readonly done: number; readonly total: number | null }
  /** CUCM asks for patience. */
  | { readonly kind: 'patient'; readonly retryAt: number }
  | {
      readonly kind: 'failed';
      readonly reason: string;
      readonly users: number | null;
      readonly retryAt: number | 'now' | null;
    };

const number = (text: string): number => Number(text.replaceAll(',', ''));
const TIME = String.raw`(\d{4}-\d\d-\d\dT[\d:.]+Z)`;

/** @throws Error when no person could tell what it means */
export function meaningOf(sentence: string): Meaning {
  const following = /^synced ([\d,]+) users, follows changes, next is (\d+)\.$/.exec(sentence);
  if (following) return { kind: 'following', users: number(following[1] ?? ''), place: Number(following[2]) };
  const complete = /^synced ([\d,]+) users, about to follow changes\.$/.exec(sentence);
  if (complete) return { kind: 'complete', users: number(complete[1] ?? '') };
  const patient = new RegExp(`; CUCM asks for patience, next try ${TIME}\\.$`).exec(sentence);
  if (patient) return { kind: 'patient', retryAt: Date.parse(patient[1] ?? '') };
  const reading = /^reading ([A-Za-z ]+): ([\d,]+)(?: of ([\d,]+))?\.$/.exec(sentence);
  if (reading) {
    const [, stage = '', done = '', total] = reading;
    return { kind: 'reading', stage, done: number(done), total: total === undefined ? null : number(total) };
  }
  const failed = new RegExp(
    `^(.+); (?:nothing is synced yet|serving the (\\d+) users known); (?:next try ${TIME}|(being tried again)|not tried again by itself)\\.$`,
  ).exec(sentence);
  if (failed) {
    const [, reason = '', users, retryAt, isAsking] = failed;
    return {
      kind: 'failed',
      reason,
      users: users === undefined ? null : Number(users),
      retryAt: isAsking !== undefined ? 'now' : retryAt === undefined ? null : Date.parse(retryAt),
    };
  }
  throw new Error(`nobody can tell what this means: ${sentence}`);
}
