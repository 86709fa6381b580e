import { SipError } from '../errors.ts';
import { splitList } from '../values/scan.ts';
import { headerKey, headerName } from './header-names.ts';
import { type HeaderTypes, READERS, type TypedHeader } from './header-types.ts';

/** One header field as it stands in a message. */
export interface HeaderField {
  /** Full name in lower case. */
  readonly key: string;
  /** As it was written: a compact form stays one. */
  readonly name: string;
  /** Folds undone, white space around it gone. */
  readonly value: string;
  /** The field's own bytes, without its last line end; undefined when it was made here. */
  readonly raw: string | undefined;
  /** Values read from it, once somebody has asked. */
  memo: readonly unknown[] | undefined;
}

export function headerField(name: string, value: string): HeaderField {
  if (/[\r\n]/.test(value)) {
    throw new SipError('sip.forbidden-character', `the ${name} header cannot carry a line end`);
  }
  return { key: headerKey(name), name: headerName(name), value, raw: undefined, memo: undefined };
}

const NOTHING: readonly never[] = [];

/**
 * Header fields in their order. Names are matched whatever their case or form; what nobody touches is written again
 * byte for byte. Values are read when they are asked for, and only once.
 */
export class Headers {
  #fields: HeaderField[];

  constructor(fields: HeaderField[] = []) {
    this.#fields = fields;
  }

  static of(entries: Iterable<readonly [string, string]>): Headers {
    return new Headers(Array.from(entries, ([name, value]) => headerField(name, value)));
  }

  get fields(): readonly HeaderField[] {
    return this.#fields;
  }

  clone(): Headers {
    return new Headers(this.#fields.slice());
  }

  has(name: string): boolean {
    return this.#indexOf(headerKey(name)) >= 0;
  }

  /** The text of the first field of that name. */
  text(name: string): string | undefined {
    return this.#fields[this.#indexOf(headerKey(name))]?.value;
  }

  /** The texts of all fields of that name, lists not split. */
  texts(name: string): readonly string[] {
    const key = headerKey(name);
    return this.#fields.filter((field) => field.key === key).map((field) => field.value);
  }

  /** The first value. @throws SipError `sip.malformed`, with the 400 it may be answered with */
  get<K extends TypedHeader>(key: K): HeaderTypes[K] | undefined {
    const field = this.#fields[this.#indexOf(key)];
    return field === undefined ? undefined : (read(field, key)[0] as HeaderTypes[K] | undefined);
  }

  /** All values, of all fields, in order. @throws SipError `sip.malformed` */
  list<K extends TypedHeader>(key: K): readonly HeaderTypes[K][] {
    let found: readonly HeaderTypes[K][] = NOTHING;
    for (const field of this.#fields) {
      if (field.key !== key) continue;
      const values = read(field, key) as readonly HeaderTypes[K][];
      found = found.length === 0 ? values : [...found, ...values];
    }
    return found;
  }

  /** Whether a list of tokens (Supported, Require, Allow) holds the token. */
  lists(key: 'supported' | 'require' | 'proxy-require' | 'allow' | 'allow-events', token: string): boolean {
    return this.list(key).some((each) => each.toLowerCase() === token.toLowerCase());
  }

  /** Puts the field after the others. */
  add(name: string, value: string): this {
    this.#fields.push(headerField(name, value));
    return this;
  }

  /** Puts the field before the first of its name, or before all others: Via, Route, Record-Route, Path. */
  addFirst(name: string, value: string): this {
    this.#fields.splice(Math.max(0, this.#indexOf(headerKey(name))), 0, headerField(name, value));
    return this;
  }

  /** Leaves one field of that name, where the first one stood. */
  set(name: string, value: string): this {
    const field = headerField(name, value);
    const index = this.#indexOf(field.key);
    if (index < 0) this.#fields.push(field);
    else {
      this.#fields[index] = field;
      this.#fields = this.#fields.filter((each, at) => at <= index || each.key !== field.key);
    }
    return this;
  }

  delete(name: string): this {
    const key = headerKey(name);
    if (this.#indexOf(key) >= 0) this.#fields = this.#fields.filter((field) => field.key !== key);
    return this;
  }

  /** Takes the first value of a list away (the topmost Via or Route), the others of its field stay. */
  deleteFirst(name: TypedHeader): this {
    return this.#replaceFirst(name, undefined);
  }

  /** Puts another value in the place of the first one. */
  replaceFirst(name: TypedHeader, value: string): this {
    return this.#replaceFirst(name, value);
  }

  #replaceFirst(key: TypedHeader, value: string | undefined): this {
    const index = this.#indexOf(key);
    const field = this.#fields[index];
    if (field === undefined) return this;
    const parts = READERS[key].isList ? splitList(field.value, field.name) : [field.value];
    const kept = value === undefined ? parts.slice(1) : [value, ...parts.slice(1)];
    if (kept.length === 0) this.#fields.splice(index, 1);
    else this.#fields[index] = headerField(field.name, kept.join(', '));
    return this;
  }

  #indexOf(key: string): number {
    const fields = this.#fields;
    for (let index = 0; index < fields.length; index += 1) if ((fields[index] as HeaderField).key === key) return index;
    return -1;
  }
}

function read(field: HeaderField, key: TypedHeader): readonly unknown[] {
  if (field.memo !== undefined) return field.memo;
  const reader = READERS[key];
  const where = `${headerName(key)} header`;
  let values: readonly unknown[];
  if (!reader.isList) values = [reader.read(field.value, where)];
  // An empty list is good grammar for Supported, Allow and Accept, and says "none".
  else if (field.value === '') values = NOTHING;
  else values = splitList(field.value, where).map((each) => reader.read(each, where));
  field.memo = values;
  return values;
}
