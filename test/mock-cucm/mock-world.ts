import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import { type CucmFixture, loadFixture } from '../../src/mock-cucm/fixture.ts';
import { createMockCucm, type MockCucm, type MockCucmOptions } from '../../src/mock-cucm/mock-cucm.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';
import { element, elements, textOf, type XmlElement } from '../../src/xml/element.ts';
import { parseXml } from '../../src/xml/parse.ts';
import { testCertificates } from '../support/test-certificates.ts';

export const ACME = fileURLToPath(new URL('../../fixtures/cucm/acme.json', import.meta.url));
export const PASSWORD = 'Imp-demo-1';
const LIMITS = { depth: 64, elements: 2_000_000, attributesPerElement: 64 };

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface AskOptions {
  readonly user?: string;
  readonly password?: string;
  readonly version?: string;
  /** Headers in place of ours; undefined leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Attributes of the operation element. */
  readonly attributes?: string;
}

/** A mock CUCM and raw HTTPS to it. */
export interface MockWorld extends AsyncDisposable {
  readonly mock: MockCucm;
  readonly ca: string;
  readonly base: string;
  readonly agent: Agent;
  /** Any request. */
  raw(
    path: string,
    options?: { method?: string; headers?: Readonly<Record<string, string | undefined>>; body?: string | Buffer },
  ): Promise<Answer>;
  /** One AXL operation, whatever comes of it. */
  ask(operation: string, inside: string, options?: AskOptions): Promise<Answer>;
  /** One AXL operation that succeeds: its response element. */
  axl(operation: string, inside: string, options?: AskOptions): Promise<XmlElement>;
  /** One that ends in a fault. */
  fault(operation: string, inside: string, options?: AskOptions): Promise<AxlErrorSeen>;
  /** Children of `return`. */
  rows(operation: string, inside: string, options?: AskOptions): Promise<XmlElement[]>;
  setFaults(faults: Readonly<Record<string, unknown>>): Promise<Answer>;
  /** Ends the mock and starts another on the same data. */
  restart(): Promise<void>;
}

export interface AxlErrorSeen {
  readonly status: number;
  readonly faultcode: string;
  readonly faultstring: string;
  readonly code: number;
  readonly message: string;
  readonly request: string;
}

let fixture: Promise<CucmFixture> | undefined;

export async function startMock(options: Partial<MockCucmOptions> = {}): Promise<MockWorld> {
  fixture ??= loadFixture(ACME);
  const { ca, tls } = await testCertificates();
  const made: MockCucmOptions = {
    dataDir: null,
    fixture: await fixture,
    users: 0,
    userPrefix: 'user',
    seed: 1,
    nodes: ['imp1'],
    host: '127.0.0.1',
    port: 0,
    tls,
    clock: systemClock,
    log: createLog({ level: 'silent' }),
    ...options,
  };
  let mock = createMockCucm(made);
  await mock.start();
  const base = (): string => `https://127.0.0.1:${mock.port}`;
  let agent = new Agent({ connect: { ca } });
  const raw: MockWorld['raw'] = async (path, { method = 'GET', headers = {}, body } = {}) => {
    const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
    const answer = await request(base() + path, {
      method: method as 'GET',
      dispatcher: agent,
      headers: given as Record<string, string>,
      body: body ?? null,
    });
    return { status: answer.statusCode, headers: answer.headers, body: await answer.body.text() };
  };
  const ask: MockWorld['ask'] = (operation, inside, options = {}) => {
    const version = options.version ?? '14.0';
    return raw('/axl/', {
      method: 'POST',
      headers: {
        authorization: basic(options.user ?? 'administrator', options.password ?? PASSWORD),
        'content-type': 'text/xml; charset=utf-8',
        soapaction: `"CUCM:DB ver=${version} ${operation}"`,
        ...options.headers,
      },
      body: envelope(operation, inside, version, options.attributes),
    });
  };
  const world: MockWorld = {
    get mock() {
      return mock;
    },
    get base() {
      return base();
    },
    ca,
    get agent() {
      return agent;
    },
    raw,
    ask,
    async axl(operation, inside, options) {
      const answer = await ask(operation, inside, options);
      if (answer.status !== 200) throw new Error(`${operation}: HTTP ${answer.status} ${answer.body}`);
      return payloadOf(answer.body);
    },
    async fault(operation, inside, options) {
      const answer = await ask(operation, inside, options);
      return faultOf(answer);
    },
    async rows(operation, inside, options) {
      const value = element(await world.axl(operation, inside, options), 'return');
      return value ? elements(value) : [];
    },
    setFaults: (faults) =>
      raw('/faults', {
        method: 'POST',
        headers: { authorization: basic('administrator', PASSWORD), 'content-type': 'application/json' },
        body: JSON.stringify(faults),
      }),
    async restart() {
      const { port } = mock;
      await agent.destroy();
      agent = new Agent({ connect: { ca } });
      await mock[Symbol.asyncDispose]();
      mock = createMockCucm({ ...made, port });
      await mock.start();
    },
    async [Symbol.asyncDispose]() {
      await agent.destroy();
      await mock[Symbol.asyncDispose]();
    },
  };
  return world;
}

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`;
}

export function envelope(operation: string, inside: string, version = '14.0', attributes = ''): string {
  return (
    `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ns="http://www.cisco.com/AXL/API/${version}">` +
    `<soapenv:Header/><soapenv:Body><ns:${operation} ${attributes}>${inside}</ns:${operation}></soapenv:Body></soapenv:Envelope>`
  );
}

export function payloadOf(body: string): XmlElement {
  const inBody = element(parseXml(body, LIMITS), 'Body');
  const payload = inBody && elements(inBody)[0];
  if (!payload) throw new Error(`no payload in ${body}`);
  return payload;
}

export function faultOf(answer: Answer): AxlErrorSeen {
  const fault = payloadOf(answer.body);
  const detail = element(fault, 'detail');
  const error = detail && elements(detail)[0];
  if (fault.local !== 'Fault' || !error) throw new Error(`HTTP ${answer.status}, no fault: ${answer.body}`);
  return {
    status: answer.status,
    faultcode: child(fault, 'faultcode'),
    faultstring: child(fault, 'faultstring'),
    code: Number(child(error, 'axlcode')),
    message: child(error, 'axlmessage'),
    request: child(error, 'request'),
  };
}

/** Text of the child element, '' when there is none. */
export function child(parent: XmlElement, ...path: string[]): string {
  let at: XmlElement | undefined = parent;
  for (const name of path) at = at && element(at, name);
  return at ? textOf(at) : '';
}

/** Texts of all such elements at the path's end. */
export function all(parent: XmlElement, ...path: string[]): string[] {
  let at: XmlElement[] = [parent];
  for (const name of path) at = at.flatMap((each) => elements(each, name));
  return at.map(textOf);
}
