import type { XmlElement } from '../../xml/element.ts';
import type { Writing } from '../store/access.ts';
import type { Field } from './field.ts';

export type AxlVerb = 'add' | 'get' | 'list' | 'update' | 'remove';

/** A search criterion: the tag, and the SQL it is compared with where that is not simply the field's own value. */
export interface Criterion {
  readonly tag: string;
  readonly sql?: string;
}

/** One object of the AXL schema, as data: the verbs are written once and read it. */
export interface AxlObject {
  /** As operations and change records spell it: `User`. */
  readonly name: string;
  /** As messages spell it: `user`. */
  readonly tag: string;
  /** The table whose rows it is; `t` in SQL. */
  readonly table: string;
  /** Narrows the table: phones are the devices of one class. */
  readonly where?: string;
  readonly verbs: readonly AxlVerb[];
  /** In schema order. */
  readonly fields: readonly Field[];
  /** Tags that name one object, in the order of the schema; the object is found by all of them. */
  readonly key: readonly string[];
  readonly criteria: readonly Criterion[];
  /** SQL of the order of a list; every page follows it. */
  readonly orderBy: string;
  /** The word in "The specified X was not found", for the key that was asked. */
  readonly notFound: (asked: string) => string;
  /** Columns the table has beyond its fields'. */
  readonly columns?: readonly string[];
  /** Unique column lists, ignoring case. */
  readonly unique?: readonly (readonly string[])[];
  /** What the first key tag must look like. */
  readonly keyPattern?: RegExp;
  /** Columns that an add fills besides the tags. */
  readonly onAdd?: (writing: Writing, sent: XmlElement) => Readonly<Record<string, string | number | null>>;
  /** Rules that hold after an add or an update, checked in its transaction. */
  readonly check?: (writing: Writing, pkid: string) => void;
  /** What else goes when the object goes. */
  readonly onRemove?: (writing: Writing, pkid: string) => void;
}
