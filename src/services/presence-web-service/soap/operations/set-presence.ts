import { element, type XmlElement } from '../../../../xml/element.ts';
import { type SetPresenceRequest, setPresence as set } from '../../actions/set-presence.ts';
import { PwsFault } from '../../errors.ts';
import { childNumber, childText, presenceInside, toOverride, toPresenceType } from '../../read-request.ts';
import type { Operation } from '../operation.ts';
import { SUCCESS } from '../status.ts';

/** Publishes the caller's presence. Source: seen in the product's 10.x interface; the rules of override are documented. */
export const setPresence: Operation = {
  name: 'setPresence',
  who: 'enduser',
  failure: 'setFailed',
  async run(needs, payload, session) {
    const type = toPresenceType(childText(payload, 'presenceType'));
    const info = element(payload, 'presenceInfo') ?? { ...payload, children: [] };
    await set(needs, session, {
      info: type === 'BASIC_PRESENCE' ? readBasic(info) : readRich(info),
      override: readOverride(info),
      expiration: childNumber(payload, 'expiration'),
    });
    return SUCCESS;
  },
};

function readBasic(info: XmlElement): SetPresenceRequest['info'] {
  return { kind: 'basic', state: childText(info, 'basicPresence')?.trim() ?? '' };
}

function readRich(info: XmlElement): SetPresenceRequest['info'] {
  const rich = element(info, 'richPresence');
  if (!rich) throw new PwsFault('wrongRoot', 'rich presence is missing');
  return { kind: 'rich', root: presenceInside(rich) };
}

/** XML Schema's boolean: `1` and `0` as well. */
function readOverride(info: XmlElement): boolean {
  const text = childText(info, 'override')?.trim();
  return text === '1' || (text !== '0' && toOverride(text));
}
