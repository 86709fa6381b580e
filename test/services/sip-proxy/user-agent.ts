import { createDigestClient } from '../../../src/sip/digest/client.ts';
import { createRequest } from '../../../src/sip/message/build.ts';
import type { SipRequest, SipResponse } from '../../../src/sip/message/message.ts';
import type { SipEndpointNeeds } from '../../../src/sip/sip.ts';
import type { ServerTransaction } from '../../../src/sip/transaction/server-transaction.ts';
import type { SipTransport } from '../../../src/sip/transport/flow.ts';
import { NameAddr } from '../../../src/sip/values/name-addr.ts';
import { type OpenEndpoint, openEndpoint } from '../../sip/sip-world.ts';
import { PASSWORD, type ProxyWorld } from './world.ts';

/** A scripted phone that sends everything through the proxy. */
export interface UserAgent extends AsyncDisposable {
  readonly endpoint: OpenEndpoint;
  /** `sip:alice@127.0.0.1:40001` */
  readonly contact: string;
  /** What has come in, and how it is answered: 200 unless `answer` says otherwise. */
  readonly heard: SipRequest[];
  answer: (transaction: ServerTransaction) => void;
  request(method: string, given?: RequestParts): SipRequest;
  /** Sends, and once more with credentials when they are asked for. */
  send(request: SipRequest): Promise<SipResponse>;
  /** Sends once. */
  sendOnce(request: SipRequest): Promise<SipResponse>;
  register(headers?: readonly (readonly [string, string])[], given?: RequestParts): Promise<SipResponse>;
}

export interface RequestParts {
  readonly uri?: string;
  readonly from?: string;
  readonly to?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly maxForwards?: number;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string;
}

export interface UserAgentOptions {
  readonly transport?: SipTransport;
  readonly password?: string;
  readonly needs?: Partial<SipEndpointNeeds>;
}

let calls = 0;

export async function openUserAgent(
  world: ProxyWorld,
  user: string,
  options: UserAgentOptions = {},
): Promise<UserAgent> {
  const { transport = 'UDP', password = PASSWORD } = options;
  const endpoint = await openEndpoint(
    { tls: { ...world.tls.node, ca: world.tls.ca, clientCertificates: 'none' } },
    { clock: world.clock, ...options.needs },
  );
  const { sip } = endpoint;
  const digest = createDigestClient({ username: user, passwordFor: () => password });
  const scheme = transport === 'UDP' ? '' : `;transport=${transport.toLowerCase()}`;
  const contact = `sip:${user}@${sip.sentBy(transport)}${scheme}`;
  calls += 1;
  let registers = 0;
  const registration = `register-${calls}`;
  const agent: UserAgent = {
    endpoint,
    contact,
    heard: [],
    answer: (transaction) => transaction.reply(200),
    request(method, given = {}) {
      calls += 1;
      const from = new NameAddr(given.from ?? `sip:${user}@acme.example`, new Map([['tag', `tag${calls}`]]));
      return createRequest({
        method,
        uri: given.uri ?? 'sip:acme.example',
        from,
        to: new NameAddr(given.to ?? given.uri ?? `sip:${user}@acme.example`),
        callId: given.callId ?? `call-${calls}`,
        cseq: given.cseq ?? 1,
        ...(given.maxForwards !== undefined && { maxForwards: given.maxForwards }),
        headers: given.headers ?? [],
        ...(given.body !== undefined && { body: given.body, contentType: 'text/plain' }),
      });
    },
    sendOnce: (request) => sip.send(request, { hop: world.hop(transport) }),
    async send(request) {
      let asked = request;
      for (;;) {
        const response = await agent.sendOnce(asked);
        const again = digest.answer(asked, response);
        if (again === undefined) return response;
        asked = again;
      }
    },
    register(headers = [['Contact', `<${contact}>`]], given = {}) {
      registers += 2;
      const to = `sip:${user}@acme.example`;
      return agent.send(agent.request('REGISTER', { to, callId: registration, cseq: registers, headers, ...given }));
    },
    [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose](),
  };
  sip.onRequest((transaction) => {
    agent.heard.push(transaction.request);
    agent.answer(transaction);
  });
  sip.onAck((ack) => void agent.heard.push(ack));
  return agent;
}

/** Contacts of a 200 to a REGISTER, without their parameters. */
export function contactsOf(response: SipResponse): string[] {
  return response.headers.list('contact').map((contact) => (contact === '*' ? '*' : contact.uriText));
}
