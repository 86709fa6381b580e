import type { XmlElement } from '../../xml/element.ts';
import type { Markup } from '../../xml/write.ts';
import type { Reading, Writing } from '../store/access.ts';

/** Which messages carry a tag: any of `a`dd, `u`pdate, `g`et, `l`ist. */
export type Verbs = string;

interface Common {
  readonly tag: string;
  readonly in: Verbs;
}

/** One column of the object's own row. */
export interface ScalarField extends Common {
  readonly kind: 'text' | 'number' | 'flag' | 'choice' | 'key';
  readonly column: string;
  /** What an add without the tag writes. */
  readonly initial: string | null;
  readonly isRequired: boolean;
  /** The tag that changes it in an update: `newUserid`. */
  readonly renamedBy: string | undefined;
  /** Longest text, in characters. */
  readonly max: number | undefined;
  /** Inclusive bounds of a number. */
  readonly range: readonly [number, number] | undefined;
  /** Values of a choice that is stored as its text. */
  readonly values: readonly string[] | undefined;
  /** Table of a choice that is stored as a number (`typemodel`). */
  readonly types: string | undefined;
  /** Whether a text that the table lacks is taken in (phone models grow with every release). */
  readonly isOpen: boolean;
  /** Table and name column that a foreign key means. */
  readonly target: { readonly table: string; readonly name: string; readonly label: string } | undefined;
}

/** A value worked out by SQL, where `t` is the object's row; read-only without `write`. */
export interface ComputedField extends Common {
  readonly kind: 'computed';
  readonly as: 'text' | 'flag';
  readonly sql: string;
  readonly write?: (writing: Writing, pkid: string, sent: XmlElement) => void;
}

/** Nested tags of the same row. `write` takes the group as a whole; without it its fields are written one by one. */
export interface GroupField extends Common {
  readonly kind: 'group';
  readonly fields: readonly Field[];
  readonly write: ((writing: Writing, pkid: string, sent: XmlElement) => void) | undefined;
}

export type PartsMode = 'set' | 'add' | 'remove';

/** A list kept in a table of its own: read whole; replaced, added to or taken from. */
export interface PartsField extends Common {
  readonly kind: 'parts';
  /** What stands inside the tag. `asked` is the skeleton of `returnedTags`, undefined when everything is wanted. */
  readonly read: (reading: Reading, pkid: string, asked: XmlElement | undefined) => Markup;
  readonly write: ((writing: Writing, pkid: string, sent: XmlElement, mode: PartsMode) => void) | undefined;
  /** `addLines`, `removeLines` of an update, where the object offers them. */
  readonly adds: string | undefined;
  readonly removes: string | undefined;
}

/** Written, never told: passwords. */
export interface SecretField extends Common {
  readonly kind: 'secret';
  readonly write: (writing: Writing, pkid: string, secret: string) => void;
}

/** Kept as it was sent: what the mock does not look into. */
export interface OpaqueField extends Common {
  readonly kind: 'opaque';
}

export type Field = ScalarField | ComputedField | GroupField | PartsField | SecretField | OpaqueField;

export interface ScalarOptions {
  readonly column?: string;
  readonly initial?: string;
  readonly isRequired?: boolean;
  readonly renamedBy?: string;
  readonly max?: number;
  readonly range?: readonly [number, number];
}

function scalar(
  kind: ScalarField['kind'],
  tag: string,
  verbs: Verbs,
  options: ScalarOptions,
  more: Partial<ScalarField> = {},
): ScalarField {
  return {
    kind,
    tag,
    in: verbs,
    column: options.column ?? tag.toLowerCase(),
    initial: options.initial ?? null,
    isRequired: options.isRequired ?? false,
    renamedBy: options.renamedBy,
    max: options.max,
    range: options.range,
    values: undefined,
    types: undefined,
    isOpen: false,
    target: undefined,
    ...more,
  };
}

/** Longest text of a column whose schema type names no length. */
const TEXT_MAX = 4096;

export const text = (tag: string, verbs: Verbs, options: ScalarOptions = {}): ScalarField =>
  scalar('text', tag, verbs, { max: TEXT_MAX, ...options });

export const number = (tag: string, verbs: Verbs, options: ScalarOptions = {}): ScalarField =>
  scalar('number', tag, verbs, options);

export const flag = (tag: string, verbs: Verbs, options: ScalarOptions = {}): ScalarField =>
  scalar('flag', tag, verbs, { initial: 'false', ...options });

/** One of few texts, stored as text. */
export const oneOf = (tag: string, verbs: Verbs, values: readonly string[], options: ScalarOptions = {}): ScalarField =>
  scalar('choice', tag, verbs, options, { values });

/** One of the names of a type table, stored as its number. */
export const typed = (
  tag: string,
  verbs: Verbs,
  types: string,
  options: ScalarOptions & { readonly isOpen?: boolean } = {},
): ScalarField => scalar('choice', tag, verbs, options, { types, isOpen: options.isOpen ?? false });

/** What a foreign key may name: table, its column with the name, and the word that a fault uses. */
const TARGETS: Readonly<Record<string, readonly [name: string, label: string]>> = {
  enduser: ['userid', 'User'],
  device: ['name', 'Device'],
};

/** A reference by name (or by the attribute `uuid`) to a row of another table. */
export const key = (tag: string, verbs: Verbs, table: string, options: ScalarOptions = {}): ScalarField => {
  const [name, label] = TARGETS[table] ?? ['name', tag.replace(/Name$/, '').replace(/^./, (c) => c.toUpperCase())];
  return scalar('key', tag, verbs, { column: `fk${table}`, ...options }, { target: { table, name, label } });
};

export const computed = (tag: string, verbs: Verbs, sql: string, as: 'text' | 'flag' = 'text'): ComputedField => ({
  kind: 'computed',
  tag,
  in: verbs,
  sql,
  as,
});

export const group = (
  tag: string,
  verbs: Verbs,
  fields: readonly Field[],
  write?: NonNullable<GroupField['write']>,
): GroupField => ({ kind: 'group', tag, in: verbs, fields, write });

export const parts = (
  tag: string,
  verbs: Verbs,
  read: PartsField['read'],
  write?: NonNullable<PartsField['write']>,
  variants: { readonly adds?: string; readonly removes?: string } = {},
): PartsField => ({ kind: 'parts', tag, in: verbs, read, write, adds: variants.adds, removes: variants.removes });

export const secret = (tag: string, verbs: Verbs, write: SecretField['write']): SecretField => ({
  kind: 'secret',
  tag,
  in: verbs,
  write,
});

export const opaque = (tag: string, verbs: Verbs): OpaqueField => ({ kind: 'opaque', tag, in: verbs });
