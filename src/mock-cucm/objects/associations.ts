import { element, elements, textOf, type XmlElement } from '../../xml/element.ts';
import { join, type Markup, textElement, element as wrap } from '../../xml/write.ts';
import { notFound } from '../message/axl-fault.ts';
import type { Reading, Writing } from '../store/access.ts';
import { type PartsField, type PartsMode, parts } from './field.ts';

type Owner = 'enduser' | 'applicationuser';

/** The pkid of a device by name. @throws AxlFault 5007 */
export function deviceNamed(reading: Reading, name: string): string {
  const row = reading.get<{ pkid: string }>('SELECT pkid FROM device WHERE name = ? COLLATE NOCASE', name);
  if (!row) throw notFound(name);
  return row.pkid;
}

/** Names of devices tied to a user in one way: a list of `item` inside `tag`. */
export function deviceNames(
  tag: string,
  item: string,
  owner: Owner,
  association: number,
  removes?: { readonly adds: string; readonly removes: string },
): PartsField {
  const map = `${owner}devicemap`;
  return parts(
    tag,
    'aug',
    (reading, pkid) =>
      join(
        reading
          .all<{ name: string }>(
            `SELECT d.name FROM ${map} m JOIN device d ON d.pkid = m.fkdevice
             WHERE m.fk${owner} = ? AND m.tkuserassociation = ${association} ORDER BY d.name`,
            pkid,
          )
          .map((row) => textElement(item, row.name)),
      ),
    (writing, pkid, sent, mode) => {
      const wanted = elements(sent)
        .map((child) => textOf(child).trim())
        .filter((name) => name !== '')
        .map((name) => deviceNamed(writing, name));
      replace(writing, mode, wanted, {
        clear: `DELETE FROM ${map} WHERE fk${owner} = ? AND tkuserassociation = ${association}`,
        held: `SELECT fkdevice AS id FROM ${map} WHERE fk${owner} = ? AND tkuserassociation = ${association}`,
        insert: `INSERT OR IGNORE INTO ${map} (pkid, fk${owner}, fkdevice, tkuserassociation) VALUES (?, ?, ?, ${association})`,
        remove: `DELETE FROM ${map} WHERE fk${owner} = ? AND fkdevice = ? AND tkuserassociation = ${association}`,
        pkid,
      });
    },
    removes ?? {},
  );
}

/** Devices that the user controls. */
export function associatedDevices(owner: Owner, association: number): PartsField {
  return deviceNames('associatedDevices', 'device', owner, association);
}

/** Access control groups of a user. Roles follow from the group: they are told, and ignored when sent. */
export function associatedGroups(owner: Owner): PartsField {
  const map = `${owner}dirgroupmap`;
  return parts(
    'associatedGroups',
    'aug',
    (reading, pkid, asked) =>
      join(
        reading
          .all<{ pkid: string; name: string }>(
            `SELECT g.pkid, g.name FROM ${map} m JOIN dirgroup g ON g.pkid = m.fkdirgroup WHERE m.fk${owner} = ? ORDER BY g.name`,
            pkid,
          )
          .map((row) => userGroup(reading, row, asked && element(asked, 'userGroup'))),
      ),
    (writing, pkid, sent, mode) => {
      const wanted = elements(sent, 'userGroup').map((each) => groupNamed(writing, each));
      replace(writing, mode, wanted, {
        clear: `DELETE FROM ${map} WHERE fk${owner} = ?`,
        held: `SELECT fkdirgroup AS id FROM ${map} WHERE fk${owner} = ?`,
        insert: `INSERT OR IGNORE INTO ${map} (pkid, fk${owner}, fkdirgroup) VALUES (?, ?, ?)`,
        remove: `DELETE FROM ${map} WHERE fk${owner} = ? AND fkdirgroup = ?`,
        pkid,
      });
    },
  );
}

function userGroup(
  reading: Reading,
  row: { readonly pkid: string; readonly name: string },
  asked: XmlElement | undefined,
): Markup {
  const isAsked = (tag: string): boolean =>
    asked === undefined || elements(asked).length === 0 || !!element(asked, tag);
  const name = isAsked('name') ? [textElement('name', row.name)] : [];
  if (!isAsked('userRoles')) return wrap('userGroup', undefined, ...name);
  const roles = reading.all<{ name: string }>(
    `SELECT r.name FROM functionroledirgroupmap m JOIN functionrole r ON r.pkid = m.fkfunctionrole WHERE m.fkdirgroup = ? ORDER BY r.name`,
    row.pkid,
  );
  return wrap(
    'userGroup',
    undefined,
    ...name,
    wrap('userRoles', undefined, ...roles.map((role) => textElement('userRole', role.name))),
  );
}

function groupNamed(reading: Reading, sent: XmlElement): string {
  const named = element(sent, 'name');
  const name = textOf(named ?? sent).trim();
  const row = reading.get<{ pkid: string }>('SELECT pkid FROM dirgroup WHERE name = ? COLLATE NOCASE', name);
  if (!row) throw notFound('UserGroup');
  return row.pkid;
}

interface Mapping {
  readonly pkid: string;
  readonly clear: string;
  readonly held: string;
  readonly insert: string;
  readonly remove: string;
}

/** Makes a map table say `wanted` for one owner, touching only rows that differ, so that no change is told where none is. */
export function replace(writing: Writing, mode: PartsMode, wanted: readonly string[], mapping: Mapping): void {
  const { pkid } = mapping;
  const held = new Set(writing.all<{ id: string }>(mapping.held, pkid).map((row) => row.id));
  if (mode === 'remove') {
    for (const id of wanted) if (held.has(id)) writing.run(mapping.remove, pkid, id);
    return;
  }
  if (mode === 'set') {
    const kept = new Set(wanted);
    if (kept.size === 0 && held.size > 0) writing.run(mapping.clear, pkid);
    else for (const id of held) if (!kept.has(id)) writing.run(mapping.remove, pkid, id);
  }
  for (const id of new Set(wanted)) if (!held.has(id)) writing.run(mapping.insert, writing.newPkid(), pkid, id);
}
