import { element, textOf, type XmlElement } from '../../../xml/element.ts';
import { type Attributes, join, type Markup, element as markup, NOTHING } from '../../../xml/write.ts';
import { parseLineUri } from '../selection/line-uri.ts';
import type { Appearance, Choice } from '../selection/select-device.ts';
import type { Selections, Wanted } from '../selections.ts';
import type { RccUser } from '../users.ts';

/** Answers what stands inside the response element. */
export type Operation = (selections: Selections, user: RccUser, payload: XmlElement) => Promise<Markup>;

/** The lines of the user's phones that may be driven. */
const listAppearances: Operation = async (selections, user) =>
  join((await selections.appearances(user)).map((each) => writeAppearance('r:appearance', each)));

/** What the user chose, and with a Line URI what the next session for it would drive. */
const getSelection: Operation = async (selections, user, payload) => {
  const chosen = await selections.chosen(user);
  const lineUri = childText(payload, 'lineUri');
  const next = lineUri === null ? null : await selections.select(user, parseLineUri(lineUri));
  return join([
    chosen === null ? NOTHING : writeChoice(chosen),
    next?.kind === 'selected' ? writeAppearance('r:next', next.appearance, { rule: next.rule }) : NOTHING,
  ]);
};

/** Stores a choice for the next session; without a device it is forgotten. */
const setSelection: Operation = async (selections, user, payload) => {
  const device = childText(payload, 'device');
  const wanted: Wanted | null =
    device === null ? null : { device, line: childText(payload, 'line'), partition: childValue(payload, 'partition') };
  const chosen = await selections.choose(user, wanted, 'client');
  return chosen === null ? NOTHING : writeChoice(chosen);
};

/** By the name of the request's element. */
export const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  Object.entries({ listAppearances, getSelection, setSelection }),
);

/** A child's text; null when there is none. An empty partition is the null partition. */
function childValue(parent: XmlElement, name: string): string | null {
  const found = element(parent, name);
  return found === undefined ? null : textOf(found).trim();
}

/** The same, and an empty one is none. */
function childText(parent: XmlElement, name: string): string | null {
  return childValue(parent, name) || null;
}

function writeAppearance(name: string, appearance: Appearance, more: Attributes = {}): Markup {
  const { device, description, product, kind, line, partition, isRegistered } = appearance;
  return markup(name, { device, line, partition, kind, product, description, registered: isRegistered, ...more });
}

/** Attributes in no namespace: the same for every client. */
function writeChoice({ device, line, partition }: Choice): Markup {
  return markup('r:chosen', { device, ...(line === '' ? {} : { line, partition }) });
}
