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

type Writer = (row: readonly SqlValue[]) => string;

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
  const withUuid = object.isWithoutUuid !== true;
  return {
    columns: columns.join(', '),
    write(row) {
      let inside = '';
      for (const writer of writers) inside += writer(row);
      const head = withUuid ? `<${object.tag} uuid="${braced(row[0] as string)}"` : `<${object.tag}`;
      return inside === '' ? `${head}/>` : `${head}>${inside}${close}`;
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
  const open = `<${field.tag}>`;
  const close = `</${field.tag}>`;
  const empty = `<${field.tag}/>`;
  const around = (inside: string): string => (inside === '' ? empty : open + inside + close);
  switch (field.kind) {
    case 'flag':
      return flagWriter(add(`t.${quoted(field.column)}`), open, close);
    case 'computed': {
      const at = add(field.sql);
      if (field.as === 'flag') return flagWriter(at, open, close);
      return (row) => around(shown(row[at]));
    }
    case 'key': {
      const name = add(shownBy(field));
      const id = add(`t.${quoted(field.column)}`);
      return (row) =>
        row[id] === null ? empty : `<${field.tag} uuid="${braced(row[id] as string)}">${shown(row[name])}${close}`;
    }
    case 'text':
    case 'number':
    case 'choice': {
      const at = add(shownBy(field));
      return (row) => {
        const value = row[at];
        return value === '' || value === null ? empty : open + shown(value) + close;
      };
    }
    case 'group': {
      const inner = skeleton && elements(skeleton).length > 0 ? skeleton : undefined;
      const writers = writersOf(field.fields, verb, inner, add, reading);
      return (row) => {
        let inside = '';
        for (const writer of writers) inside += writer(row);
        return around(inside);
      };
    }
    case 'parts': {
      const inner = skeleton && elements(skeleton).length > 0 ? skeleton : undefined;
      return (row) => around(field.read(reading, row[0] as string, inner));
    }
    case 'opaque':
      return (row) => readFragment(reading, row[0] as string, field.tag) ?? empty;
    default:
      return () => empty;
  }
}

function flagWriter(at: number, open: string, close: string): Writer {
  const yes = `${open}true${close}`;
  const no = `${open}false${close}`;
  return (row) => (row[at] === 't' || row[at] === 'true' || row[at] === '1' ? yes : no);
}

function shown(value: SqlValue | undefined): string {
  return value === null || value === undefined ? '' : text(value);
}
