import { attribute, type XmlElement } from '../../xml/element.ts';
import { AXL_CODE, AxlFault, notFound } from '../message/axl-fault.ts';
import { valueText } from '../message/read-request.ts';
import { parseFlag, parseUuid } from '../message/values.ts';
import type { ScalarField } from '../objects/field.ts';
import type { SqlValue, Writing } from '../store/access.ts';

/** What a column gets for a tag that was sent. @throws AxlFault 5003, 5007 */
export function scalarValue(writing: Writing, field: ScalarField, sent: XmlElement): SqlValue {
  const value = valueText(sent);
  const uuid = field.kind === 'key' ? parseUuid(attribute(sent, 'uuid') ?? '') : undefined;
  if (value === '' && uuid === undefined) {
    if (field.isRequired && field.initial === null) {
      throw new AxlFault(AXL_CODE.invalid, `${field.tag} must not be empty`);
    }
    return initialValue(writing, field);
  }
  switch (field.kind) {
    case 'flag':
      return parseFlag(field.tag, value) ? 't' : 'f';
    case 'number':
      return numberValue(field, value);
    case 'choice':
      return choiceValue(writing, field, value);
    case 'key':
      return keyValue(writing, field, value, uuid);
    default:
      if (field.max !== undefined && value.length > field.max) {
        throw new AxlFault(AXL_CODE.invalid, `${field.tag} is longer than ${field.max} characters`);
      }
      return value;
  }
}

/** What a column gets when its tag is absent from an add, or cleared. */
export function initialValue(writing: Writing, field: ScalarField): SqlValue {
  const { initial } = field;
  switch (field.kind) {
    case 'flag':
      // An empty boolean is false, whatever the default of an absent one.
      return 'f';
    case 'number':
      return initial === null ? null : Number(initial);
    case 'choice':
      if (field.types === undefined) return null;
      return initial === null ? null : choiceValue(writing, field, initial);
    case 'key':
      return null;
    default:
      return initial ?? '';
  }
}

/** The default of a tag that an add does not send. */
export function absentValue(writing: Writing, field: ScalarField): SqlValue {
  if (field.kind === 'flag') return field.initial === 'true' ? 't' : 'f';
  return initialValue(writing, field);
}

function numberValue(field: ScalarField, value: string): number {
  if (!/^-?\d{1,15}$/.test(value)) throw new AxlFault(AXL_CODE.invalid, `The value of ${field.tag} is not a number`);
  const number = Number(value);
  if (field.range && (number < field.range[0] || number > field.range[1])) {
    throw new AxlFault(AXL_CODE.invalid, `${field.tag} must be in the range ${field.range[0]} to ${field.range[1]}`);
  }
  return number;
}

function choiceValue(writing: Writing, field: ScalarField, value: string): SqlValue {
  if (field.types === undefined) {
    const found = field.values?.find((each) => each.toLowerCase() === value.toLowerCase());
    if (found === undefined) throw new AxlFault(AXL_CODE.invalid, `${value} is not a value of ${field.tag}`);
    return found;
  }
  const row = writing.get<{ enum: number }>(`SELECT enum FROM ${field.types} WHERE name = ? COLLATE NOCASE`, value);
  if (row) return row.enum;
  if (!field.isOpen || value.length > 128) {
    throw new AxlFault(AXL_CODE.invalid, `${value} is not a value of ${field.tag}`);
  }
  writing.run(
    `INSERT INTO ${field.types} (enum, name) SELECT coalesce(max(enum), 0) + 1, ? FROM ${field.types}`,
    value,
  );
  return writing.get<{ enum: number }>(`SELECT enum FROM ${field.types} WHERE name = ?`, value)?.enum ?? null;
}

function keyValue(writing: Writing, field: ScalarField, value: string, uuid: string | undefined): SqlValue {
  const { target } = field;
  if (!target) throw new Error(`${field.tag} has no target`);
  const row =
    uuid === undefined
      ? writing.get<{ pkid: string }>(`SELECT pkid FROM ${target.table} WHERE ${target.name} = ? COLLATE NOCASE`, value)
      : writing.get<{ pkid: string }>(`SELECT pkid FROM ${target.table} WHERE pkid = ?`, uuid);
  if (!row) throw notFound(target.label);
  return row.pkid;
}
