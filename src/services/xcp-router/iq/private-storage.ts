import type { Ids } from '../../../ids/ids.ts';
import { elements, type XmlElement } from '../../../xml/element.ts';
import { parseXml } from '../../../xml/parse.ts';
import { serialise } from '../../../xml/serialise.ts';
import { el, StanzaError } from '../../../xmpp/xmpp.ts';
import type { IqHandler, IqRequest } from '../components/component.ts';

const PRIVATE = 'jabber:iq:private';
const MOST_BYTES = 128 * 1024;
const MOST_ELEMENTS = 100;

/** Private XML storage (XEP-0049): bookmarks and whatever else clients keep. */
export function privateStorageRequests(ids: Ids): readonly IqHandler[] {
  const wanted = ({ payload }: IqRequest): readonly XmlElement[] => {
    const found = elements(payload);
    if (found.length === 0) throw new StanzaError('bad-request', 'nothing is named');
    if (found.some(({ uri }) => uri === PRIVATE)) throw new StanzaError('bad-request', 'the element has no namespace');
    return found;
  };

  const get = async (request: IqRequest): Promise<XmlElement> => {
    const [asked] = wanted(request);
    if (asked === undefined || wanted(request).length > 1) throw new StanzaError('bad-request', 'one at a time');
    const row = await ids.read
      .selectFrom('privatexml')
      .select('content')
      .where('fkenduser', '=', request.owner?.pkid ?? '')
      .where('name', '=', nameOf(asked))
      .executeTakeFirst();
    return el(PRIVATE, 'query', {}, row === undefined ? asked : parseXml(row.content));
  };

  const set = async (request: IqRequest): Promise<null> => {
    const fkenduser = request.owner?.pkid ?? '';
    const rows = wanted(request).map((each) => ({ fkenduser, name: nameOf(each), content: serialise(each) }));
    if (rows.some(({ content }) => Buffer.byteLength(content) > MOST_BYTES)) {
      throw new StanzaError('not-acceptable', 'that is too much to keep');
    }
    await ids.transaction('client', async (trx) => {
      for (const row of rows) {
        await trx
          .insertInto('privatexml')
          .values(row)
          .onConflict((conflict) => conflict.columns(['fkenduser', 'name']).doUpdateSet({ content: row.content }))
          .execute();
      }
      const { count } = await trx
        .selectFrom('privatexml')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('fkenduser', '=', fkenduser)
        .executeTakeFirstOrThrow();
      if (Number(count) > MOST_ELEMENTS) throw new StanzaError('not-allowed', 'too much is kept already');
    });
    return null;
  };

  const common = { target: 'account', namespace: PRIVATE, local: 'query' } as const;
  return [
    { ...common, type: 'get', handle: get },
    { ...common, type: 'set', handle: set },
  ];
}

function nameOf({ uri, local }: XmlElement): string {
  return `{${uri}}${local}`;
}
