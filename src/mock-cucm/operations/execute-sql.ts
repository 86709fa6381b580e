import { element, textOf, type XmlElement } from '../../xml/element.ts';
import { textElement } from '../../xml/write.ts';
import { AXL_CODE, AxlFault } from '../message/axl-fault.ts';
import { returned } from '../message/write-reply.ts';
import type { Operation } from './operation.ts';

function sqlOf(payload: XmlElement): string {
  const sent = element(payload, 'sql');
  const sql = sent ? textOf(sent).trim() : '';
  if (sql === '') throw new AxlFault(AXL_CODE.invalid, 'sql is required');
  return sql;
}

/** `executeSQLQuery`: a question to the database, in Informix's dialect; one element for each column of each row. */
export const executeSqlQuery: Operation = {
  name: 'executeSQLQuery',
  isWrite: false,
  run: ({ sql }, payload) => sql.query(sqlOf(payload)),
};

/** `executeSQLUpdate`: one insert, update or delete. */
export const executeSqlUpdate: Operation = {
  name: 'executeSQLUpdate',
  isWrite: true,
  async run({ sql }, payload) {
    return returned(textElement('rowsUpdated', await sql.update(sqlOf(payload))));
  },
};
