import { elements, textOf } from '../../xml/element.ts';
import { join, textElement, element as wrap } from '../../xml/write.ts';
import { notFound } from '../message/axl-fault.ts';
import { braced } from '../message/values.ts';
import { replace } from './associations.ts';
import type { AxlObject } from './axl-object.ts';
import { parts, text } from './field.ts';
import { childText } from './user-lines.ts';

const members = parts(
  'members',
  'aug',
  (reading, pkid) =>
    join(
      reading
        .all<{ userid: string }>(
          `SELECT u.userid FROM enduserdirgroupmap m JOIN enduser u ON u.pkid = m.fkenduser WHERE m.fkdirgroup = ?
           UNION ALL
           SELECT a.name FROM applicationuserdirgroupmap m JOIN applicationuser a ON a.pkid = m.fkapplicationuser
           WHERE m.fkdirgroup = ? ORDER BY 1`,
          pkid,
          pkid,
        )
        .map((row) => wrap('member', undefined, textElement('userId', row.userid))),
    ),
  (writing, pkid, sent, mode) => {
    const wanted = elements(sent, 'member').map((each) => childText(each, 'userId') || textOf(each).trim());
    const find = (sql: string, name: string): string | undefined => writing.get<{ pkid: string }>(sql, name)?.pkid;
    const endUsers: string[] = [];
    const applicationUsers: string[] = [];
    for (const name of wanted) {
      const user = find('SELECT pkid FROM enduser WHERE userid = ? COLLATE NOCASE', name);
      const application = find('SELECT pkid FROM applicationuser WHERE name = ? COLLATE NOCASE', name);
      if (user !== undefined) endUsers.push(user);
      else if (application !== undefined) applicationUsers.push(application);
      else throw notFound('User');
    }
    for (const [owner, ids] of [
      ['enduser', endUsers],
      ['applicationuser', applicationUsers],
    ] as const) {
      const map = `${owner}dirgroupmap`;
      replace(writing, mode, ids, {
        clear: `DELETE FROM ${map} WHERE fkdirgroup = ?`,
        held: `SELECT fk${owner} AS id FROM ${map} WHERE fkdirgroup = ?`,
        insert: `INSERT OR IGNORE INTO ${map} (pkid, fkdirgroup, fk${owner}) VALUES (?, ?, ?)`,
        remove: `DELETE FROM ${map} WHERE fkdirgroup = ? AND fk${owner} = ?`,
        pkid,
      });
    }
  },
  { adds: 'addMembers', removes: 'removeMembers' },
);

const userRoles = parts(
  'userRoles',
  'aug',
  (reading, pkid) =>
    join(
      reading
        .all<{ pkid: string; name: string }>(
          `SELECT r.pkid, r.name FROM functionroledirgroupmap m JOIN functionrole r ON r.pkid = m.fkfunctionrole
           WHERE m.fkdirgroup = ? ORDER BY r.name`,
          pkid,
        )
        .map((row) => wrap('userRole', undefined, textElement('roleName', row.name, { uuid: braced(row.pkid) }))),
    ),
  (writing, pkid, sent, mode) => {
    const wanted = elements(sent, 'userRole').map((each) => {
      const row = writing.get<{ pkid: string }>(
        'SELECT pkid FROM functionrole WHERE name = ? COLLATE NOCASE',
        childText(each, 'roleName'),
      );
      if (!row) throw notFound('UserRole');
      return row.pkid;
    });
    replace(writing, mode, wanted, {
      clear: 'DELETE FROM functionroledirgroupmap WHERE fkdirgroup = ?',
      held: 'SELECT fkfunctionrole AS id FROM functionroledirgroupmap WHERE fkdirgroup = ?',
      insert: 'INSERT OR IGNORE INTO functionroledirgroupmap (pkid, fkdirgroup, fkfunctionrole) VALUES (?, ?, ?)',
      remove: 'DELETE FROM functionroledirgroupmap WHERE fkdirgroup = ? AND fkfunctionrole = ?',
      pkid,
    });
  },
  { adds: 'addUserRoles', removes: 'removeUserRoles' },
);

/** An access control group: who is in it, and the roles it gives. */
export const userGroupObject: AxlObject = {
  name: 'UserGroup',
  tag: 'userGroup',
  table: 'dirgroup',
  verbs: ['add', 'get', 'list', 'update', 'remove'],
  key: ['name'],
  criteria: [{ tag: 'name' }],
  orderBy: 't.name COLLATE NOCASE',
  notFound: () => 'UserGroup',
  unique: [['name COLLATE NOCASE']],
  columns: ["isstandard TEXT NOT NULL DEFAULT 'f'"],
  fields: [members, userRoles, text('name', 'augl', { isRequired: true, max: 128, renamedBy: 'newName' })],
};
