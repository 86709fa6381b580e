import type { Clock } from '../../../platform/clock.ts';
import { refusal } from '../../../sip/errors.ts';
import { callIdOf, cseqOf, type SipRequest, toOf } from '../../../sip/message/message.ts';
import type { ServerTransaction } from '../../../sip/transaction/server-transaction.ts';
import type { Flow } from '../../../sip/transport/flow.ts';
import { NameAddr } from '../../../sip/values/name-addr.ts';
import { decodeEscapes } from '../../../sip/values/uri.ts';
import type { RoutedUser } from '../../route-datastore/route-datastore.ts';
import type { SipBinding } from '../../sip-registration-datastore/sip-registration-datastore.ts';
import type { Registrations } from '../stores.ts';
import { applyRegister, type BindingLimits, outboundOf, type RegisterRequest } from './binding-rules.ts';

export interface RegistrarNeeds {
  readonly registrations: Registrations;
  readonly clock: Clock;
  readonly nodeName: string;
  readonly tokenOf: (flow: Flow) => string;
}

/** RFC 3327 and RFC 5626, the only extensions that a REGISTER may require. */
const SUPPORTED: ReadonlySet<string> = new Set(['path', 'outbound']);

/** The user whose bindings a REGISTER is about: the user part of To. */
export function registeredUser(request: SipRequest): { readonly user: string; readonly host: string } {
  const { uri } = toOf(request);
  if (uri.kind !== 'sip' || uri.user === undefined) throw refusal(404, 'Not Found');
  return { user: decodeEscapes(uri.user), host: uri.host };
}

/**
 * Answers a REGISTER of a user of this node who has proved to be that user.
 * @throws SipError with the answer
 */
export async function register(
  transaction: ServerTransaction,
  user: RoutedUser,
  needs: RegistrarNeeds,
  limits: BindingLimits,
): Promise<readonly SipBinding[]> {
  const { request } = transaction;
  const asked = readRegister(transaction, user.imaddress.toLowerCase(), needs);
  const now = needs.clock.now();
  const bindings =
    asked.contacts.length === 0
      ? await needs.registrations.bindingsOf(asked.address)
      : (await needs.registrations.change(asked.address, (present) => applyRegister(asked, present, now, limits)))
          .bindings;
  const headers: [string, string][] = bindings.map((binding) => ['Contact', contactValue(binding, now)]);
  for (const value of request.headers.texts('path')) headers.push(['Path', value]);
  const isOutbound = asked.isOutbound && asked.contacts.some((contact) => contact !== '*' && outboundOf(contact));
  if (isOutbound) headers.push(['Require', 'outbound']);
  headers.push(['Supported', [...SUPPORTED].join(', ')], ['Date', new Date(now).toUTCString()]);
  transaction.reply(200, { headers });
  return bindings;
}

function readRegister(transaction: ServerTransaction, address: string, needs: RegistrarNeeds): RegisterRequest {
  const { request, flow } = transaction;
  const { headers } = request;
  const unsupported = headers.list('require').filter((option) => !SUPPORTED.has(option.toLowerCase()));
  if (unsupported.length > 0) throw refusal(420, 'Bad Extension', { Unsupported: unsupported.join(', ') });
  const contacts = headers.list('contact');
  const path = headers.list('path');
  // RFC 3327 5.3: a path that the client knows nothing of is not taken.
  if (path.length > 0 && !headers.lists('supported', 'path')) {
    throw refusal(420, 'Bad Extension', { Unsupported: 'path' });
  }
  const vias = headers.list('via');
  const isDirect = vias.length === 1;
  const wantsOutbound =
    headers.lists('supported', 'outbound') && contacts.some((contact) => contact !== '*' && outboundOf(contact));
  // RFC 5626 6: the first hop must be us, or an edge proxy that says that it keeps the flow.
  const hasEdge = path.at(-1)?.uri.kind === 'sip' && isOb(path.at(-1));
  if (wantsOutbound && !isDirect && !hasEdge) throw refusal(439, 'First Hop Lacks Outbound Support');
  const via = vias[0];
  const isNated = via?.params.has('received') === true && via.params.get('received') !== via.host;
  return {
    address,
    callId: callIdOf(request),
    cseq: cseqOf(request).number,
    contacts,
    expires: headers.get('expires'),
    isOutbound: wantsOutbound,
    path: path.map((each) => each.toString()),
    flow: isDirect ? needs.tokenOf(flow) : null,
    isBehindFlow: isDirect && (flow.isReliable || isNated || wantsOutbound),
    node: needs.nodeName,
    userAgent: (headers.text('user-agent') ?? '').slice(0, 128),
  };
}

function isOb(path: NameAddr | undefined): boolean {
  return path?.uri.kind === 'sip' && path.uri.params.has('ob');
}

/** A binding as a 200 tells it; seconds are rounded up, so that none is shown as gone. */
function contactValue(binding: SipBinding, now: number): string {
  const params = new Map(Object.entries(binding.params));
  if (binding.q < 1_000) params.set('q', (binding.q / 1_000).toString());
  params.set('expires', String(Math.ceil((binding.expiresAt - now) / 1_000)));
  return new NameAddr(binding.contact, params).toString();
}
