import { element, type XmlElement } from '../../xml/element.ts';
import type { Markup } from '../../xml/write.ts';
import { AXL_CODE, AxlFault } from '../message/axl-fault.ts';
import { valueText } from '../message/read-request.ts';
import { createReplyBuilder, tooLarge } from '../message/reply-builder.ts';
import type { AxlObject } from '../objects/axl-object.ts';
import type { Reading, SqlValue } from '../store/access.ts';
import { criteriaOf } from './criteria.ts';
import { planReading } from './reading-plan.ts';

/** Rows held in memory together. */
const MOST_AT_ONCE = 2_000;

/** `list…`: a page of objects that meet the criteria, with the tags asked. @throws AxlFault */
export function listObjects(reading: Reading, object: AxlObject, payload: XmlElement): readonly Markup[] {
  const where = criteriaOf(object, element(payload, 'searchCriteria'));
  const asked = element(payload, 'returnedTags');
  if (!asked) throw new AxlFault(AXL_CODE.invalid, 'returnedTags is required');
  const plan = planReading(object, 'l', asked, reading);
  const page = pageOf(payload);
  const from = `FROM ${object.table} t${where.sql}`;
  const statement = reading
    .statement(`SELECT ${plan.columns} ${from} ORDER BY ${object.orderBy} LIMIT ? OFFSET ?`)
    .raw(true);
  const reply = createReplyBuilder();
  let isWhole = true;
  const values = [...where.values, page.first ?? -1, page.skip];
  // A page is fetched at once; what has no bounds, row by row.
  const isPage = page.first !== undefined && page.first <= MOST_AT_ONCE;
  for (const row of isPage ? statement.all(...values) : statement.iterate(...values)) {
    if (!reply.add(plan.write(row as SqlValue[]))) {
      isWhole = false;
      break;
    }
  }
  if (isWhole) return reply.returnedParts();
  const total = reading.get<{ n: number }>(`SELECT count(*) AS n ${from}`, ...where.values)?.n ?? 0;
  throw tooLarge(total, reply.rows);
}

function pageOf(payload: XmlElement): { readonly skip: number; readonly first: number | undefined } {
  const read = (tag: string): number | undefined => {
    const sent = element(payload, tag);
    const value = sent ? valueText(sent) : '';
    if (value === '') return undefined;
    if (!/^\d{1,15}$/.test(value)) throw new AxlFault(AXL_CODE.invalid, `The value of ${tag} is not a number`);
    return Number(value);
  };
  const first = read('first');
  const skip = read('skip');
  // Without first, skip does not count.
  return { first, skip: first === undefined ? 0 : (skip ?? 0) };
}
