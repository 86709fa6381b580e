import { element, elements, type XmlElement } from '../../xml/element.ts';
import { text } from '../../xml/write.ts';
import { braced } from '../message/values.ts';
import type { AxlObject } from '../objects/axl-object.ts';
import type { Field } from '../objects/field.ts';
import { quoted, type Reading, type SqlValue } from '../store/access.ts';
import { shownBy } from '../store/changes.ts';
import { readFragment } from '../store/fragments.ts';

/** What to select for a choice of tags, and how a row becomes an element. Made once for a request, run for each row. */
export interface ReadingPlan {
  /** The select list; the first column is the key. `t` is the object's table. */
  readonly columns: string;
  write(row: readonly SqlValue[]): string;
}

/** Adds a tag to the pieces of a row: one joint makes a flat text of them, where adding up would leave a tree of pieces. */
type Writer = (row: readonly SqlValue[], out: string[]) => void;

/**
 * @param asked the skeleton of `returnedTags`; undefined asks for all.
 */
export function planReading(
  object: AxlObject,
  verb: 'g' | 'l',
  asked: XmlElement | undefined,
  reading: Reading,
): ReadingPlan {
  const columns: string[] = ['t.pkid'];
  const add = (sql: string): number => columns.push(sql) - 1;
  const writers = writersOf(object.fields, verb, asked, add, reading);
  const close = `</${object.tag}>`;
  return {
    columns: columns.join(', '),
    write(row) {
      const out = [`<${object.tag} uuid="${braced(row[0] as string)}">`];
      for (const writer of writers) writer(row, out);
      if (out.length === 1) return `<${object.tag} uuid="${braced(row[0] as string)}"/>`;
      out.push(close);
      return out.join('');
    },
  };
}

function writersOf(
  fields: readonly Field[],
  verb: 'g' | 'l',
  asked: XmlElement | undefined,
  add: (sql: string) => number,
  reading: Reading,
): Writer[] {
  const writers: Writer[] = [];
  for (const field of fields) {
    if (!field.in.includes(verb)) continue;
    const skeleton = asked && element(asked, field.tag);
    if (asked && !skeleton) continue;
    writers.push(writerOf(field, verb, skeleton, add, reading));
  }
  return writers;
}

function writerOf(
  field: Field,
  verb: 'g' | 'l',
  skeleton: XmlElement | undefined,
  add: (sql: string) => number,
  reading: Reading,
): Writer {
  const { tag } = field;
  const inner = skeleton && elements(skeleton).length > 0 ? skeleton : undefined;
  switch (field.kind) {
    case 'flag':
      return flagWriter(add(`t.${quoted(field.column)}`), tag);
    case 'computed': {
      const at = add(field.sql);
      return field.as === 'flag' ? flagWriter(at, tag) : textWriter(at, tag);
    }
    case 'key': {
      const name = add(shownBy(field));
      const id = add(`t.${quoted(field.column)}`);
      return (row, out) => {
        if (row[id] === null) out.push(`<${tag}/>`);
        else out.push(`<${tag} uuid="${braced(row[id] as string)}">`, shown(row[name]), `</${tag}>`);
      };
    }
    case 'text':
    case 'number':
    case 'choice':
      return textWriter(add(shownBy(field)), tag);
    case 'group': {
      const writers = writersOf(field.fields, verb, inner, add, reading);
      return (row, out) => {
        out.push(`<${tag}>`);
        for (const writer of writers) writer(row, out);
        out.push(`</${tag}>`);
      };
    }
    case 'parts':
      return (row, out) => {
        const inside = field.read(reading, row[0] as string, inner);
        out.push(inside === '' ? `<${tag}/>` : `<${tag}>${inside}</${tag}>`);
      };
    case 'opaque':
      return (row, out) => void out.push(readFragment(reading, row[0] as string, tag) ?? `<${tag}/>`);
    default:
      return (_row, out) => void out.push(`<${tag}/>`);
  }
}

function textWriter(at: number, tag: string): Writer {
  const open = `<${tag}>`;
  const close = `</${tag}>`;
  const empty = `<${tag}/>`;
  return (row, out) => {
    const value = row[at];
    if (value === '' || value === null || value === undefined) out.push(empty);
    else out.push(open, text(value), close);
  };
}

function flagWriter(at: number, tag: string): Writer {
  const yes = `<${tag}>true</${tag}>`;
  const no = `<${tag}>false</${tag}>`;
  return (row, out) => void out.push(row[at] === 't' || row[at] === 'true' || row[at] === '1' ? yes : no);
}

function shown(value: SqlValue | undefined): string {
  return value === null || value === undefined ? '' : text(value);
}
