import { attribute, element, elements, type XmlElement } from '../../xml/element.ts';
import { join, type Markup, textElement, element as wrap } from '../../xml/write.ts';
import type { ChangeQueue, QueuedChange } from '../change-queue.ts';
import { AXL_CODE, AxlFault } from '../message/axl-fault.ts';
import { valueText } from '../message/read-request.ts';
import { createReplyBuilder } from '../message/reply-builder.ts';
import type { Store } from '../store/store.ts';
import type { Operation } from './operation.ts';

/** Records of one reply. */
const MOST_RECORDS = 10_000;

/** `listChange`: what has changed since a place in the queue (docs/services/mock-cucm.md). */
export const listChange: Operation = {
  name: 'listChange',
  isWrite: false,
  run({ changes, store }, payload) {
    if (!isNotifying(store)) {
      throw new AxlFault(AXL_CODE.invalid, 'AXL Change Notification is disabled: set the service parameter to True');
    }
    const sent = element(payload, 'startChangeId');
    if (!sent) return answer(changes, changes.lastId + 1, wrap('changes'));
    const start = placeOf(changes, sent);
    const types = typesOf(element(payload, 'objectList'));
    const reply = createReplyBuilder();
    let next = Math.max(start, 1);
    for (const change of changes.from(start)) {
      if (types === undefined || types.has(change.type)) {
        if (reply.rows >= MOST_RECORDS || !reply.add(record(change))) break;
      }
      // The place moves past what the filter left out.
      next = change.id + 1;
    }
    const rows = reply.returned().replace(/^<return\/?>|<\/return>$/g, '') as Markup;
    return answer(changes, next, wrap('changes', undefined, rows));
  },
};

function isNotifying(store: Store): boolean {
  const row = store.read.get<{ paramvalue: string }>(
    "SELECT paramvalue FROM processconfig WHERE paramname = 'AXLChangeNotification'",
  );
  return row === undefined || /^(t|true|on|1)$/i.test(row.paramvalue);
}

/** @throws AxlFault 5003, 5007 */
function placeOf(changes: ChangeQueue, sent: XmlElement): number {
  const queueId = attribute(sent, 'queueId')?.trim() ?? '';
  if (queueId === '') throw new AxlFault(AXL_CODE.invalid, 'The attribute queueId of startChangeId is required');
  const value = valueText(sent);
  if (!/^\d{1,15}$/.test(value)) throw new AxlFault(AXL_CODE.invalid, 'The value of startChangeId is not a number');
  if (queueId !== changes.queueId) {
    throw new AxlFault(
      AXL_CODE.notFound,
      'The queueId value does not match the server. Perform a full synchronization of all data, then continue with the current queueId.',
    );
  }
  const start = Number(value);
  if (start > 0 && start < changes.firstId) {
    throw new AxlFault(
      AXL_CODE.notFound,
      `The startChangeId ${start} is not available any more. The oldest available change id is ${changes.firstId}.`,
    );
  }
  return start;
}

function typesOf(list: XmlElement | undefined): ReadonlySet<string> | undefined {
  const types = list
    ? elements(list, 'object')
        .map(valueText)
        .filter((type) => type !== '')
    : [];
  return types.length === 0 ? undefined : new Set(types);
}

function record(change: QueuedChange): string {
  const tags =
    change.action === 'r'
      ? []
      : [
          wrap(
            'changedTags',
            undefined,
            ...change.tags.map((tag) => textElement('changedTag', tag.value, { name: tag.name })),
          ),
        ];
  return wrap(
    'change',
    { type: change.type, uuid: change.pkid },
    textElement('id', change.id),
    textElement('action', change.action),
    textElement('doGet', change.doGet),
    ...tags,
  );
}

function answer(changes: ChangeQueue, next: number, list: Markup): Markup {
  const info = wrap(
    'queueInfo',
    undefined,
    textElement('firstChangeId', changes.firstId),
    textElement('lastChangeId', changes.lastId),
    textElement('nextStartChangeId', next),
    textElement('queueId', changes.queueId),
  );
  return join([info, list]);
}
