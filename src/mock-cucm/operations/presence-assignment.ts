import type { XmlElement } from '../../xml/element.ts';
import { textElement } from '../../xml/write.ts';
import { AXL_CODE, AxlFault, notFound } from '../message/axl-fault.ts';
import { braced } from '../message/values.ts';
import { childText } from '../objects/user-lines.ts';
import type { Reading } from '../store/access.ts';
import type { Operation } from './operation.ts';

function presenceUser(reading: Reading, payload: XmlElement): string {
  const row = reading.get<{ pkid: string; enablecups: string }>(
    'SELECT pkid, enablecups FROM enduser WHERE userid = ? COLLATE NOCASE',
    childText(payload, 'userid'),
  );
  if (!row) throw notFound('User');
  if (row.enablecups !== 't') throw new AxlFault(AXL_CODE.invalid, 'The user is not enabled for IM and Presence');
  return row.pkid;
}

/** `assignPresenceUser`: an IM and Presence node is to serve the user. */
export const assignPresenceUser: Operation = {
  name: 'assignPresenceUser',
  isWrite: true,
  async run({ store }, payload) {
    const pkid = await store.write((writing) => {
      const user = presenceUser(writing, payload);
      const node = writing.get<{ pkid: string }>(
        'SELECT pkid FROM processnode WHERE name = ? COLLATE NOCASE AND tkprocessnoderole = 2',
        childText(payload, 'server'),
      );
      if (!node) throw notFound('ProcessNode');
      writing.run('UPDATE enduser SET primarynodeid = ? WHERE pkid = ?', node.pkid, user);
      return user;
    });
    return textElement('return', braced(pkid));
  },
};

/** `unassignPresenceUser`. */
export const unassignPresenceUser: Operation = {
  name: 'unassignPresenceUser',
  isWrite: true,
  async run({ store }, payload) {
    const pkid = await store.write((writing) => {
      const user = presenceUser(writing, payload);
      writing.run('UPDATE enduser SET primarynodeid = NULL WHERE pkid = ?', user);
      return user;
    });
    return textElement('return', braced(pkid));
  },
};
