import { SUCCESS } from '../answers.ts';
import { saveContactInfo } from '../contacts/contact-info-store.ts';
import { checkContact } from '../contacts/names-of-contacts.ts';
import { Refusal } from '../errors.ts';
import { CONTACT_INFO_PROPERTIES } from '../names.ts';
import { sessionOperation } from '../operation.ts';
import { childrenOf, type NamedValue, readPersonaAttributes, readProperties } from '../read-request.ts';

interface ContactInfo {
  readonly user: string;
  readonly domain: string;
  readonly properties: readonly NamedValue[];
}

const NAMES: ReadonlySet<string> = new Set(CONTACT_INFO_PROPERTIES);
const MAX_CHARACTERS = 1024;

/** Keeps details of contacts, with or without presence; empty text deletes one. All or nothing. Source: ours. */
export const setContactInfo = sessionOperation<readonly ContactInfo[]>({
  name: 'set-contact-info',
  session: 'enduser',
  read: (payload, needs) =>
    childrenOf(payload, ['contact-info']).map((child) => ({
      ...readPersonaAttributes(child, needs.domain),
      properties: readProperties(child),
    })),
  async run({ ids }, contacts, session) {
    for (const contact of contacts) {
      checkContact(contact);
      for (const { name, value } of contact.properties) {
        if (!NAMES.has(name)) throw new Refusal('unknownProperty');
        if ([...value].length > MAX_CHARACTERS) throw new Refusal('badValue');
      }
    }
    await ids.transaction('client', (trx) => saveContactInfo(trx, session.userPkid, contacts));
    return SUCCESS;
  },
});
