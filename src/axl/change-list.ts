import { attribute, element, elements, textOf, type XmlElement } from '../xml/element.ts';
import { AxlError } from './errors.ts';

/** Where change notification stands, and what came. Ids are decimal text in AXL; they fit a number. */
export interface ChangeList {
  readonly queueId: string;
  readonly firstChangeId: number;
  readonly lastChangeId: number;
  readonly nextStartChangeId: number;
  readonly changes: readonly AxlChange[];
}

export interface AxlChange {
  readonly id: number;
  /** AXL object name: `User`, `Phone`, `Line` … */
  readonly type: string;
  /** Lower case, without braces. */
  readonly uuid: string;
  readonly action: 'a' | 'u' | 'r';
  /** The object must be fetched. */
  readonly doGet: boolean;
  /** AXL tag names and new values. */
  readonly changedTags: ReadonlyMap<string, string>;
}

/** @throws AxlError `axl.garbage` */
export function readChanges(response: XmlElement, host: string): ChangeList {
  const info = element(response, 'queueInfo');
  const number = (name: string): number => {
    const found = info && element(info, name);
    return found ? Number(textOf(found)) : Number.NaN;
  };
  const queue = info && element(info, 'queueId');
  const next = number('nextStartChangeId');
  if (!queue || Number.isNaN(next)) throw new AxlError('axl.garbage', `${host} sent no place in its change queue`);
  const list = element(response, 'changes');
  return {
    queueId: textOf(queue),
    firstChangeId: number('firstChangeId'),
    lastChangeId: number('lastChangeId'),
    nextStartChangeId: next,
    changes: (list ? elements(list, 'change') : []).map((change): AxlChange => {
      const text = (name: string): string => {
        const found = element(change, name);
        return found ? textOf(found).trim() : '';
      };
      const tags = element(change, 'changedTags');
      const action = text('action');
      return {
        id: Number(text('id')),
        type: attribute(change, 'type') ?? '',
        uuid: barePkid(attribute(change, 'uuid') ?? ''),
        action: action === 'a' || action === 'r' ? action : 'u',
        doGet: text('doGet').toLowerCase() === 'true',
        changedTags: new Map((tags ? elements(tags) : []).map((tag) => [attribute(tag, 'name') ?? '', textOf(tag)])),
      };
    }),
  };
}

/** CUCM's pkids as we keep them: lower case, without braces. */
export function barePkid(uuid: string): string {
  return uuid.replace(/[{}]/g, '').toLowerCase();
}
