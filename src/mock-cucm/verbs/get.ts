import { element, elements, type XmlElement } from '../../xml/element.ts';
import type { Markup } from '../../xml/write.ts';
import type { AxlObject } from '../objects/axl-object.ts';
import type { Reading, SqlValue } from '../store/access.ts';
import { mustFind } from './find.ts';
import { planReading } from './reading-plan.ts';

/** `get…`: one object; without `returnedTags` all of it. @throws AxlFault 5007 */
export function getObject(reading: Reading, object: AxlObject, payload: XmlElement): Markup {
  const pkid = mustFind(reading, object, payload);
  const sent = element(payload, 'returnedTags');
  const plan = planReading(object, 'g', sent && elements(sent).length > 0 ? sent : undefined, reading);
  const row = reading.statement(`SELECT ${plan.columns} FROM ${object.table} t WHERE t.pkid = ?`).raw(true).get(pkid);
  return `<return>${plan.write(row as SqlValue[])}</return>` as Markup;
}
