import { readPidf } from '../../../src/pidf/read-pidf.ts';
import { basicStateOf } from '../../../src/presence/basic-state.ts';
import { createClientDialog, type Dialog, nextRequest } from '../../../src/sip/dialog/dialog.ts';
import { subscriptionStateOf } from '../../../src/sip/dialog/subscription.ts';
import { createRequest } from '../../../src/sip/message/build.ts';
import type { SipRequest, SipResponse } from '../../../src/sip/message/message.ts';
import type { Hop, SipTransport } from '../../../src/sip/transport/flow.ts';
import { NameAddr } from '../../../src/sip/values/name-addr.ts';
import { parseXml } from '../../../src/xml/parse.ts';
import { type OpenEndpoint, openEndpoint } from '../../sip/sip-world.ts';
import { DOMAIN, type EngineWorld } from './engine-world.ts';

/** What a NOTIFY said. */
export interface Heard {
  readonly request: SipRequest;
  /** `active`, `pending`, `terminated;rejected` … */
  readonly state: string;
  /** Basic presence; '' without a document. */
  readonly presence: string;
}

export interface UserAgent extends AsyncDisposable {
  readonly sip: OpenEndpoint;
  readonly address: string;
  /** NOTIFYs so far, those not yet read by `next`. */
  readonly unread: readonly Heard[];
  /** How NOTIFYs are answered; undefined: with 200. */
  answer: ((request: SipRequest) => { readonly status: number; readonly retryAfter?: number }) | undefined;
  /** The next NOTIFY, or the first unread one. */
  next(): Promise<Heard>;
  subscribe(user: string, headers?: readonly (readonly [string, string])[], body?: Body): Promise<Watch>;
  publish(
    body: string | undefined,
    headers?: readonly (readonly [string, string])[],
    user?: string,
  ): Promise<SipResponse>;
  send(
    method: string,
    user: string,
    headers?: readonly (readonly [string, string])[],
    body?: Body,
  ): Promise<SipResponse>;
}

export interface Body {
  readonly type: string;
  readonly text: string;
}

export interface Watch {
  readonly response: SipResponse;
  /** A SUBSCRIBE within the dialog. */
  refresh(expires: number, headers?: readonly (readonly [string, string])[]): Promise<SipResponse>;
}

export function hopOf(world: EngineWorld, transport: SipTransport): Hop {
  const hop = world.engine.sipHop();
  if (!hop) throw new Error('the engine does not listen');
  return { ...hop, transport };
}

export const pidf = (user: string, activities: string, basic = 'open', note = ''): string =>
  `<?xml version="1.0" encoding="UTF-8"?><presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" ` +
  `xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="pres:${user}@${DOMAIN}"><tuple id="t1"><status><basic>${basic}</basic></status></tuple>` +
  `<dm:person id="p1"><rpid:activities>${activities
    .split(' ')
    .filter((each) => each !== '')
    .map((each) => `<rpid:${each}/>`)
    .join('')}</rpid:activities>${note === '' ? '' : `<dm:note>${note}</dm:note>`}</dm:person></presence>`;

let calls = 0;

/** A scripted SIP user agent of one user, speaking to the engine as the SIP Proxy would let it. */
export async function openUserAgent(
  world: EngineWorld,
  user: string,
  transport: SipTransport = 'UDP',
): Promise<UserAgent> {
  const endpoint = await openEndpoint();
  const address = user.includes('@') ? user : `${user}@${DOMAIN}`;
  const unread: Heard[] = [];
  const waiting: ((heard: Heard) => void)[] = [];
  const contact = `<sip:${user.split('@')[0]}@127.0.0.1:${endpoint.hop().port};transport=${transport.toLowerCase()}>`;
  endpoint.sip.onRequest((transaction) => {
    const { request } = transaction;
    const { status, retryAfter } = agent.answer?.(request) ?? { status: 200 };
    transaction.reply(status, { headers: retryAfter === undefined ? [] : [['Retry-After', String(retryAfter)]] });
    const said = subscriptionStateOf(request);
    const reason = said.state === 'terminated' && said.reason !== undefined ? `;${said.reason}` : '';
    const heard: Heard = { request, state: said.state + reason, presence: presenceIn(request) };
    const reader = waiting.shift();
    if (reader) reader(heard);
    else unread.push(heard);
  });
  const make = (
    method: string,
    to: string,
    headers: readonly (readonly [string, string])[],
    body?: Body,
  ): SipRequest => {
    calls += 1;
    return createRequest({
      method,
      uri: `sip:${to.includes('@') ? to : `${to}@${DOMAIN}`}`,
      from: new NameAddr(`sip:${address}`, new Map([['tag', `f${calls}`]])),
      to: new NameAddr(`sip:${to.includes('@') ? to : `${to}@${DOMAIN}`}`),
      callId: `call-${calls}-${endpoint.hop().port}`,
      cseq: 1,
      headers: [['Contact', contact], ...headers],
      ...(body === undefined ? {} : { contentType: body.type, body: body.text }),
    });
  };
  const target = { hop: hopOf(world, transport) };
  const agent: UserAgent = {
    sip: endpoint,
    address,
    unread,
    answer: undefined,
    next() {
      const first = unread.shift();
      if (first) return Promise.resolve(first);
      return new Promise((resolve) => waiting.push(resolve));
    },
    async subscribe(to, headers = [], body) {
      const request = make('SUBSCRIBE', to, [['Event', 'presence'], ...headers], body);
      const response = await endpoint.sip.send(request, target);
      let dialog: Dialog | undefined = response.status < 300 ? createClientDialog(request, response) : undefined;
      return {
        response,
        async refresh(expires, more = []) {
          if (!dialog) throw new Error('there is no dialog');
          const next = nextRequest(dialog, {
            method: 'SUBSCRIBE',
            headers: [['Event', 'presence'], ['Contact', contact], ['Expires', String(expires)], ...more],
          });
          dialog = next.dialog;
          return await endpoint.sip.send(next.request, target);
        },
      };
    },
    publish: (body, headers = [], to = user) =>
      agent.send(
        'PUBLISH',
        to,
        [['Event', 'presence'], ...headers],
        body === undefined ? undefined : { type: 'application/pidf+xml', text: body },
      ),
    send: (method, to, headers = [], body) => endpoint.sip.send(make(method, to, headers, body), target),
    [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose](),
  };
  return agent;
}

function presenceIn(request: SipRequest): string {
  if (request.headers.get('content-type')?.value !== 'application/pidf+xml') return '';
  return basicStateOf(readPidf(parseXml(request.body.toString('utf8'))));
}
