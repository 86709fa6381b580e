import { refusal } from '../../../sip/errors.ts';
import type { SipRequest } from '../../../sip/message/message.ts';
import type { Parameterised } from '../../../sip/values/simple.ts';

/** State of a phone's dialogs (RFC 4235), as CUCM may publish it. */
export const DIALOG_EVENT = 'dialog';

/** The Event header field of a request. @throws SipError 489 for a package that is not taken here, or none */
export function eventOf(request: SipRequest, taken: readonly string[]): Parameterised {
  const event = request.headers.get('event');
  if (event === undefined || !taken.includes(event.value)) {
    throw refusal(489, 'Bad Event', { 'Allow-Events': taken.join(', ') });
  }
  return event;
}
