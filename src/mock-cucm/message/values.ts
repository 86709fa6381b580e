import { AXL_CODE, AxlFault } from './axl-fault.ts';

const TRUE = new Set(['t', 'true', '1']);
const FALSE = new Set(['f', 'false', '0', '']);

/** Booleans of every client: the schema's six, zeep's `True`, and PHP's empty element. @throws AxlFault 5003 */
export function parseFlag(tag: string, value: string): boolean {
  const lower = value.trim().toLowerCase();
  if (TRUE.has(lower)) return true;
  if (FALSE.has(lower)) return false;
  throw new AxlFault(AXL_CODE.invalid, `The value of ${tag} is not a boolean`);
}

const UUID = /^\{?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\}?$/i;

/** A UUID in any of its spellings, as tables hold it; undefined when it is none. */
export function parseUuid(value: string): string | undefined {
  return UUID.exec(value.trim())?.[1]?.toLowerCase();
}

/** As AXL shows it: upper case, in braces. */
export function braced(pkid: string): string {
  return `{${pkid.toUpperCase()}}`;
}
