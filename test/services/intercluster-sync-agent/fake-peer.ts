import type { IncomingMessage, ServerResponse } from 'node:http';
import { createHttpsListener, type TlsMaterial } from '../../../src/platform/https-listener.ts';
import { createLog } from '../../../src/platform/log.ts';
import { testCertificates } from '../../support/test-certificates.ts';

const NAMESPACE = 'urn:imp-gateway:intercluster:1';

/** A peer that answers what a test tells it to. */
export interface FakePeer extends AsyncDisposable {
  readonly url: string;
  readonly ca: string;
  /** Users by id, each as attributes: `userid="wanda" imAddress="…"`. */
  readonly users: Map<string, string>;
  clusterId: string;
  domain: string;
  sequence: number;
  /** More attributes of what it answers, by element. */
  readonly more: Map<string, string>;
  /** Called before an answer is given; one that returns true has answered itself. */
  before: (operation: string, request: IncomingMessage, response: ServerResponse) => boolean;
  /** Operations that were called, in order. */
  readonly called: string[];
  renew(tls: TlsMaterial): void;
}

export async function createFakePeer(tls?: TlsMaterial): Promise<FakePeer> {
  const certificates = await testCertificates();
  const listener = createHttpsListener('fake-peer', tls ?? certificates.tls, createLog({ level: 'silent' }));
  const peer: Omit<FakePeer, 'url' | 'ca' | 'renew' | typeof Symbol.asyncDispose> = {
    users: new Map(),
    clusterId: 'fake',
    domain: 'acme.example',
    sequence: 10,
    more: new Map(),
    before: () => false,
    called: [],
  };
  const more = (name: string): string => peer.more.get(name) ?? '';
  const user = ([id, attributes]: readonly [string, string]): string =>
    `<user id="${id}" ${attributes} ${more('user')}/>`;

  const answerTo = (operation: string, body: string): string => {
    const given = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(body)?.[1] ?? '';
    switch (operation) {
      case 'getCluster':
        return (
          `<getClusterResponse xmlns="${NAMESPACE}"><cluster id="${peer.clusterId}" publisher="fake1" ` +
          `domain="${peer.domain}" sequence="${peer.sequence}" users="${peer.users.size}" ${more('cluster')}/>` +
          `<node name="fake1" address="127.0.0.1" ${more('node')}/>${more('content')}</getClusterResponse>`
        );
      case 'listUsers': {
        const limit = Number(given('limit'));
        const all = [...peer.users].sort(([a], [b]) => (a < b ? -1 : 1)).filter(([id]) => id > given('after'));
        const page = all.slice(0, limit);
        const next = all.length > limit ? `next="${page.at(-1)?.[0]}"` : '';
        return `<listUsersResponse xmlns="${NAMESPACE}" ${next}>${page.map(user).join('')}</listUsersResponse>`;
      }
      case 'listChanges':
        return `<listChangesResponse xmlns="${NAMESPACE}" through="${peer.sequence}" ${more('changes')}>${more('changed')}</listChangesResponse>`;
      default:
        return `<${operation}Response xmlns="${NAMESPACE}"/>`;
    }
  };
  listener.mount('/', (request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const operation = /<(?:\w+:)?(getCluster|listUsers|listChanges|notifyChange)\b/.exec(body)?.[1] ?? '';
      peer.called.push(operation);
      if (peer.before(operation, request, response)) return;
      response.writeHead(200, { 'content-type': 'text/xml; charset=utf-8' });
      response.end(soap(answerTo(operation, body)));
    });
  });
  await listener.listen('127.0.0.1', 0);
  return Object.assign(peer, {
    url: `https://127.0.0.1:${listener.port}/intercluster/soap`,
    ca: certificates.ca,
    renew: (renewed: TlsMaterial) => listener.renew(renewed),
    [Symbol.asyncDispose]: () => listener.close(),
  });
}

export function soap(payload: string): string {
  return `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>${payload}</e:Body></e:Envelope>`;
}

export function faultOf(code: string, reason: string): string {
  return soap(
    `<e:Fault><faultcode>e:Server</faultcode><faultstring>${reason}</faultstring>` +
      `<detail><error xmlns="${NAMESPACE}" code="${code}">${reason}</error></detail></e:Fault>`,
  );
}
