import type { DialRuleRow } from '../../../ids/tables/rules.ts';

export type DialRule = Pick<DialRuleRow, 'priority' | 'beginswith' | 'digits' | 'digitsremoved' | 'prepend'>;

/**
 * What the application dial rules make of a number: the first one by priority that has its beginning and its length. A
 * leading `+` counts as a digit, so that a rule may take it away. Without a rule the number stays.
 */
export function applyDialRules(number: string, rules: readonly DialRule[]): string {
  const sorted = rules.toSorted((a, b) => a.priority - b.priority || (a.beginswith < b.beginswith ? -1 : 1));
  const rule = sorted.find(({ beginswith, digits }) => number.startsWith(beginswith) && number.length === digits);
  if (rule === undefined) return number;
  const changed = rule.prepend + number.slice(Math.max(0, rule.digitsremoved));
  // A rule that leaves nothing to dial is no rule.
  return changed === '' ? number : changed;
}
