import { z } from 'zod';
import type { PresenceRuleRow } from '../../ids/tables/rules.ts';
import { attribute, type XmlElement } from '../../xml/element.ts';
import { element, type Markup, textElement } from '../../xml/write.ts';
import { checkWatcher } from './acl.ts';
import { CpaFault, Refusal } from './errors.ts';
import { RULES_NAMESPACE } from './names.ts';
import { booleanAttribute, childrenOf, oneOf, requiredAttribute, token, tokenText } from './read-request.ts';

const KINDS = ['user', 'domain', 'internal', 'external', 'any'] as const;
const POLICIES = ['allow', 'block', 'polite-block', 'ask'] as const;
const MAX_RULES = 200;
const MAX_CHARACTERS = 255;

export type RuleWatcher = z.infer<typeof watcherSchema>;

const watcherSchema = z.object({ type: z.enum(KINDS), value: z.string() });
const watchersSchema = z.array(watcherSchema);

export interface PresenceRule {
  readonly id: string;
  readonly name: string;
  readonly isEnabled: boolean;
  readonly watchers: readonly RuleWatcher[];
  readonly policy: (typeof POLICIES)[number];
}

/** The `presence-rules` element that the payload holds. @throws CpaFault on a breach of the schema */
export function readPresenceRules(payload: XmlElement): PresenceRule[] {
  const [rules, ...others] = childrenOf(payload, ['presence-rules'], RULES_NAMESPACE);
  if (!rules || others.length > 0) throw new CpaFault('notUnderstood', 'one presence-rules element is needed');
  return childrenOf(rules, ['rule'], RULES_NAMESPACE).map(readRule);
}

function readRule(rule: XmlElement): PresenceRule {
  const children = childrenOf(rule, ['watcher', 'policy'], RULES_NAMESPACE);
  const policy = children.pop();
  if (policy?.local !== 'policy' || children.length === 0 || children.some(({ local }) => local === 'policy')) {
    throw new CpaFault('notUnderstood', 'a rule needs watchers, then one policy');
  }
  return {
    id: token(requiredAttribute(rule, 'id')),
    name: attribute(rule, 'name') ?? '',
    isEnabled: booleanAttribute(rule, 'enabled', true),
    watchers: children.map((watcher) => ({
      type: oneOf(token(requiredAttribute(watcher, 'type')), KINDS, 'type'),
      value: tokenText(watcher).toLowerCase(),
    })),
    policy: oneOf(tokenText(policy), POLICIES, 'policy'),
  };
}

/** @throws Refusal `duplicateRule`, `tooManyEntries`, `badName`, `badWatcher` */
export function checkPresenceRules(rules: readonly PresenceRule[]): void {
  if (rules.length > MAX_RULES) throw new Refusal('tooManyEntries');
  if (new Set(rules.map(({ id }) => id)).size < rules.length) throw new Refusal('duplicateRule');
  for (const { id, name, watchers } of rules) {
    if (id === '' || id.length > MAX_CHARACTERS || name.length > MAX_CHARACTERS) throw new Refusal('badName');
    for (const { type, value } of watchers) {
      if (type === 'user' || type === 'domain') checkWatcher({ watcher: value, type });
      else if (value !== '') throw new Refusal('badWatcher');
    }
  }
}

export function toRow(fkenduser: string, rule: PresenceRule, position: number): PresenceRuleRow {
  const { id: ruleid, name, isEnabled, watchers, policy } = rule;
  return { fkenduser, ruleid, position, name, enabled: isEnabled ? 1 : 0, watchers: JSON.stringify(watchers), policy };
}

export function writeRule(row: PresenceRuleRow): Markup {
  const watchers = watchersSchema.parse(JSON.parse(row.watchers));
  return element(
    'r:rule',
    { id: row.ruleid, name: row.name === '' ? undefined : row.name, enabled: row.enabled === 1 },
    ...watchers.map(({ type, value }) => textElement('r:watcher', value, { type })),
    textElement('r:policy', row.policy),
  );
}
