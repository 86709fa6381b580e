import { element, type XmlElement } from '../../xml/element.ts';
import { AXL_CODE, AxlFault } from '../message/axl-fault.ts';
import { valueText } from '../message/read-request.ts';
import type { AxlObject } from '../objects/axl-object.ts';
import { quoted, type SqlValue, type Writing } from '../store/access.ts';
import { scalarFields } from '../store/schema.ts';
import { tagsWanted } from './apply-tags.ts';
import { absentValue } from './scalar-value.ts';

const NONE: ReadonlySet<string> = new Set();

/** `add…`: answers the key of the new object. @throws AxlFault */
export function addObject(
  writing: Writing,
  object: AxlObject,
  payload: XmlElement,
  pkid: string = writing.newPkid(),
): string {
  const sent = element(payload, object.tag);
  if (!sent) throw new AxlFault(AXL_CODE.invalid, `${object.tag} is required`);
  const keyTag = object.key[0] as string;
  const keyText = element(sent, keyTag);
  if (keyText && object.keyPattern && !object.keyPattern.test(valueText(keyText))) {
    throw new AxlFault(AXL_CODE.invalid, `${keyTag} holds a character that is not allowed`);
  }
  const wanted = tagsWanted(writing, object, 'a', sent, NONE);
  const columns = new Map<string, SqlValue>([['pkid', pkid]]);
  for (const field of scalarFields(object.fields)) {
    const value = wanted.columns.get(field.column);
    if (value === undefined && field.isRequired && field.initial === null && field.in.includes('a')) {
      throw new AxlFault(AXL_CODE.invalid, `${field.tag} is required`);
    }
    columns.set(field.column, value === undefined ? absentValue(writing, field) : value);
  }
  for (const [column, value] of Object.entries(object.onAdd?.(writing, sent) ?? {})) columns.set(column, value);
  writing.run(
    `INSERT INTO ${object.table} (${[...columns.keys()].map(quoted).join(', ')}) VALUES (${[...columns].map(() => '?').join(', ')})`,
    ...columns.values(),
  );
  for (const step of wanted.after) step(pkid);
  object.check?.(writing, pkid);
  return pkid;
}
