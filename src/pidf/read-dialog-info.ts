import { attribute, element, elements, textOf, type XmlElement } from '../xml/element.ts';
import { PidfError } from './errors.ts';

const MOST_DIALOGS = 200;

/**
 * Whether the phone of a `dialog-info` document (RFC 4235) is off hook: a call stands, or one is being made. One that
 * only rings is not.
 * @throws PidfError `pidf.not-presence`, `pidf.too-large`
 */
export function isOffHook(root: XmlElement): boolean {
  if (root.local !== 'dialog-info') throw new PidfError('pidf.not-presence', 'the root element is not dialog-info');
  const dialogs = elements(root, 'dialog');
  if (dialogs.length > MOST_DIALOGS) throw new PidfError('pidf.too-large', `more than ${MOST_DIALOGS} dialogs`);
  return dialogs.some((dialog) => {
    const state = element(dialog, 'state');
    const said = state === undefined ? '' : textOf(state).trim().toLowerCase();
    const isMaking = attribute(dialog, 'direction')?.trim().toLowerCase() === 'initiator';
    return said === 'confirmed' || (isMaking && (said === 'trying' || said === 'proceeding' || said === 'early'));
  });
}
