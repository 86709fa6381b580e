import { elements, type XmlElement } from '../../xml/element.ts';
import { AXL_CODE, AxlFault } from '../message/axl-fault.ts';
import { secretText } from '../message/read-request.ts';
import type { AxlObject } from '../objects/axl-object.ts';
import type { Field, PartsMode } from '../objects/field.ts';
import type { SqlValue, Writing } from '../store/access.ts';
import { writeFragment } from '../store/fragments.ts';
import { scalarValue } from './scalar-value.ts';

/** What a request wants written: columns of the object's row, and what follows once the row stands. */
export interface Wanted {
  readonly columns: Map<string, SqlValue>;
  readonly after: ((pkid: string) => void)[];
}

type Handler = (sent: XmlElement, wanted: Wanted) => void;

const IGNORED: Handler = () => undefined;

/**
 * Sorts the tags of an add or an update. Read-only tags of the object are passed over; any other is refused.
 * @param skipped tags of the request that are no tags of the object: the key of an update, `uuid`.
 * @throws AxlFault 5003
 */
export function tagsWanted(
  writing: Writing,
  object: AxlObject,
  verb: 'a' | 'u',
  sent: XmlElement,
  skipped: ReadonlySet<string>,
): Wanted {
  const wanted: Wanted = { columns: new Map(), after: [] };
  for (const tag of elements(sent)) {
    if (skipped.has(tag.local)) continue;
    const handler = handlerOf(writing, object, verb, tag.local);
    if (!handler) throw new AxlFault(AXL_CODE.invalid, `${tag.local} is not a tag of ${object.name}`);
    handler(tag, wanted);
  }
  return wanted;
}

function handlerOf(writing: Writing, object: AxlObject, verb: 'a' | 'u', tag: string): Handler | undefined {
  for (const field of object.fields) {
    if (field.tag === tag) return field.in.includes(verb) ? writerOf(writing, object, field, 'set') : IGNORED;
    if (verb === 'a') continue;
    if ('renamedBy' in field && field.renamedBy === tag) return writerOf(writing, object, field, 'set');
    if (field.kind === 'parts' && field.adds === tag) return writerOf(writing, object, field, 'add');
    if (field.kind === 'parts' && field.removes === tag) return writerOf(writing, object, field, 'remove');
  }
  return undefined;
}

function writerOf(writing: Writing, object: AxlObject, field: Field, mode: PartsMode): Handler {
  switch (field.kind) {
    case 'secret':
      return (sent, wanted) => void wanted.after.push((pkid) => field.write(writing, pkid, secretText(sent)));
    case 'opaque':
      return (sent, wanted) => void wanted.after.push((pkid) => writeFragment(writing, object.name, pkid, sent));
    case 'parts': {
      const { write } = field;
      return write ? (sent, wanted) => void wanted.after.push((pkid) => write(writing, pkid, sent, mode)) : IGNORED;
    }
    case 'computed':
    case 'group': {
      const { write } = field;
      return write ? (sent, wanted) => void wanted.after.push((pkid) => write(writing, pkid, sent)) : IGNORED;
    }
    default:
      return (sent, wanted) => void wanted.columns.set(field.column, scalarValue(writing, field, sent));
  }
}
