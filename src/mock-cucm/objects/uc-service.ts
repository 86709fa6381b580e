import { textOf } from '../../xml/element.ts';
import { text as escaped } from '../../xml/write.ts';
import type { AxlObject } from './axl-object.ts';
import { number, parts, text, typed } from './field.ts';

/** Free XML of a UC service, kept as text. */
const ucServiceXml = parts(
  'ucServiceXml',
  'aug',
  (reading, pkid) =>
    escaped(reading.get<{ xml: string }>('SELECT xml FROM ucservicexml WHERE fkucservice = ?', pkid)?.xml ?? ''),
  (writing, pkid, sent) => {
    writing.run(
      `INSERT INTO ucservicexml (pkid, fkucservice, xml) VALUES (?, ?, ?)
       ON CONFLICT (fkucservice) DO UPDATE SET xml = excluded.xml WHERE xml <> excluded.xml`,
      writing.newPkid(),
      pkid,
      textOf(sent),
    );
  },
);

/** A server that clients are told of: voicemail, directory, IM and Presence … */
export const ucServiceObject: AxlObject = {
  name: 'UcService',
  tag: 'ucService',
  table: 'ucservice',
  verbs: ['add', 'get', 'list', 'update', 'remove'],
  key: ['name'],
  criteria: [{ tag: 'name' }],
  orderBy: 't.name COLLATE NOCASE',
  notFound: () => 'UcService',
  unique: [['name COLLATE NOCASE']],
  fields: [
    typed('serviceType', 'agl', 'typeucservice', { column: 'tkucservice', isRequired: true }),
    typed('productType', 'agl', 'typeucproduct', { column: 'tkucproduct', isRequired: true }),
    text('name', 'augl', { isRequired: true, max: 50, renamedBy: 'newName' }),
    text('description', 'augl', { max: 255 }),
    text('hostnameorip', 'augl', { isRequired: true, max: 255 }),
    number('port', 'augl', { range: [0, 65_535] }),
    typed('protocol', 'augl', 'typeconnectprotocol', { column: 'tkconnectprotocol' }),
    ucServiceXml,
  ],
};
