import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import supertest from 'supertest';
import { createClientProfileAgentBusyApp } from '../../../src/services/client-profile-agent/client-profile-agent.ts';
import { element, elements, textOf } from '../../../src/xml/element.ts';
import { parseXml } from '../../../src/xml/parse.ts';
import { turn } from '../../support/fake-clock.ts';
import { type Answer, type CpaWorld, EPAS, envelope, faultNumber, loginRequest, openCpaWorld } from './cpa-world.ts';

const LIST = `<get-contact-list xmlns="${EPAS}"/>`;
const SOAP_11 = 'http://schemas.xmlsoap.org/soap/envelope/';
const SOAP_12 = 'http://www.w3.org/2003/05/soap-envelope';
const LOGIN = envelope(loginRequest('alice', 'secret'));

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn();
}

describe('the HTTP face', () => {
  let world: CpaWorld;
  let key: string;
  before(async () => {
    world = await openCpaWorld({ maxBodyBytes: 64 * 1024, bodySeconds: 5 });
    key = await world.signIn('alice');
  });
  after(() => world[Symbol.asyncDispose]());

  const isList = (answer: Answer): void => assert.equal(answer.payload.local, 'get-contact-list-resp', answer.text);
  const isFault = (answer: Answer, number: string, status: number): void => {
    assert.equal(faultNumber(answer), number, answer.text);
    assert.equal(answer.status, status);
    assert.match(
      answer.text,
      number.startsWith('1')
        ? /<s:Text xml:lang="en">Invalid request|<faultstring>Invalid request/
        : /Text|faultstring/,
    );
    assert.doesNotMatch(answer.text, /\bat \w|\.ts|node_modules|SELECT/);
  };

  /** Sends octets and reads until the other side closes. */
  const raw = async (...parts: readonly (string | (() => Promise<unknown>))[]): Promise<string> => {
    const socket = connect(world.port, '127.0.0.1');
    let received = '';
    const closed = new Promise<void>((resolve, reject) => {
      socket.on('data', (chunk) => {
        received += chunk.toString();
      });
      socket.on('close', () => resolve());
      socket.on('error', (error: NodeJS.ErrnoException) =>
        error.code === 'ECONNRESET' || error.code === 'EPIPE' ? resolve() : reject(error),
      );
    });
    for (const part of parts) {
      if (typeof part === 'string') await new Promise((resolve) => socket.write(part, resolve));
      else await part();
    }
    await closed;
    return received;
  };
  const head = (...headers: readonly string[]): string =>
    ['POST /EPASSoap/service/v80 HTTP/1.1', 'Host: x', 'Connection: close', ...headers, '', ''].join('\r\n');

  describe('addresses', () => {
    it('serves every version, the unversioned path and latest alike, and no other', async () => {
      for (const version of ['', '/v70', '/v80', '/v105', '/v150', '/latest', '/v80/', '/latest?wsdl', '/v80?x=1']) {
        isList(await world.call(LIST, { key, path: `/EPASSoap/service${version}` }));
      }
      for (const path of ['/v81', '/V80', '/v80/x']) {
        await supertest(world.app).post(`/EPASSoap/service${path}`).send(LOGIN).expect(404);
      }
      await supertest(world.app).get('/EPASSoap/').expect(404);
      await supertest(world.app).get('/EPASSoap/service/../service?wsdl').expect(404);
    });

    it('refuses other methods with what is allowed', async () => {
      const get = await supertest(world.app).get('/EPASSoap/service/v80').expect(405);
      assert.equal(get.headers.allow, 'POST');
      await supertest(world.app).put('/EPASSoap/service/v80').send('x').expect(405);
      const schema = await supertest(world.app).post('/EPASSoap/epas-soap-interface.xsd').send('x').expect(405);
      assert.equal(schema.headers.allow, 'GET, HEAD');
    });

    it('serves the WSDL in any case of the query, with the configured address and the schema by absolute path', async () => {
      for (const query of ['?wsdl', '?WSDL', '?WsDl=1', '?a=b&wsdl']) {
        const { text, headers } = await supertest(world.app)
          .get(`/EPASSoap/service/v105${query}`)
          .set('host', 'evil.example')
          .expect(200);
        assert.match(headers['content-type'] ?? '', /^text\/xml/);
        assert.match(text, /<soap12:address location="https:\/\/imp1\.acme\.example:8443\/EPASSoap\/service\/v105"\/>/);
        assert.match(text, /schemaLocation="\/EPASSoap\/epas-soap-interface\.xsd"/);
        assert.doesNotMatch(text, /evil|localhost/);
        parseXml(text);
      }
      const schema = await supertest(world.app).get('/EPASSoap/epas-soap-interface.xsd').expect(200);
      assert.match(schema.text, /schemaLocation="\/EPASSoap\/presence-rules\.xsd"/);
      parseXml(schema.text);
      parseXml((await supertest(world.app).get('/EPASSoap/presence-rules.xsd').expect(200)).text);
      await supertest(world.app).head('/EPASSoap/service?wsdl').expect(200).expect('content-length', /\d/);
    });
  });

  describe('tolerance', () => {
    it('lets the envelope decide the version, whatever the media type says', async () => {
      for (const [version, type] of [
        ['1.2', 'text/xml'],
        ['1.2', 'application/soap+xml; charset=utf-8; action="x"'],
        ['1.1', 'application/soap+xml'],
        ['1.1', 'text/xml; charset="utf-8"'],
        ['1.2', 'text/plain'],
      ] as const) {
        const answer = await world.call(LIST, { key, version, headers: { 'content-type': type } });
        isList(answer);
        assert.equal(
          answer.headers['content-type'],
          version === '1.2' ? 'application/soap+xml; charset=utf-8' : 'text/xml; charset=utf-8',
        );
        assert.ok(answer.text.includes(version === '1.2' ? SOAP_12 : SOAP_11));
      }
    });

    it('takes any SOAPAction or none, and ignores basic authentication', async () => {
      for (const headers of [
        { soapaction: '"urn:cisco:epas:soap/login"' },
        { soapaction: 'urn:cisco:epas:soap/EpasSoapServiceInterface/get_all_config' },
        { soapaction: '""' },
        { soapaction: '"<&' },
        { authorization: 'Basic YWRtaW46d3Jvbmc=' },
      ]) {
        isList(await world.call(LIST, { key, headers }));
      }
    });

    it('takes a request without Content-Type, chunked, and after Expect: 100-continue', async () => {
      const body = envelope(LIST, { key });
      const plain = await raw(head(`Content-Length: ${Buffer.byteLength(body)}`), body);
      assert.match(plain, /^HTTP\/1\.1 200 [\s\S]*get-contact-list-resp/);
      const chunks = [body.slice(0, 100), body.slice(100)].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`);
      assert.match(await raw(head('Transfer-Encoding: chunked'), ...chunks, '0\r\n\r\n'), /get-contact-list-resp/);
      const expecting = await raw(head(`Content-Length: ${body.length}`, 'Expect: 100-continue'), body);
      assert.match(expecting, /^HTTP\/1\.1 100 Continue[\s\S]*HTTP\/1\.1 200 [\s\S]*get-contact-list-resp/);
    });

    it('takes white space and a byte order mark before the envelope, CDATA, comments and references in text', async () => {
      isList(await world.post(` \r\n\t${envelope(LIST, { key })}\n`));
      isList(await world.post(`\ufeff<?xml version="1.0"?>${envelope(LIST, { key })}`));
      isList(await world.call(LIST, { key: `\n  ${key.slice(0, 9)}<!-- x --><![CDATA[${key.slice(9)}]]>\n` }));
      isList(await world.call(LIST, { key: `&#${key.charCodeAt(0)};${key.slice(1)}` }));
    });

    it('takes the session key in the namespaces of the sister service, with attributes on it', async () => {
      for (const namespace of ['urn:cisco:cup:tpi:soap', 'urn:cisco:cup:presence:soap', EPAS]) {
        isList(
          await world.call(LIST, { header: `<k:session-key xmlns:k="${namespace}" a="b">${key}</k:session-key>` }),
        );
      }
      isFault(await world.call(LIST, { header: `<session-key>${key}</session-key>` }), '100', 200);
    });

    it('answers WS-Addressing in the namespace it was asked in', async () => {
      for (const namespace of [
        'http://www.w3.org/2005/08/addressing',
        'http://schemas.xmlsoap.org/ws/2004/08/addressing',
      ]) {
        const block = (name: string, value: string): string =>
          `<a:${name} xmlns:a="${namespace}" s:mustUnderstand="1">${value}</a:${name}>`;
        const header =
          block('Action', 'x') + block('To', 'y') + block('MessageID', 'urn:uuid:1&amp;2') + block('ReplyTo', '');
        const answer = await world.call(LIST, { key, header });
        isList(answer);
        const blocks = elements(element(parseXml(answer.text), 'Header') ?? answer.payload);
        assert.deepEqual(
          blocks.map((each) => [each.uri, each.local, textOf(each)]),
          [
            [namespace, 'Action', 'urn:cisco:epas:soap/EpasSoapServiceInterface/get_contact_listResponse'],
            [namespace, 'RelatesTo', 'urn:uuid:1&2'],
          ],
        );
        const fault = await world.call(LIST, { header });
        isFault(fault, '100', 200);
        assert.match(fault.text, /addressing\/(soap\/)?fault<[\s\S]*urn:uuid:1&amp;2</);
      }
    });

    it('refuses other headers that must be understood, unless they are for somebody else', async () => {
      const block = (more: string): string => `<x:y xmlns:x="urn:x" ${more}/>`;
      for (const version of ['1.1', '1.2'] as const) {
        const role = version === '1.1' ? 'actor' : 'role';
        for (const value of ['1', 'true']) {
          const answer = await world.call(LIST, { key, version, header: block(`s:mustUnderstand="${value}"`) });
          assert.match(answer.text, /<(s:Value|faultcode)>s:MustUnderstand</);
          // 1.2 names the header; 1.1 has no element for that.
          const named = /<s:Header xmlns:n1="urn:x"><s:NotUnderstood qname="n1:y"\/><\/s:Header>/;
          assert.equal(named.test(answer.text), version === '1.2');
          assert.equal(answer.status, 200);
        }
        isList(await world.call(LIST, { key, version, header: block('s:mustUnderstand="0"') }));
        isList(await world.call(LIST, { key, version, header: block('mustUnderstand="1"') }));
        isList(await world.call(LIST, { key, version, header: block(`s:mustUnderstand="1" s:${role}="urn:other"`) }));
      }
    });
  });

  describe('faults', () => {
    it('says them in the version asked, with code, reason and detail', async () => {
      const twelve = await world.call(LIST);
      isFault(twelve, '100', 200);
      assert.match(twelve.text, /<s:Code><s:Value>s:Sender<\/s:Value><s:Subcode><s:Value>e:invalid-session</);
      const eleven = await world.call(LIST, { version: '1.1', key: 'unknown' });
      isFault(eleven, '101', 200);
      assert.match(
        eleven.text,
        /<faultcode>s:Client<\/faultcode><faultstring>Invalid request: session key is not valid</,
      );
      assert.equal(eleven.headers['content-type'], 'text/xml; charset=utf-8');
    });

    it('are 102 with status 400 for what is no XML we take', async () => {
      const bomb = `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>`;
      const deep = (levels: number): string => '<a>'.repeat(levels) + '</a>'.repeat(levels);
      for (const body of [
        '',
        'not XML',
        '{"json": true}',
        LOGIN.slice(0, -3),
        LOGIN.replace('</username>', '</user>'),
        `<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">${LOGIN}`,
        bomb + LOGIN.replace('alice', '&b;'),
        LOGIN.replace('alice', '&unknown;'),
        `<?xml-stylesheet href="x"?>${LOGIN}`,
        envelope(deep(70)),
        envelope(`<a>${'<b/>'.repeat(10_001)}</a>`),
        envelope(`<a ${Array.from({ length: 65 }, (_, each) => `a${each}=""`).join(' ')}/>`),
        LOGIN.replace('alice', 'a\u0001'),
        LOGIN + LOGIN,
      ]) {
        isFault(await world.post(body), '102', 400);
      }
      const eleven = await world.post(envelope('<a><b></a>', { version: '1.1' }), {
        headers: { 'content-type': 'text/xml' },
      });
      isFault(eleven, '102', 400);
      assert.ok(eleven.text.includes(SOAP_11));
    });

    it('are 103 for XML that is no request of ours', async () => {
      const password = '<password>x</password>';
      for (const body of [
        '<a/>',
        envelope(''),
        envelope(LIST + LIST, { key }),
        envelope(`<nothing xmlns="${EPAS}"/>`, { key }),
        envelope('<login xmlns="urn:other"/>'),
        envelope('<login/>'),
        LOGIN.replaceAll(SOAP_12, 'urn:other'),
        `<Envelope><Body>${LIST}</Body></Envelope>`,
        envelope(`<login xmlns="${EPAS}"><username>a</username></login>`),
        envelope(`<login xmlns="${EPAS}">${password}<username>a</username></login>`),
        envelope(`<login xmlns="${EPAS}"><username>a</username>${password}${password}</login>`),
        envelope(`<login xmlns="${EPAS}" force="yes"><username>a</username>${password}</login>`),
        envelope(`<login xmlns="${EPAS}"><username><b/></username>${password}</login>`),
        envelope(`<add-contact xmlns="${EPAS}"><group/></add-contact>`, { key }),
        envelope(`<add-contact xmlns="${EPAS}">text</add-contact>`, { key }),
        envelope(`<add-contact xmlns="${EPAS}"><group name="a"><x/></group></add-contact>`, { key }),
        envelope(`<get-all-config xmlns="${EPAS}"><user-config/><system-config/></get-all-config>`, { key }),
        envelope(`<search-users xmlns="${EPAS}" max="101"><match name="Any">a</match></search-users>`, { key }),
      ]) {
        isFault(await world.post(body), '103', 200);
      }
    });

    it('refuses a body that is too large without reading it, and closes', async () => {
      const announced = await raw(head(`Content-Length: ${2 * 1024 * 1024}`));
      assert.match(announced, /^HTTP\/1\.1 413 [\s\S]*code="102"/);
      const chunk = `${(16 * 1024).toString(16)}\r\n${'x'.repeat(16 * 1024)}\r\n`;
      const streamed = await raw(head('Transfer-Encoding: chunked'), ...Array.from({ length: 8 }, () => chunk));
      assert.match(streamed, /^HTTP\/1\.1 413 /);
      assert.equal((await world.post(LOGIN)).status, 200);
    });

    it('gives up on a body that does not arrive, and refuses encoded and non-UTF-8 ones', async () => {
      const timers = world.clock.pending;
      const slow = await raw(head('Content-Length: 100'), '<s:Env', async () => {
        // The server's timer starts with the request: let it be read first.
        await until(() => world.clock.pending > timers);
        await world.clock.advance(5_000);
      });
      assert.match(slow, /^HTTP\/1\.1 408 /);
      assert.match(await raw(head('Content-Length: 3', 'Content-Encoding: gzip'), 'abc'), /^HTTP\/1\.1 415 /);
      const latin = Buffer.from(LOGIN.replace('alice', '\u00e4'), 'latin1').toString('latin1');
      const socket = connect(world.port, '127.0.0.1');
      socket.end(Buffer.from(head(`Content-Length: ${latin.length}`) + latin, 'latin1'));
      let received = '';
      for await (const part of socket) received += String(part);
      assert.match(received, /^HTTP\/1\.1 400 [\s\S]*code="102"/);
    });

    it('survives clients that leave in the middle', async () => {
      for (const part of [head('Content-Length: 100'), `${head('Content-Length: 100')}<s:`]) {
        const socket = connect(world.port, '127.0.0.1');
        await new Promise((resolve) => socket.write(part, resolve));
        socket.destroy();
      }
      isList(await world.call(LIST, { key }));
    });

    it('hides what went wrong inside', async () => {
      const other = await openCpaWorld();
      const alice = await other.signIn('alice');
      await other.test.ids.transaction('node', (trx) => trx.schema.dropTable('peuriacl').execute());
      const answer = await other.call(`<get-acl xmlns="${EPAS}"/>`, { key: alice });
      isFault(answer, '200', 200);
      assert.doesNotMatch(answer.text, /peuriacl|table|sqlite/i);
      await other[Symbol.asyncDispose]();
    });
  });

  it('takes only so many requests at once', async () => {
    await using small = await openCpaWorld({ maxConcurrentRequests: 1 });
    const timers = small.clock.pending;
    const hanging = connect(small.port, '127.0.0.1');
    await new Promise((resolve) => hanging.write(head('Content-Length: 10'), resolve));
    await until(() => small.clock.pending > timers);
    const answer = await small.post(LOGIN);
    assert.equal(answer.status, 503);
    assert.equal(faultNumber(answer), '212');
    hanging.destroy();
  });

  it('is stood in for while the service is not started', async () => {
    const server = createServer(createClientProfileAgentBusyApp());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const answer = await supertest(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
      .post('/EPASSoap/service')
      .set('content-type', 'text/xml')
      .send(LOGIN)
      .expect(503)
      .expect('retry-after', /\d/)
      .expect('content-type', 'text/xml; charset=utf-8');
    assert.match(answer.text, /<e:error code="212">/);
    server.close();
  });
});
