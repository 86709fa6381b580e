import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { FAULTS } from '../../../src/services/presence-web-service/errors.ts';
import { attribute, element, elements, textOf } from '../../../src/xml/element.ts';
import { parseXml } from '../../../src/xml/parse.ts';
import { testCertificates } from '../../support/test-certificates.ts';
import { openReceiver } from './callback-receiver.ts';
import { at, BASE, DOMAIN, envelope, NS, numberOf, openPwsWorld, type PwsWorld, type SoapAnswer } from './pws-world.ts';
import { validatePayload } from './schema.ts';

const BOB = `bob@${DOMAIN}`;

/** Requests by our schema; each is checked against it. */
const request = (name: string, content = '', attributes = ''): string => {
  const payload = `<${name} xmlns="${NS}" ${attributes}>${content}</${name}>`;
  validatePayload(payload);
  return payload;
};
const login = (user: string, password = 'secret', attributes = ''): string =>
  request('login', `<username>${user}</username><password>${password}</password>`, attributes);
const loginBy = (user: string, key: string, attributes = ''): string =>
  request('login', `<username>${user}</username><app-session-id>${key}</app-session-id>`, attributes);
const contacts = (...uris: readonly string[]): string =>
  `<contactsList>${uris.map((uri) => `<contact contactURI="${uri}"/>`).join('')}</contactsList>`;
const polled = (...uris: readonly string[]): string =>
  request('getPolledPresence', `${contacts(...uris)}<presenceType>BASIC_PRESENCE</presenceType>`);
const setBasic = (state: string, override = 'false', expiration = 3_600): string =>
  `<setPresence xmlns="${NS}"><presenceType>BASIC_PRESENCE</presenceType><presenceInfo><basicPresence>${state}</basicPresence><override>${override}</override></presenceInfo><expiration>${expiration}</expiration></setPresence>`;

const keyOf = ({ payload, text }: SoapAnswer): string => {
  const key = at(payload, 'success', 'session-key');
  if (key === undefined) throw new Error(`no session key in ${text}`);
  return key;
};

