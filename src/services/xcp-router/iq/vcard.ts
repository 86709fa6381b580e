import type { Ids } from '../../../ids/ids.ts';
import type { XmlElement } from '../../../xml/element.ts';
import { parseXml } from '../../../xml/parse.ts';
import { serialise } from '../../../xml/serialise.ts';
import { el, StanzaError } from '../../../xmpp/xmpp.ts';
import type { IqHandler, IqRequest, LocalUser } from '../components/component.ts';

const VCARD = 'vcard-temp';
const MOST_BYTES = 200 * 1024;

/** vcard-temp (XEP-0054): what the user has stored, else what the directory knows. */
export function vcardRequests(ids: Ids): readonly IqHandler[] {
  const fromDirectory = async (user: LocalUser): Promise<XmlElement> => {
    const row = await ids.read
      .selectFrom('enduser')
      .select([
        'firstname',
        'middlename',
        'lastname',
        'displayname',
        'mailid',
        'title',
        'department',
        'telephonenumber',
      ])
      .where('pkid', '=', user.pkid)
      .executeTakeFirst();
    if (row === undefined) return el(VCARD, 'vCard');
    const field = (name: string, value: string) => (value === '' ? [] : [el(VCARD, name, {}, value)]);
    const group = (name: string, ...children: readonly XmlElement[]) =>
      children.length === 0 ? [] : [el(VCARD, name, {}, ...children)];
    const full = row.displayname || [row.firstname, row.lastname].filter((part) => part !== '').join(' ');
    const { telephonenumber: number, mailid } = row;
    return el(
      VCARD,
      'vCard',
      {},
      ...field('FN', full),
      ...group(
        'N',
        ...field('FAMILY', row.lastname),
        ...field('GIVEN', row.firstname),
        ...field('MIDDLE', row.middlename),
      ),
      ...(mailid === '' ? [] : group('EMAIL', el(VCARD, 'INTERNET'), el(VCARD, 'USERID', {}, mailid))),
      ...(number === '' ? [] : group('TEL', el(VCARD, 'WORK'), el(VCARD, 'VOICE'), el(VCARD, 'NUMBER', {}, number))),
      ...field('TITLE', row.title),
      ...group('ORG', ...field('ORGUNIT', row.department)),
      el(VCARD, 'JABBERID', {}, user.jid.bare),
    );
  };

  const get = async ({ owner }: IqRequest): Promise<XmlElement | null> => {
    if (owner === undefined) return null;
    const row = await ids.read
      .selectFrom('vcard')
      .select('content')
      .where('fkenduser', '=', owner.pkid)
      .executeTakeFirst();
    return row === undefined ? await fromDirectory(owner) : parseXml(row.content);
  };

  const set = async ({ payload, owner, isOwn }: IqRequest): Promise<null> => {
    if (!isOwn || owner === undefined) throw new StanzaError('forbidden', "the card is another user's");
    const content = serialise(payload);
    if (Buffer.byteLength(content) > MOST_BYTES) throw new StanzaError('not-acceptable', 'the card is too large');
    await ids.transaction('client', async (trx) => {
      await trx
        .insertInto('vcard')
        .values({ fkenduser: owner.pkid, content })
        .onConflict((conflict) => conflict.column('fkenduser').doUpdateSet({ content }))
        .execute();
    });
    return null;
  };

  const common = { target: 'account', namespace: VCARD, local: 'vCard', isForOthers: true } as const;
  return [
    { ...common, type: 'get', handle: get },
    { ...common, type: 'set', handle: set },
  ];
}
