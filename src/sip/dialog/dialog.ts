import { malformed, refusal } from '../errors.ts';
import { createRequest } from '../message/build.ts';
import {
  callIdOf,
  cseqOf,
  fromOf,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  toOf,
} from '../message/message.ts';
import { NameAddr } from '../values/name-addr.ts';

/** A peer-to-peer relation of two user agents (RFC 3261 12): plain data, so that it can be stored. */
export interface Dialog {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** From and To of our requests, without tags. */
  readonly localUri: string;
  readonly remoteUri: string;
  /** Where requests go: the peer's Contact. */
  readonly remoteTarget: string;
  /** In the order in which our requests pass them. */
  readonly routes: readonly string[];
  /** CSeq of our last request; 0 before the first. */
  readonly localSeq: number;
  /** CSeq of the peer's last request; undefined before the first. */
  readonly remoteSeq: number | undefined;
  readonly isConfirmed: boolean;
  readonly isSecure: boolean;
}

/** What finds a dialog: the same for both directions of our side. */
export function dialogId(callId: string, localTag: string, remoteTag: string): string {
  return `${callId} ${localTag} ${remoteTag}`;
}

/** The id of the dialog that a request within it belongs to; undefined when its To has no tag. */
export function dialogIdOf(request: SipRequest): string | undefined {
  const localTag = toOf(request).tag;
  return localTag === undefined ? undefined : dialogId(callIdOf(request), localTag, fromOf(request).tag ?? '');
}

/** RFC 3261 12.1.1: the side that answered, with the tag that its response carries. @throws SipError for a bad Contact */
export function createServerDialog(request: SipRequest, response: SipResponse): Dialog {
  return {
    callId: callIdOf(request),
    localTag: toOf(response).tag ?? '',
    remoteTag: fromOf(request).tag ?? '',
    localUri: toOf(request).uriText,
    remoteUri: fromOf(request).uriText,
    remoteTarget: contactOf(request),
    routes: request.headers.list('record-route').map(String),
    localSeq: 0,
    remoteSeq: cseqOf(request).number,
    isConfirmed: response.status >= 200,
    isSecure: request.uri.toLowerCase().startsWith('sips:'),
  };
}

/** RFC 3261 12.1.2: the side that asked. A NOTIFY may come first and stands for the response (RFC 6665 4.4.1). */
export function createClientDialog(request: SipRequest, answer: SipResponse): Dialog {
  return {
    callId: callIdOf(request),
    localTag: fromOf(request).tag ?? '',
    remoteTag: toOf(answer).tag ?? '',
    localUri: fromOf(request).uriText,
    remoteUri: toOf(request).uriText,
    remoteTarget: contactOf(answer),
    routes: answer.headers.list('record-route').map(String).reverse(),
    localSeq: cseqOf(request).number,
    remoteSeq: undefined,
    isConfirmed: answer.status >= 200,
    isSecure: request.uri.toLowerCase().startsWith('sips:'),
  };
}

export interface DialogRequest {
  readonly method: string;
  readonly headers?: Iterable<readonly [string, string]>;
  readonly contentType?: string;
  readonly body?: Buffer | string;
}

/**
 * The next request in the dialog (RFC 3261 12.2.1.1), and the dialog after it. An ACK or CANCEL keeps the number of its
 * INVITE. A first route without `lr` is a strict router: it becomes the Request-URI.
 */
export function nextRequest(dialog: Dialog, options: DialogRequest): { request: SipRequest; dialog: Dialog } {
  const keepsNumber = options.method === 'ACK' || options.method === 'CANCEL';
  const cseq = keepsNumber ? dialog.localSeq : dialog.localSeq + 1;
  const first = dialog.routes[0];
  const strict = first === undefined ? undefined : strictTarget(first);
  const routes = strict === undefined ? dialog.routes : [...dialog.routes.slice(1), `<${dialog.remoteTarget}>`];
  const request = createRequest({
    ...options,
    uri: strict ?? dialog.remoteTarget,
    from: new NameAddr(dialog.localUri, tagged(dialog.localTag)),
    to: new NameAddr(dialog.remoteUri, tagged(dialog.remoteTag)),
    callId: dialog.callId,
    cseq,
    headers: [...routes.map((route) => ['Route', route] as const), ...(options.headers ?? [])],
  });
  return { request, dialog: { ...dialog, localSeq: cseq } };
}

/** Requests whose Contact moves the remote target (RFC 3261 12.2, RFC 6665 4.4.1). */
const REFRESHING = new Set(['INVITE', 'UPDATE', 'SUBSCRIBE', 'NOTIFY', 'REFER']);

/**
 * The dialog after a request of the peer (RFC 3261 12.2.2).
 * @throws SipError `sip.refused` 500 when it is older than one that came before
 */
export function acceptRequest(dialog: Dialog, request: SipRequest): Dialog {
  const { number } = cseqOf(request);
  if (request.method === 'ACK') return dialog;
  if (dialog.remoteSeq !== undefined && number <= dialog.remoteSeq) {
    throw refusal(500, 'CSeq Out of Order');
  }
  const refreshed = REFRESHING.has(request.method) && request.headers.has('contact');
  return { ...dialog, remoteSeq: number, ...(refreshed ? { remoteTarget: contactOf(request) } : {}) };
}

/** The dialog after a response to a request of ours in it: it confirms an early one, and may move the remote target. */
export function acceptResponse(dialog: Dialog, request: SipRequest, response: SipResponse): Dialog {
  if (response.status >= 300) return dialog;
  const refreshed = REFRESHING.has(request.method) && response.headers.has('contact');
  return {
    ...dialog,
    isConfirmed: dialog.isConfirmed || response.status >= 200,
    ...(refreshed ? { remoteTarget: contactOf(response) } : {}),
  };
}

function contactOf(message: SipMessage): string {
  const contact = message.headers.get('contact');
  if (contact === undefined || contact === '*') throw malformed('Contact header', 'a dialog needs one address in it');
  return contact.uriText;
}

function tagged(tag: string): ReadonlyMap<string, string> {
  return tag === '' ? new Map() : new Map([['tag', tag]]);
}

function strictTarget(route: string): string | undefined {
  const { uri, uriText } = parseRoute(route);
  return uri.kind === 'sip' && !uri.params.has('lr') ? uriText : undefined;
}

function parseRoute(route: string): NameAddr {
  const inside = /<([^>]*)>/.exec(route)?.[1];
  return new NameAddr(inside ?? route);
}