describe('the SOAP face', () => {
  let world: PwsWorld;
  let application: string;
  let alice: string;
  beforeEach(async () => {
    world = await openPwsWorld();
    application = keyOf(await world.soap(login('appuser')));
    alice = keyOf(await world.soap(loginBy('alice', application)));
  });
  afterEach(() => world[Symbol.asyncDispose]());

  it('signs in and out, with the backup node, the same key each time, and anew when forced', async () => {
    const answer = await world.soap(loginBy('alice', application));
    assert.equal(answer.payload.local, 'loginResponse');
    const success = element(answer.payload, 'success');
    assert.equal(success && attribute(success, 'backupServer'), 'imp2.acme.example');
    assert.equal(keyOf(answer), alice);
    const forced = keyOf(await world.soap(loginBy(` alice@${DOMAIN}\n`, application, 'force="true"')));
    assert.notEqual(forced, alice);
    assert.equal(numberOf(await world.soap(request('logout'), { key: alice })), 101);
    const out = await world.soap(request('logout'), { key: forced });
    assert.equal(at(out.payload, 'status'), 'SUCCESS');
    assert.equal(numberOf(await world.soap(request('logout'), { key: forced })), 101);
    const redirect = element((await world.soap(loginBy('olga', application))).payload, 'redirect');
    assert.equal(redirect && attribute(redirect, 'primaryServer'), 'imp2.acme.example');
  });

  it('refuses log-ins by number, with status 200', async () => {
    const both = `<username>a</username><password>x</password><app-session-id>y</app-session-id>`;
    for (const [number, payload] of [
      [112, `<login xmlns="${NS}"><username>alice</username></login>`],
      [112, `<login xmlns="${NS}">${both}</login>`],
      [111, login('appuser', '')],
      [113, login('')],
      [113, loginBy('nobody', application)],
      [114, login('appuser', 'wrong')],
      [114, login('alice')],
      [114, login('norole')],
      [114, loginBy('bob', 'unknown')],
    ] as const) {
      const answer = await world.soap(payload);
      assert.equal(numberOf(answer), number, payload);
      assert.equal(answer.status, 200);
    }
  });

  it('does endpoint, subscription, callback and fetching as a whole', async () => {
    await using receiver = await openReceiver();
    const register = (content: string): Promise<SoapAnswer> =>
      world.soap(request('registerEndPoint', content), { key: application });
    const endPoint = at(
      (await register(`<url>\n ${receiver.url} </url><endPointID>0</endPointID><expiration>86400</expiration>`))
        .payload,
      'endPointID',
    );
    assert.equal(endPoint, '1');
    await register('<endPointID>1</endPointID><expiration>3600</expiration>');
    const subscribe = (content: string): Promise<SoapAnswer> =>
      world.soap(request('subscribe', content), { key: alice });
    const end = '<endPointID>1</endPointID>';
    const subscribed = await subscribe(
      `${contacts(BOB)}<subscriptionType>PRESENCE_NOTIFICATION</subscriptionType><expiration>3600</expiration>${end}<subscriptionID>0</subscriptionID>`,
    );
    assert.equal(at(subscribed.payload, 'subscriptionID'), '1');
    await receiver.next();
    const more = await subscribe(
      `${contacts(`carol@${DOMAIN}`)}<subscriptionType>PRESENCE_NOTIFICATION</subscriptionType><expiration>0</expiration>${end}<subscriptionID>1</subscriptionID>`,
    );
    assert.equal(at(more.payload, 'subscriptionID'), '1');
    const fetched = await world.soap(
      request('getSubscribedPresence', '<subscriptionID>1</subscriptionID><presenceType>BASIC_PRESENCE</presenceType>'),
      { key: alice },
    );
    const list = element(element(fetched.payload, 'presenceResponse') ?? fetched.payload, 'basicPresenceList');
    assert.deepEqual(
      list && elements(list).map((contact) => contact.attributes.map(({ local, value }) => [local, value])),
      [
        [
          ['contactURI', BOB],
          ['presenceStatus', 'UNAVAILABLE'],
        ],
        [
          ['contactURI', `carol@${DOMAIN}`],
          ['presenceStatus', 'UNAVAILABLE'],
        ],
      ],
    );
    const leave = (content: string): Promise<SoapAnswer> =>
      world.soap(
        request('unsubscribe', `<unsubscribeRequest><subscriptionID>1</subscriptionID>${content}</unsubscribeRequest>`),
        {
          key: alice,
        },
      );
    assert.equal(numberOf(await leave(contacts(`x@${DOMAIN}`))), 144);
    assert.equal(at((await leave(contacts(BOB))).payload, 'status'), 'SUCCESS');
    const xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"';
    assert.equal(
      at((await leave(`<unsubscribeAll ${xsi} xsi:type="xsd:boolean">true</unsubscribeAll>`)).payload, 'status'),
      'SUCCESS',
    );
    assert.equal(numberOf(await leave('<unsubscribeAll/>')), 133);
    const gone = await world.soap(request('unregisterEndPoint', end), { key: application });
    assert.equal(at(gone.payload, 'status'), 'SUCCESS');
    assert.equal(numberOf(await world.soap(request('unregisterEndPoint', end), { key: application })), 132);
  });

  it('sets and reads basic presence, and holds its rules', async () => {
    assert.equal(at((await world.soap(setBasic('BUSY'), { key: alice })).payload, 'status'), 'SUCCESS');
    const answer = await world.soap(polled(`alice@${DOMAIN}`), { key: alice });
    assert.match(answer.text, /<p:contact contactURI="alice@acme\.example" presenceStatus="BUSY"\/>/);
    for (const [number, payload] of [
      [110, polled(BOB).replace('BASIC_PRESENCE', 'FULL')],
      [110, `<getPolledPresence xmlns="${NS}">${contacts(BOB)}</getPolledPresence>`],
      [146, `<getPolledPresence xmlns="${NS}"><presenceType>BASIC_PRESENCE</presenceType></getPolledPresence>`],
      [121, setBasic('AVAILABLE', 'true')],
      [122, setBasic('DND', '0')],
      [125, setBasic('AWAY', 'yes')],
      [125, setBasic('AWAY').replace('<override>false</override>', '')],
      [115, setBasic('')],
      [115, setBasic('AWAY').replace('<basicPresence>AWAY</basicPresence>', '')],
      [120, setBasic('SLEEPING')],
      [131, setBasic('AWAY', 'false', 100)],
    ] as const) {
      assert.equal(numberOf(await world.soap(payload, { key: alice })), number, payload);
    }
  });

  it('knows who may do what', async () => {
    assert.equal(numberOf(await world.soap(polled(BOB))), 100);
    assert.equal(numberOf(await world.soap(polled(BOB), { key: 'x' })), 101);
    assert.equal(numberOf(await world.soap(polled(BOB), { key: application })), 140);
    const register = '<url>http://a/</url><endPointID>0</endPointID><expiration>3600</expiration>';
    assert.equal(numberOf(await world.soap(request('registerEndPoint', register), { key: alice })), 141);
  });

  it('says faults in the version asked: 200 and one child in the detail', async () => {
    const eleven = await world.soap(polled(BOB));
    assert.equal(eleven.status, 200);
    assert.equal(eleven.headers.get('content-type'), 'text/xml; charset=utf-8');
    const detail = element(eleven.payload, 'detail');
    assert.equal(detail && elements(detail).length, 1);
    assert.match(
      eleven.text,
      /<faultcode>s:Client<\/faultcode><faultstring>A session key is needed<\/faultstring><detail><p:error code="100">A session key is needed<\/p:error><\/detail>/,
    );
    const twelve = await world.soap(polled(BOB), { version: '1.2' });
    assert.equal(twelve.headers.get('content-type'), 'application/soap+xml; charset=utf-8');
    assert.match(twelve.text, /<s:Code><s:Value>s:Sender<\/s:Value><\/s:Code>/);
    world.delayMs = 10_000;
    await world.clock.advance(4_000);
    const busy = await world.soap(polled(BOB), { key: alice });
    assert.deepEqual([busy.status, numberOf(busy)], [503, 210]);
    assert.match(busy.text, /<faultcode>s:Server</);
  });

  it('hides what went wrong inside', async () => {
    await world.test.ids.transaction('node', (trx) => trx.schema.dropTable('peuriacl').execute());
    const answer = await world.soap(polled(BOB), { key: alice });
    assert.deepEqual([answer.status, numberOf(answer)], [200, 200]);
    assert.doesNotMatch(answer.text, /peuriacl|table|sqlite|\.ts/i);
  });

  it('takes the session key in the namespaces of older documents and of the sister service', async () => {
    for (const namespace of [NS, 'urn:cisco:cup:tpi:soap', 'urn:cisco:epas:soap']) {
      const header = `<k:session-key xmlns:k="${namespace}">\n${alice}</k:session-key>`;
      assert.equal(numberOf(await world.soap(polled(BOB), { header })), undefined);
    }
    const none = await world.soap(polled(BOB), { header: `<session-key>${alice}</session-key>` });
    assert.equal(numberOf(none), 100);
  });

  it('refuses what is no request of it', async () => {
    for (const [number, body] of [
      [102, ''],
      [102, 'not XML'],
      [102, envelope(login('appuser')).slice(0, -2)],
      [102, `<!DOCTYPE x>${envelope(login('appuser'))}`],
      [102, envelope('<a>'.repeat(70) + '</a>'.repeat(70))],
      [103, '<a/>'],
      [103, envelope('')],
      [103, envelope(login('appuser') + login('appuser'))],
      [103, envelope(`<nothing xmlns="${NS}"/>`)],
      [103, envelope('<login><username>a</username><password>b</password></login>')],
      [103, envelope(`<login xmlns="urn:cisco:epas:soap"/>`)],
    ] as const) {
      const answer = await world.post(body);
      assert.equal(numberOf(answer), number, body.slice(0, 200));
      assert.equal(answer.status, 200);
    }
    const header = '<x:y xmlns:x="urn:x" s:mustUnderstand="1"/>';
    const answer = await world.soap(login('appuser'), { header });
    assert.match(answer.text, /<faultcode>s:MustUnderstand</);
    assert.doesNotMatch(answer.text, /NotUnderstood/);
    const newer = await world.soap(login('appuser'), { header, version: '1.2' });
    assert.match(newer.text, /<s:NotUnderstood qname="n1:y"\/>[\s\S]*<s:Value>s:MustUnderstand</);
  });

  it('answers WS-Addressing', async () => {
    const namespace = 'http://www.w3.org/2005/08/addressing';
    const header = `<a:Action xmlns:a="${namespace}" s:mustUnderstand="1">x</a:Action><a:MessageID xmlns:a="${namespace}">urn:1</a:MessageID>`;
    const answer = await world.soap(polled(BOB), { key: alice, header });
    assert.match(
      answer.text,
      /<a:Action [^>]*>urn:cisco:cup:presence:soap\/getPresenceResponse<[\s\S]*RelatesTo [^>]*>urn:1</,
    );
  });
});

