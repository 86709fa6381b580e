import { writePidf } from '../../pidf/write-pidf.ts';
import { element, join, type Markup, NOTHING, textElement } from '../../xml/write.ts';
import type { ContactPresence } from './actions/read-presence.ts';
import type { PresenceType } from './names.ts';

/**
 * A `presenceResponse` as both faces answer it.
 * @param prefix of its elements: '' for the REST face, which has no namespace, `p:` for SOAP.
 */
export function writePresence(prefix: '' | 'p:', type: PresenceType, contacts: readonly ContactPresence[]): Markup {
  const list =
    type === 'BASIC_PRESENCE'
      ? element(
          `${prefix}basicPresenceList`,
          undefined,
          ...contacts.map(({ uri, state }) => element(`${prefix}contact`, { contactURI: uri, presenceStatus: state })),
        )
      : element(
          `${prefix}richPresenceList`,
          undefined,
          contacts.length === 0 ? NOTHING : join(contacts.map(({ document }) => writePidf(document))),
        );
  return element(`${prefix}presenceResponse`, undefined, textElement(`${prefix}presenceType`, type), list);
}
