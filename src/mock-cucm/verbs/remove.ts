import type { XmlElement } from '../../xml/element.ts';
import type { AxlObject } from '../objects/axl-object.ts';
import type { Writing } from '../store/access.ts';
import { mustFind } from './find.ts';

/** `remove…`: what refers to the object lets go of it; answers its key. @throws AxlFault 5007 */
export function removeObject(writing: Writing, object: AxlObject, payload: XmlElement): string {
  const pkid = mustFind(writing, object, payload);
  object.onRemove?.(writing, pkid);
  writing.run('DELETE FROM mockfragment WHERE fkobject = ?', pkid);
  writing.run(`DELETE FROM ${object.table} WHERE pkid = ?`, pkid);
  return pkid;
}
