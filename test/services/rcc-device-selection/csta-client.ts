import { createClientDialog, type Dialog, nextRequest } from '../../../src/sip/dialog/dialog.ts';
import { createRequest } from '../../../src/sip/message/build.ts';
import type { SipResponse } from '../../../src/sip/message/message.ts';
import type { SipTransport } from '../../../src/sip/transport/flow.ts';
import { NameAddr } from '../../../src/sip/values/name-addr.ts';
import { element, textOf, type XmlElement } from '../../../src/xml/element.ts';
import { parseXml } from '../../../src/xml/parse.ts';
import { type OpenEndpoint, openEndpoint } from '../../sip/sip-world.ts';
import { DOMAIN, type RccWorld } from './rcc-world.ts';

const ED3 = 'http://www.ecma-international.org/standards/ecma-323/csta/ed3';
const LINE = 'http://schemas.microsoft.com/Lcs/2005/04/RCCExtension';
const HEADERS = [['Content-Disposition', 'signal;handling=required']] as const;

export interface SignInOptions {
  readonly lineUri?: string;
  /** Leaves the ACK to `acknowledge`. */
  readonly isSilent?: boolean;
  readonly headers?: readonly (readonly [string, string])[];
  readonly contentType?: string;
  readonly body?: string;
}

/** A CSTA client as Microsoft's are: what it sends has their form. */
export interface CstaClient extends AsyncDisposable {
  /** Answers to the INVITE: all of them, as a 2xx is repeated. */
  readonly answers: SipResponse[];
  readonly lineUri: string;
  readonly isEnded: boolean;
  signIn(options?: SignInOptions): Promise<SipResponse>;
  acknowledge(): Promise<void>;
  refresh(): Promise<SipResponse>;
  /** A service in an INFO. */
  ask(name: string, content: string): Promise<{ readonly status: number; readonly root: XmlElement }>;
  monitor(): Promise<string>;
  /** Answers the id of the call. */
  call(called: string): Promise<string>;
  /** The next event, as `DeliveredEvent`, with what tests look at. */
  next(): Promise<CstaEvent>;
  /** Events that nobody has looked at. */
  readonly unseen: number;
  bye(): Promise<SipResponse>;
  /** Resolves when the server says BYE. */
  readonly goneByServer: Promise<void>;
}

export interface CstaEvent {
  readonly name: string;
  readonly crossRefId: string;
  readonly callId: string;
  /** Of the connection that it is about. */
  readonly device: string;
  readonly calling: string;
  readonly called: string;
  readonly local: string;
  readonly cause: string;
}

