import { type Iq, iqResult, StanzaError } from '../../../xmpp/xmpp.ts';
import type { IqTarget, LocalUser } from '../components/component.ts';
import type { ComponentRegistry } from '../components/registry.ts';

/**
 * Answers a request in the server's or an account's name by whoever has registered for it.
 * @throws ImpError what goes back: `service-unavailable` when nobody answers such a request (RFC 6121 8.5.1)
 */
export async function answerIq(
  components: ComponentRegistry,
  target: IqTarget,
  iq: Iq,
  owner: LocalUser | undefined,
): Promise<ReturnType<typeof iqResult>> {
  const { from, payload } = iq;
  if (from === null || payload === null) throw new StanzaError('bad-request', 'the request says nothing');
  const handler = components.handlerOf(target, iq);
  const isOwn = owner !== undefined && from.bare === owner.jid.bare;
  if (handler === undefined || (target === 'account' && !isOwn && !handler.isForOthers)) {
    throw new StanzaError('service-unavailable', '');
  }
  const answer = await handler.handle({ iq, from, payload, owner, isOwn });
  return answer === null ? iqResult(iq) : iqResult(iq, answer);
}
