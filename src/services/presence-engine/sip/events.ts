import { PRESENCE_EVENT } from '../../../presence/publication.ts';
import { refusal } from '../../../sip/errors.ts';
import type { SipRequest } from '../../../sip/message/message.ts';
import type { Parameterised } from '../../../sip/values/simple.ts';

/** The Event header field of a request for presence. @throws SipError 489 for any other package, or none */
export function presenceEventOf(request: SipRequest): Parameterised {
  const event = request.headers.get('event');
  if (event?.value !== PRESENCE_EVENT) throw refusal(489, 'Bad Event', { 'Allow-Events': PRESENCE_EVENT });
  return event;
}
