import type { XmlElement } from '../../xml/element.ts';
import { AXL_CODE, AxlFault } from '../message/axl-fault.ts';
import type { AxlObject } from '../objects/axl-object.ts';
import { quoted, type Writing } from '../store/access.ts';
import { tagsWanted } from './apply-tags.ts';
import { findObject } from './find.ts';

/** `update…`: touches only what is sent; answers the key. @throws AxlFault */
export function updateObject(writing: Writing, object: AxlObject, payload: XmlElement): string {
  const { pkid } = findObject(writing, object, payload);
  if (pkid === undefined) throw new AxlFault(AXL_CODE.invalid, `${object.name} not found`);
  const wanted = tagsWanted(writing, object, 'u', payload, new Set([...object.key, 'uuid']));
  if (wanted.columns.size > 0) {
    writing.run(
      `UPDATE ${object.table} SET ${[...wanted.columns.keys()].map((name) => `${quoted(name)} = ?`).join(', ')} WHERE pkid = ?`,
      ...wanted.columns.values(),
      pkid,
    );
  }
  for (const step of wanted.after) step(pkid);
  object.check?.(writing, pkid);
  return pkid;
}