describe('both faces over HTTP', () => {
  let world: PwsWorld;
  before(async () => {
    world = await openPwsWorld({ tls: (await testCertificates()).tls });
  });
  after(() => world[Symbol.asyncDispose]());

  /** Sends octets and reads until the other side closes. */
  const raw = async (...parts: readonly string[]): Promise<string> => {
    const socket = connect(world.port, '127.0.0.1');
    for (const part of parts) socket.write(part);
    let received = '';
    for await (const part of socket) received += String(part);
    return received;
  };
  const head = (method: string, path: string, ...headers: readonly string[]): string =>
    [`${method} ${BASE}${path} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n');

  it('serves the WSDL in any case of the query, naming the listener it was asked at, and the schema', async () => {
    for (const query of ['?wsdl', '?WSDL', '?wSdL=1', '?a=b&wsdl']) {
      const answer = await world.rest('GET', `/soap${query}`);
      assert.equal(answer.status, 200);
      assert.match(
        answer.text,
        new RegExp(`<soap:address location="http://127\\.0\\.0\\.1:${world.port}/presence-service/soap"/>`),
      );
      assert.match(answer.text, /schemaLocation="\/presence-service\/presence-web-service\.xsd"/);
      parseXml(answer.text);
    }
    assert.equal((await world.rest('GET', '/soap')).status, 405);
    parseXml((await world.rest('GET', '/presence-web-service.xsd')).text);
    assert.equal((await world.rest('POST', '/presence-web-service.xsd')).status, 405);
    assert.equal((await world.rest('HEAD', '/soap?wsdl')).status, 200);
  });

  it('names every operation, part and action as clients know them', async () => {
    const { text } = await world.rest('GET', '/soap?wsdl');
    for (const name of ['PresenceSoapPortType', 'PresenceSoapBinding', 'PresenceSoapService', 'PresenceSoapPort']) {
      assert.match(text, new RegExp(`name="${name}"`));
    }
    const operations = [
      'login',
      'logout',
      'registerEndPoint',
      'unregisterEndPoint',
      'subscribe',
      'unsubscribe',
      'getSubscribedPresence',
      'setPresence',
    ];
    for (const name of operations) assert.match(text, new RegExp(`soapAction="${NS}/${name}"`));
    assert.match(text, new RegExp(`soapAction="${NS}/getPresence"`));
    assert.match(text, /<wsdl:part name="parameters" element="tns:registerEndPoint"\/>/);
    assert.match(text, /<soap:header message="tns:SessionHeaderMessage" part="sessionKeyHeader" use="literal"\/>/);
  });

  it('takes POST without body and type, GET with a left-over body, and goes on with the connection', async () => {
    const application = await world.signInApplication();
    const signIn = head('POST', '/users/alice/sessions', `Presence-Session-Key: ${application}`, 'Content-Length: 0');
    const first = await raw(signIn, head('GET', '/none', 'Connection: close'));
    assert.match(first, /^HTTP\/1\.1 201 [\s\S]*<sessionKey>[\s\S]*HTTP\/1\.1 404 /);
    const key = await world.signIn('alice', application);
    const path = `/users/alice/presence/basic/contacts/${BOB}`;
    const get = head('GET', path, `Presence-Session-Key: ${key}`, 'Accept: application/xml', 'Content-Length: 30');
    const left = '<?xml version="1.0"?><left/>  ';
    const received = await raw(get + left + get.replace('Host: x', 'Host: x\r\nConnection: close') + left);
    assert.equal(received.match(/HTTP\/1\.1 200 /g)?.length, 2);
    assert.equal(received.match(/content-type: text\/xml; charset=utf-8/g)?.length, 2);
  });

  it('takes SOAP without a type, as application/xml, chunked, after Expect, with authorization', async () => {
    const body = envelope(login('appuser'));
    const length = `Content-Length: ${Buffer.byteLength(body)}`;
    const close = 'Connection: close';
    const chunks = [body.slice(0, 100), body.slice(100)].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`);
    for (const parts of [
      [head('POST', '/soap', close, length), body],
      [head('POST', '/soap', close, length, 'Content-Type: application/xml'), body],
      [head('POST', '/soap', close, length, 'SOAPAction: wrong', 'Authorization: Basic eDp5'), body],
      [head('POST', '/soap?wsdl', close, length), body],
      [head('POST', '/soap', close, 'Transfer-Encoding: chunked'), ...chunks, '0\r\n\r\n'],
      [head('POST', '/soap', close, length, 'Expect: 100-continue'), body],
    ]) {
      assert.match(await raw(...parts), /HTTP\/1\.1 200 [\s\S]*<p:session-key>/);
    }
  });
});

describe('the table of errors', () => {
  it('holds every number once, and none that is not documented', () => {
    const numbers = Object.values(FAULTS).map(({ number }) => number);
    assert.equal(new Set(numbers).size, numbers.length);
    for (const number of numbers) assert.ok(number >= 100 && number <= 212, String(number));
  });

  it('says each thing in words that are its own', () => {
    const reasons = Object.values(FAULTS).map(({ reason }) => reason);
    assert.equal(new Set(reasons).size, reasons.length);
    assert.ok(reasons.every((reason) => textOf(parseXml(`<a>${reason}</a>`)) === reason));
  });
});