export async function openClient(
  world: Pick<RccWorld, 'port'>,
  user: string,
  lineUri: string,
  transport: SipTransport = 'TCP',
): Promise<CstaClient> {
  const endpoint: OpenEndpoint = await openEndpoint();
  const { sip } = endpoint;
  const server = { hop: { transport, address: '127.0.0.1', port: world.port } } as const;
  const contact = `<sip:${user}@${sip.sentBy(transport)}${transport === 'UDP' ? '' : `;transport=${transport.toLowerCase()}`}>`;
  const events: CstaEvent[] = [];
  const waiting: ((event: CstaEvent) => void)[] = [];
  const gone = Promise.withResolvers<void>();
  const answers: SipResponse[] = [];
  let dialog: Dialog | undefined;
  let isEnded = false;

  sip.onRequest((transaction) => {
    const { method, body } = transaction.request;
    transaction.reply(200);
    if (method === 'BYE') {
      isEnded = true;
      gone.resolve();
      return;
    }
    const event = readEvent(parseXml(body.toString()));
    const taker = waiting.shift();
    if (taker) taker(event);
    else events.push(event);
  });

  const inside = async (method: string, body?: string): Promise<SipResponse> => {
    if (!dialog) throw new Error('the client is not signed in');
    const next = nextRequest(dialog, {
      method,
      headers: [['Contact', contact], ...HEADERS],
      ...(body === undefined ? {} : { contentType: 'application/csta+xml', body }),
    });
    dialog = next.dialog;
    return await sip.send(next.request, server);
  };

  const client: CstaClient = {
    answers,
    lineUri,
    get isEnded() {
      return isEnded;
    },
    get unseen() {
      return events.length;
    },
    goneByServer: gone.promise,
    async signIn(options = {}) {
      const to = new NameAddr(`sip:rcc@127.0.0.1:${world.port}`);
      const request = createRequest({
        method: 'INVITE',
        uri: to.uriText,
        from: new NameAddr(`sip:${user}@${DOMAIN}`, new Map([['tag', Math.random().toString(36).slice(2)]])),
        to,
        callId: `${user}-${Math.random().toString(36).slice(2)}`,
        cseq: 1,
        headers: [['Contact', contact], ['Supported', 'timer'], ...HEADERS, ...(options.headers ?? [])],
        contentType: options.contentType ?? 'application/csta+xml',
        body: options.body ?? systemStatus(options.lineUri ?? lineUri),
      });
      const { final } = sip.request(request, server, { onResponse: (each) => void answers.push(each) });
      const response = await final;
      if (response.status >= 300) return response;
      dialog = createClientDialog(request, response);
      if (options.isSilent !== true) await client.acknowledge();
      return response;
    },
    async acknowledge() {
      if (!dialog) throw new Error('the client is not signed in');
      await sip.sendStateless(nextRequest(dialog, { method: 'ACK' }).request, server);
    },
    async refresh() {
      const response = await inside('INVITE', systemStatus(lineUri));
      if (response.status < 300) await client.acknowledge();
      return response;
    },
    async ask(name, content) {
      const { status, body } = await inside(
        'INFO',
        `<?xml version="1.0"?><${name} xmlns="${ED3}">${content}</${name}>`,
      );
      const nothing: XmlElement = { uri: '', local: '', attributes: [], children: [] };
      return { status, root: body.length === 0 ? nothing : parseXml(body.toString()) };
    },
    async monitor() {
      const object = `<monitorObject><deviceObject>${lineUri}</deviceObject></monitorObject>`;
      return textAt((await client.ask('MonitorStart', object)).root, 'monitorCrossRefID');
    },
    async call(called) {
      const content = `<callingDevice>${lineUri}</callingDevice><calledDirectoryNumber>${called}</calledDirectoryNumber><autoOriginate>doNotPrompt</autoOriginate>`;
      return textAt((await client.ask('MakeCall', content)).root, 'callingDevice', 'callID');
    },
    next: () =>
      new Promise((resolve) => {
        const event = events.shift();
        if (event) resolve(event);
        else waiting.push(resolve);
      }),
    async bye() {
      isEnded = true;
      return await inside('BYE');
    },
    [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose](),
  };
  return client;
}

export function systemStatus(lineUri: string): string {
  return `<?xml version="1.0"?><RequestSystemStatus xmlns="${ED3}"><extensions><privateData><private><lcs:line xmlns:lcs="${LINE}">${lineUri}</lcs:line></private></privateData></extensions></RequestSystemStatus>`;
}

/** Text below a path of names. */
export function textAt(root: XmlElement, ...path: readonly string[]): string {
  let found: XmlElement | undefined = root;
  for (const name of path) found = found && element(found, name);
  return found === undefined ? '' : textOf(found);
}

/** The answer's own error: `operation invalidConnectionID`; '' when it is none. */
export function errorOf({ root }: { readonly root: XmlElement }): string {
  if (root.local !== 'CSTAErrorCode') return '';
  const [category] = root.children;
  return typeof category === 'object' ? `${category.local} ${textOf(category)}`.trim() : '';
}

const CONNECTIONS: Readonly<Record<string, string>> = {
  OriginatedEvent: 'originatedConnection',
  DeliveredEvent: 'connection',
  EstablishedEvent: 'establishedConnection',
  ConnectionClearedEvent: 'droppedConnection',
  FailedEvent: 'failedConnection',
};

function readEvent(root: XmlElement): CstaEvent {
  const connection = CONNECTIONS[root.local] ?? '';
  return {
    name: root.local,
    crossRefId: textAt(root, 'monitorCrossRefID'),
    callId: textAt(root, connection, 'callID'),
    device: textAt(root, connection, 'deviceID'),
    calling: textAt(root, 'callingDevice', 'deviceIdentifier'),
    called: textAt(root, 'calledDevice', 'deviceIdentifier'),
    local: textAt(root, 'localConnectionInfo'),
    cause: textAt(root, 'cause'),
  };
}
