import { attribute, element, type XmlElement } from '../../xml/element.ts';
import { AXL_CODE, AxlFault, notFound } from '../message/axl-fault.ts';
import { valueText } from '../message/read-request.ts';
import { parseUuid } from '../message/values.ts';
import type { AxlObject } from '../objects/axl-object.ts';
import type { Field } from '../objects/field.ts';
import { quoted, type Reading, type SqlValue } from '../store/access.ts';

/** An object that a request names, by `uuid` or by its key tags. */
export interface Found {
  readonly pkid: string | undefined;
  /** What was asked, for faults. */
  readonly asked: string;
}

/** @throws AxlFault 5003 when the request names nothing */
export function findObject(reading: Reading, object: AxlObject, payload: XmlElement): Found {
  const uuid = element(payload, 'uuid');
  const uuidText = uuid ? valueText(uuid) : '';
  const only = object.where === undefined ? '' : ` AND ${object.where}`;
  if (uuidText !== '') {
    const pkid = parseUuid(uuidText);
    const row =
      pkid === undefined
        ? undefined
        : reading.get<{ pkid: string }>(`SELECT t.pkid FROM ${object.table} t WHERE t.pkid = ?${only}`, pkid);
    return { pkid: row?.pkid, asked: uuidText };
  }
  const clauses: string[] = [];
  const values: SqlValue[] = [];
  let asked = '';
  for (const [index, tag] of object.key.entries()) {
    const sent = element(payload, tag);
    const value = sent ? valueText(sent) : '';
    // The first names the object; those after it narrow (an absent partition is the null partition).
    if (index === 0) {
      const byId = sent && parseUuid(attribute(sent, 'uuid') ?? '');
      if (value === '' && byId === undefined) {
        throw new AxlFault(AXL_CODE.invalid, `${object.key[0]} or uuid is required`);
      }
      asked = value;
    }
    clauses.push(matchKey(fieldOf(object, tag), sent, value, values));
  }
  const row = reading.get<{ pkid: string }>(
    `SELECT t.pkid FROM ${object.table} t WHERE ${clauses.join(' AND ')}${only}`,
    ...values,
  );
  return { pkid: row?.pkid, asked };
}

/** @throws AxlFault 5007 */
export function mustFind(reading: Reading, object: AxlObject, payload: XmlElement): string {
  const found = findObject(reading, object, payload);
  if (found.pkid === undefined) throw notFound(object.notFound(found.asked));
  return found.pkid;
}

function matchKey(field: Field, sent: XmlElement | undefined, value: string, values: SqlValue[]): string {
  if (field.kind === 'key' && field.target) {
    const column = `t.${quoted(field.column)}`;
    const byId = sent && parseUuid(attribute(sent, 'uuid') ?? '');
    if (byId !== undefined) {
      values.push(byId);
      return `${column} = ?`;
    }
    if (value === '') return `${column} IS NULL`;
    values.push(value);
    return `${column} IN (SELECT pkid FROM ${field.target.table} WHERE ${field.target.name} = ? COLLATE NOCASE)`;
  }
  values.push(value);
  if (field.kind === 'computed') return `${field.sql} = ? COLLATE NOCASE`;
  if (field.kind === 'choice' && field.types !== undefined) {
    return `t.${quoted(field.column)} IN (SELECT enum FROM ${field.types} WHERE name = ? COLLATE NOCASE)`;
  }
  if ('column' in field) return `t.${quoted(field.column)} = ? COLLATE NOCASE`;
  throw new Error(`${field.tag} cannot be a key`);
}

export function fieldOf(object: AxlObject, tag: string): Field {
  const field = object.fields.find((each) => each.tag === tag);
  if (!field) throw new Error(`${object.name} has no tag ${tag}`);
  return field;
}
