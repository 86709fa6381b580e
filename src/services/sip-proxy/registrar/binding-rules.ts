import { type ExpiryBounds, grantExpiry } from '../../../sip/dialog/subscription.ts';
import { malformed, refusal } from '../../../sip/errors.ts';
import { ownText } from '../../../sip/own-text.ts';
import type { Contact, NameAddr } from '../../../sip/values/name-addr.ts';
import { isSameUri, parseUri } from '../../../sip/values/uri.ts';
import type { BindingChanges, SipBinding } from '../../sip-registration-datastore/sip-registration-datastore.ts';

/** What a REGISTER says of one user's bindings, and what holds for all it makes. */
export interface RegisterRequest {
  readonly address: string;
  readonly callId: string;
  readonly cseq: number;
  readonly contacts: readonly Contact[];
  /** Expires header, seconds. */
  readonly expires: number | undefined;
  /** The client speaks RFC 5626, and so does the first hop. */
  readonly isOutbound: boolean;
  readonly path: readonly string[];
  readonly flow: string | null;
  readonly isBehindFlow: boolean;
  readonly node: string;
  readonly userAgent: string;
}

export interface BindingLimits extends ExpiryBounds {
  readonly contactsPerUser: number;
}

export interface RegisterOutcome extends BindingChanges {
  /** What the user has now. */
  readonly bindings: readonly SipBinding[];
}

/** What a client may write for `expires` that is not a number (RFC 3261 10.2.1.1). */
const MALFORMED_EXPIRES = 3_600;
const MAX_REG_ID = 0x7fff_ffff;
const OWN_PARAMS = new Set(['q', 'expires']);

/**
 * The rules of RFC 3261 10.3, steps 6 and 7, with those of RFC 5626 6 for outbound bindings. All or nothing.
 * @param present bindings that have not expired @param now milliseconds since the epoch
 * @throws SipError with its answer: 400, 403 over the limit, 423 with Min-Expires
 */
export function applyRegister(
  request: RegisterRequest,
  present: readonly SipBinding[],
  now: number,
  limits: BindingLimits,
): RegisterOutcome {
  if (request.contacts.includes('*')) return removeAll(request, present);
  let bindings = present;
  const put: SipBinding[] = [];
  const remove: SipBinding[] = [];
  for (const contact of request.contacts as readonly NameAddr[]) {
    const made = bindingOf(contact, request, now);
    const known = present.find((each) => isSameBinding(each, made));
    if (known) checkOrder(request, known);
    const seconds = grantExpiry(askedSeconds(contact, request), limits);
    if (seconds === 'too-brief') {
      throw refusal(423, 'Interval Too Brief', { 'Min-Expires': String(limits.minSeconds) });
    }
    // A contact that stands twice in the request counts as it stands last.
    bindings = bindings.filter((each) => each !== known && !isSameBinding(each, made));
    for (const list of [put, remove]) {
      const before = list.findIndex((each) => isSameBinding(each, made));
      if (before >= 0) list.splice(before, 1);
    }
    if (seconds === 0) {
      if (known) remove.push(known);
      continue;
    }
    const binding = { ...made, expiresAt: now + seconds * 1000, registeredAt: known?.registeredAt ?? now };
    // The same contact in other words has another key: the old row goes.
    if (known && known.contact !== made.contact && made.outbound === null) remove.push(known);
    put.push(binding);
    bindings = [...bindings, binding];
  }
  if (put.length > 0 && bindings.length > limits.contactsPerUser && bindings.length > present.length) {
    throw refusal(403, 'Too Many Contacts');
  }
  return { put, remove, bindings };
}

/** `Contact: *` with `Expires: 0`. */
function removeAll(request: RegisterRequest, present: readonly SipBinding[]): RegisterOutcome {
  if (request.contacts.length > 1) throw malformed('Contact header', 'the star does not stand alone');
  if (request.expires !== 0) throw malformed('Contact header', 'the star needs Expires: 0');
  for (const binding of present) checkOrder(request, binding);
  return { put: [], remove: present, bindings: [] };
}

/** A request of the same call that is not newer than what made the binding changes nothing. */
function checkOrder(request: RegisterRequest, binding: SipBinding): void {
  if (binding.callId === request.callId && request.cseq <= binding.cseq) throw refusal(400, 'CSeq Out of Order');
}

function isSameBinding(a: SipBinding, b: SipBinding): boolean {
  if (a.outbound !== null && b.outbound !== null) {
    return a.outbound.instance === b.outbound.instance && a.outbound.regId === b.outbound.regId;
  }
  return a.outbound === b.outbound && isSameUri(parseUri(a.contact), parseUri(b.contact));
}

function bindingOf(contact: NameAddr, request: RegisterRequest, now: number): SipBinding {
  if (contact.uri.kind !== 'sip') throw malformed('Contact header', 'it is no SIP URI');
  const params: Record<string, string> = {};
  for (const [name, value] of contact.params) if (!OWN_PARAMS.has(name)) params[ownText(name)] = ownText(value);
  return {
    address: request.address,
    contact: ownText(contact.uriText),
    outbound: request.isOutbound ? outboundOf(contact) : null,
    params,
    q: qualityOf(contact.params.get('q')),
    callId: ownText(request.callId),
    cseq: request.cseq,
    registeredAt: now,
    expiresAt: now,
    path: request.path.map(ownText),
    flow: request.flow,
    isBehindFlow: request.isBehindFlow,
    node: request.node,
    userAgent: ownText(request.userAgent),
  };
}

/** The instance and flow that a contact names; null when it names none (RFC 5626 4.2). */
export function outboundOf(contact: NameAddr): SipBinding['outbound'] {
  const instance = contact.params.get('+sip.instance');
  const regId = contact.params.get('reg-id');
  if (instance === undefined || instance === '' || regId === undefined) return null;
  if (!/^[0-9]{1,10}$/.test(regId) || Number(regId) < 1 || Number(regId) > MAX_REG_ID) {
    throw malformed('Contact header', 'no valid reg-id');
  }
  return { instance: ownText(instance), regId: Number(regId) };
}

function askedSeconds(contact: NameAddr, request: RegisterRequest): number | undefined {
  const own = contact.params.get('expires');
  if (own === undefined) return request.expires;
  return /^[0-9]{1,10}$/.test(own) ? Number(own) : MALFORMED_EXPIRES;
}

/** `0.7` as 700; without it the contact is preferred like one with 1 (RFC 3261 20.10). */
function qualityOf(text: string | undefined): number {
  if (text === undefined) return 1_000;
  if (!/^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/.test(text)) throw malformed('Contact header', 'no valid q');
  return Math.round(Number(text) * 1_000);
}
