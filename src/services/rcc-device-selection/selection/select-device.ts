import type { LineUri } from './line-uri.ts';

/** A line on a phone that the user controls and CTI may drive. */
export interface Appearance {
  readonly device: string;
  readonly description: string;
  readonly product: string;
  readonly kind: 'soft' | 'hard';
  /** The directory number as it is dialled. */
  readonly line: string;
  /** '' for the null partition. */
  readonly partition: string;
  readonly isRegistered: boolean;
  /** The user owns the phone, and the line stands at its first button. */
  readonly isOwnersPrimary: boolean;
}

/** A choice of the user; `line` and `partition` '' leave them open. */
export interface Choice {
  readonly device: string;
  readonly line: string;
  readonly partition: string;
}

export interface SelectionFacts {
  readonly lineUri: LineUri;
  /** What the number of the Line URI becomes by the dial rules; the same when none applies. */
  readonly ruledNumber: string;
  /** In any order, each of the user's. */
  readonly appearances: readonly Appearance[];
  readonly chosen: Choice | null;
}

/** Which row of the table decided (docs/services/rcc-device-selection.md). */
export type SelectionRule =
  | 'chosen'
  | 'named'
  | 'only'
  | 'registered-soft-phone'
  | 'hard-phone'
  | 'registered'
  | 'owners-primary'
  | 'lexical';

export type Selection =
  | { readonly kind: 'selected'; readonly appearance: Appearance; readonly rule: SelectionRule }
  | { readonly kind: 'refused'; readonly why: 'no-appearance' | 'no-such-line' | 'no-such-device' };

/** Decides which phone a session drives: total, and the same whatever the order of the facts. */
export function selectDevice({ lineUri, ruledNumber, appearances, chosen }: SelectionFacts): Selection {
  if (appearances.length === 0) return { kind: 'refused', why: 'no-appearance' };
  const withNumber = (number: string): Appearance[] =>
    appearances.filter(
      ({ line, partition }) => line === number && (lineUri.partition === null || partition === lineUri.partition),
    );
  const onLine = withNumber(lineUri.number);
  const candidates = (onLine.length > 0 ? onLine : withNumber(ruledNumber)).toSorted(byRank);
  const [best] = candidates;
  if (best === undefined) return { kind: 'refused', why: 'no-such-line' };

  // What the user chose holds for every later sign-in; a choice that is gone is no choice.
  const choice = chosen === null ? undefined : candidates.find((each) => isChosen(each, chosen));
  if (choice !== undefined) return { kind: 'selected', appearance: choice, rule: 'chosen' };
  if (lineUri.device !== null) {
    const named = candidates.find(({ device }) => isSameName(device, lineUri.device ?? ''));
    if (named === undefined) return { kind: 'refused', why: 'no-such-device' };
    return { kind: 'selected', appearance: named, rule: 'named' };
  }

  const devices = new Set(candidates.map(({ device }) => device));
  if (devices.size === 1) return { kind: 'selected', appearance: best, rule: 'only' };
  const soft = candidates.find(({ kind }) => kind === 'soft');
  const hard = candidates.find(({ kind }) => kind === 'hard');
  if (devices.size === 2 && soft !== undefined && hard !== undefined) {
    return soft.isRegistered
      ? { kind: 'selected', appearance: soft, rule: 'registered-soft-phone' }
      : { kind: 'selected', appearance: hard, rule: 'hard-phone' };
  }
  return { kind: 'selected', appearance: best, rule: ruleOf(best, candidates) };
}

/** Whether an appearance is the one that the user chose. */
export function isChosen({ device, line, partition }: Appearance, chosen: Choice): boolean {
  if (!isSameName(device, chosen.device)) return false;
  return chosen.line === '' || (line === chosen.line && partition === chosen.partition);
}

/** CUCM tells names of devices apart whatever their case. */
export function isSameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Registered first, then the owner's primary, then by name. */
function byRank(a: Appearance, b: Appearance): number {
  return (
    Number(b.isRegistered) - Number(a.isRegistered) ||
    Number(b.isOwnersPrimary) - Number(a.isOwnersPrimary) ||
    compareText(a.device, b.device) ||
    compareText(a.partition, b.partition)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The first property that set the best of another phone apart. */
function ruleOf(best: Appearance, candidates: readonly Appearance[]): SelectionRule {
  const others = candidates.filter(({ device }) => device !== best.device);
  const rivals = others.filter(({ isRegistered }) => isRegistered === best.isRegistered);
  if (rivals.length === 0) return 'registered';
  return rivals.every(({ isOwnersPrimary }) => isOwnersPrimary !== best.isOwnersPrimary) ? 'owners-primary' : 'lexical';
}
