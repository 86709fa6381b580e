import { element, elements, textOf, type XmlElement } from '../../xml/element.ts';
import { join, textElement, element as wrap } from '../../xml/write.ts';
import { AXL_CODE, AxlFault, notFound } from '../message/axl-fault.ts';
import type { Reading, Writing } from '../store/access.ts';
import { rawMarkup, readFragment, writeFragment } from '../store/fragments.ts';
import type { AxlObject } from './axl-object.ts';
import { flag, parts, text } from './field.ts';
import { childText } from './user-lines.ts';

interface Detail {
  readonly service: string;
  readonly primaryname: string | null;
  readonly secondaryname: string | null;
  readonly tertiaryname: string | null;
  readonly servercertificateverification: string;
  readonly xml: string;
}

const JABBER = 'jabberClientConfigurationProfileInfo';

/** Which UC services the profile's users get, one row for each kind of service. */
const serviceProfileInfos = parts(
  'serviceProfileInfos',
  'aug',
  (reading, pkid) =>
    join([
      ...reading
        .all<Detail>(
          `SELECT y.name AS service, a.name AS primaryname, b.name AS secondaryname, c.name AS tertiaryname,
             d.servercertificateverification, d.xml
           FROM ucserviceprofiledetail d JOIN typeucservice y ON y.enum = d.tkucservice
           LEFT JOIN ucservice a ON a.pkid = d.fkucservice_1 LEFT JOIN ucservice b ON b.pkid = d.fkucservice_2
           LEFT JOIN ucservice c ON c.pkid = d.fkucservice_3 WHERE d.fkucserviceprofile = ? ORDER BY d.tkucservice`,
          pkid,
        )
        .map((row) =>
          wrap(
            'serviceProfileInfo',
            undefined,
            textElement('profileName', row.service),
            textElement('primary', row.primaryname ?? ''),
            textElement('secondary', row.secondaryname ?? ''),
            textElement('tertiary', row.tertiaryname ?? ''),
            textElement('serverCertificateVerification', row.servercertificateverification),
            textElement('serviceProfileXml', row.xml),
          ),
        ),
      rawMarkup(readFragment(reading, pkid, JABBER)),
    ]),
  (writing, pkid, sent) => {
    writing.run('DELETE FROM ucserviceprofiledetail WHERE fkucserviceprofile = ?', pkid);
    for (const each of elements(sent, 'serviceProfileInfo')) writeDetail(writing, pkid, each);
    const jabber = element(sent, JABBER);
    if (jabber) writeFragment(writing, 'ServiceProfile', pkid, jabber);
  },
);

function writeDetail(writing: Writing, pkid: string, sent: XmlElement): void {
  const name = childText(sent, 'profileName');
  const type = writing.get<{ enum: number }>(
    "SELECT enum FROM typeucservice WHERE name = ? COLLATE NOCASE OR name || ' Profile' = ? COLLATE NOCASE",
    name,
    name,
  );
  if (!type) throw new AxlFault(AXL_CODE.invalid, `${name} is not a kind of UC service`);
  const xml = element(sent, 'serviceProfileXml');
  writing.run(
    `INSERT INTO ucserviceprofiledetail (pkid, fkucserviceprofile, tkucservice, fkucservice_1, fkucservice_2, fkucservice_3,
       servercertificateverification, xml) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    writing.newPkid(),
    pkid,
    type.enum,
    serviceNamed(writing, childText(sent, 'primary')),
    serviceNamed(writing, childText(sent, 'secondary')),
    serviceNamed(writing, childText(sent, 'tertiary')),
    childText(sent, 'serverCertificateVerification'),
    xml ? textOf(xml) : '',
  );
}

function serviceNamed(reading: Reading, name: string): string | null {
  if (name === '' || name === '<None>') return null;
  const row = reading.get<{ pkid: string }>('SELECT pkid FROM ucservice WHERE name = ? COLLATE NOCASE', name);
  if (!row) throw notFound('UcService');
  return row.pkid;
}

/** What a client of IM and Presence is configured with. */
export const serviceProfileObject: AxlObject = {
  name: 'ServiceProfile',
  tag: 'serviceProfile',
  table: 'ucserviceprofile',
  verbs: ['add', 'get', 'list', 'update', 'remove'],
  key: ['name'],
  criteria: [{ tag: 'name' }, { tag: 'description' }],
  orderBy: 't.name COLLATE NOCASE',
  notFound: () => 'ServiceProfile',
  unique: [['name COLLATE NOCASE']],
  fields: [
    text('name', 'augl', { isRequired: true, max: 128, renamedBy: 'newName' }),
    text('description', 'augl', { max: 255 }),
    flag('isDefault', 'augl'),
    serviceProfileInfos,
  ],
  // One profile at most is the default.
  check(writing, pkid) {
    writing.run(
      `UPDATE ucserviceprofile SET isdefault = 'f' WHERE isdefault = 't' AND pkid <> ?
       AND EXISTS (SELECT 1 FROM ucserviceprofile p WHERE p.pkid = ? AND p.isdefault = 't')`,
      pkid,
      pkid,
    );
  },
};
