import { elements, type XmlElement } from '../../xml/element.ts';
import { AXL_CODE, AxlFault } from '../message/axl-fault.ts';
import { valueText } from '../message/read-request.ts';
import type { AxlObject } from '../objects/axl-object.ts';
import { quoted, type SqlValue } from '../store/access.ts';
import { shownBy } from '../store/changes.ts';
import { MATCH_FUNCTION } from '../store/wildcard.ts';
import { fieldOf } from './find.ts';

export interface Where {
  /** Begins with ` WHERE `, or is empty. */
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** SQLite's own LIKE folds ASCII only and grows steep in the number of runs; beyond that our matcher serves. */
const MOST_RUNS = 4;
const PLAIN = /^[\x20-\x7e]*$/;

/**
 * Turns `searchCriteria` into SQL. Criteria are wildcards as of LIKE, joined by AND; `%` matches the unset too; an empty
 * one is absent.
 * @throws AxlFault 5003 when none is given, or one that the object does not have
 */
export function criteriaOf(object: AxlObject, criteria: XmlElement | undefined): Where {
  const clauses: string[] = object.where === undefined ? [] : [object.where];
  const values: SqlValue[] = [];
  let count = 0;
  for (const sent of criteria ? elements(criteria) : []) {
    const criterion = object.criteria.find((each) => each.tag === sent.local);
    if (!criterion) throw new AxlFault(AXL_CODE.invalid, `${sent.local} is not a search criterion of ${object.name}`);
    const pattern = valueText(sent);
    if (pattern === '') continue;
    count += 1;
    if (/^%+$/.test(pattern)) continue;
    clauses.push(clauseOf(object, criterion, pattern, values));
  }
  if (count === 0) throw new AxlFault(AXL_CODE.invalid, 'At least one search criterion must be given');
  return { sql: clauses.length === 0 ? '' : ` WHERE ${clauses.join(' AND ')}`, values };
}

function clauseOf(
  object: AxlObject,
  criterion: AxlObject['criteria'][number],
  pattern: string,
  values: SqlValue[],
): string {
  const compare = (sql: string): string => {
    values.push(pattern);
    const isPlain = PLAIN.test(pattern);
    if (!/[%_]/.test(pattern) && isPlain) return `${sql} = ? COLLATE NOCASE`;
    const runs = pattern.match(/%+/g)?.length ?? 0;
    return isPlain && runs <= MOST_RUNS ? `${sql} LIKE ?` : `${MATCH_FUNCTION}(?, ${sql})`;
  };
  if (criterion.sql !== undefined) return compare(criterion.sql);
  const field = fieldOf(object, criterion.tag);
  if (field.kind === 'computed') return compare(field.sql);
  if (!('column' in field)) throw new Error(`${criterion.tag} cannot be a criterion`);
  const column = `t.${quoted(field.column)}`;
  // Look the few names up first, then the rows by index.
  if (field.target) {
    return `${column} IN (SELECT pkid FROM ${field.target.table} WHERE ${compare(field.target.name)})`;
  }
  if (field.types !== undefined) return `${column} IN (SELECT enum FROM ${field.types} WHERE ${compare('name')})`;
  return compare(shownBy(field));
}
