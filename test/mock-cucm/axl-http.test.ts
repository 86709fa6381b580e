import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { FakeClock } from '../support/fake-clock.ts';
import { basic, child, envelope, faultOf, type MockWorld, PASSWORD, payloadOf, startMock } from './mock-world.ts';

const PING = 'getCCMVersion';

describe('AXL over HTTPS', () => {
  let world: MockWorld;
  before(async () => {
    world = await startMock();
  });
  after(() => world[Symbol.asyncDispose]());
  const post = (body: string | Buffer, headers: Record<string, string | undefined> = {}) =>
    world.raw('/axl/', {
      method: 'POST',
      headers: { authorization: basic('administrator', PASSWORD), 'content-type': 'text/xml', ...headers },
      body,
    });

  it('answers in the very spelling that naive clients look for', async () => {
    const { status, headers, body } = await world.ask(PING, '');
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/xml;charset=UTF-8');
    assert.match(body, /^<\?xml version='1\.0' encoding='UTF-8'\?><soapenv:Envelope xmlns:soapenv=/);
    assert.match(
      body,
      /<soapenv:Body><ns:getCCMVersionResponse xmlns:ns="http:\/\/www\.cisco\.com\/AXL\/API\/14\.0"><return>/,
    );
    assert.match(child(payloadOf(body), 'return', 'componentVersion', 'version'), /^15\.0\.1\./);
  });

  it('serves GET /axl/ and /axl as the login test', async () => {
    for (const path of ['/axl/', '/axl']) {
      const page = await world.raw(path, { headers: { authorization: basic('administrator', PASSWORD) } });
      assert.equal(page.status, 200);
      assert.match(page.body, /<title>Cisco CallManager: AXL Web Service<\/title>/);
      assert.match(String(page.headers['content-type']), /text\/html/);
    }
    assert.equal((await world.raw('/axl/')).status, 401);
  });

  it('tells who may: 401, 403, and 401 for a write by a reader', async () => {
    const wrong = await world.ask(PING, '', { password: 'no' });
    assert.equal(wrong.status, 401);
    assert.match(wrong.body, /HTTP Status 401/);
    assert.match(String(wrong.headers['www-authenticate']), /^Basic/);
    assert.equal((await world.ask(PING, '', { user: 'nobody' })).status, 401);
    assert.equal((await world.ask(PING, '', { user: 'norole' })).status, 403);
    assert.equal((await world.ask(PING, '', { user: 'alice' })).status, 403);
    assert.equal((await world.ask(PING, '', { user: 'axlreader' })).status, 200);
    const write = await world.ask('removeUser', '<userid>alice</userid>', { user: 'axlreader' });
    assert.equal(write.status, 401);
    assert.equal((await world.ask('getUser', '<userid>alice</userid>', { user: 'axlreader' })).status, 200);
  });

  it('keeps a session by cookie, for 30 idle minutes', async () => {
    const clock = new FakeClock();
    await using own = await startMock({ clock });
    const first = await own.ask(PING, '');
    const cookie = String(first.headers['set-cookie']);
    assert.match(cookie, /^JSESSIONIDSSO=[0-9A-F]{32}; Path=\/; Secure; HttpOnly$/);
    const session = { authorization: undefined, cookie: cookie.slice(0, cookie.indexOf(';')) };
    const second = await own.ask(PING, '', { headers: session });
    assert.equal(second.status, 200);
    assert.equal(second.headers['set-cookie'], undefined);
    await clock.advance(29 * 60_000);
    assert.equal((await own.ask(PING, '', { headers: session })).status, 200, 'used in time, it lives on');
    await clock.advance(31 * 60_000);
    assert.equal((await own.ask(PING, '', { headers: session })).status, 404);
    const both = { cookie: session.cookie };
    assert.equal((await own.ask(PING, '', { headers: both })).status, 200, 'valid Basic is decisive');
    assert.equal((await own.ask(PING, '', { headers: both, password: 'no' })).status, 401);
  });

  it('chooses the schema by the namespace', async () => {
    const version = async (namespace: string, action: string | undefined): Promise<string | number> => {
      const { status, body } = await world.ask(PING, '', { version: namespace, headers: { soapaction: action } });
      return status === 200 ? payloadOf(body).uri.slice(-4) : status;
    };
    assert.equal(await version('12.5', '"CUCM:DB ver=12.5 getCCMVersion"'), '12.5');
    assert.equal(await version('15.0', undefined), '15.0');
    assert.equal(await version('14.0', 'CUCM:DB ver=12.5'), '14.0');
    assert.equal(await version('14.0', 'CUCM:DB ver=14.0 "getCCMVersion"'), '14.0');
    assert.equal(await version('1.0', undefined), '12.0');
    assert.equal(await version('11.5', '"CUCM:DB ver=11.5 getCCMVersion"'), 599);
    const page = await world.ask(PING, '', { version: '9.1' });
    assert.match(page.body, /Supported axl versions are (?:\d+\.(?:x|\d+)(?:, | and )?)+</);
    assert.match(page.body, /HTTP Status 599/);
  });

  it('echoes a sequence that is a number', async () => {
    const echoed = async (attributes: string): Promise<string | undefined> =>
      / sequence="([^"]*)"/.exec((await world.ask(PING, '', { attributes })).body)?.[1];
    assert.equal(await echoed('sequence="42"'), '42');
    assert.equal(await echoed('sequence="?"'), undefined);
    assert.equal(await echoed(''), undefined);
  });

  it('reads what clients write: any prefix, layout, CDATA, comments, a late declaration', async () => {
    const body = `\n  <?xml version="1.0" encoding="utf-8"?>
      <soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">
        <soap:Body><!-- who --><getUser xmlns="http://www.cisco.com/AXL/API/14.0">
          <userid xmlns=""><![CDATA[alice]]></userid></getUser></soap:Body></soap:Envelope>`;
    const { status, body: answer } = await post(body, { 'content-type': 'text/xml' });
    assert.equal(status, 200, answer);
    assert.equal(child(payloadOf(answer), 'return', 'user', 'userid'), 'alice');
  });

  it('refuses what is no request, each time with a fault of its own and never by dying', async () => {
    const cases: readonly (readonly [string | Buffer, number])[] = [
      ['', 5005],
      ['hello', 5005],
      ['<a/>', 5005],
      [envelope('getUser', '<userid>alice</userid>').slice(0, -20), 5005],
      [`<!DOCTYPE a [<!ENTITY x "y">]>${envelope(PING, '')}`, 5005],
      [envelope('getUser', '<userid>&x;</userid>'), 5005],
      [envelope('noSuchThing', ''), 5002],
      [Buffer.concat([Buffer.from('<a>'), Buffer.from([0xff, 0xfe])]), 5005],
      ['<a>'.repeat(100), 5005],
      [envelope(PING, '').replaceAll('schemas.xmlsoap.org/soap/envelope/', 'www.w3.org/2003/05/soap-envelope'), 5005],
    ];
    for (const [body, code] of cases) {
      const answer = await post(body);
      assert.equal(answer.status, 500, String(body));
      assert.equal(faultOf(answer).code, code, String(body));
    }
    assert.equal((await world.ask(PING, '')).status, 200);
  });

  it('bounds bodies, and refuses encoded ones', async () => {
    const large = envelope('getUser', `<userid>${'x'.repeat(8 * 1024 * 1024)}</userid>`);
    assert.equal((await post(large)).status, 413);
    assert.equal((await post('x', { 'content-encoding': 'gzip' })).status, 415);
    assert.equal(
      (await world.raw('/axl/', { method: 'PUT', headers: { authorization: basic('administrator', PASSWORD) } }))
        .status,
      405,
    );
  });

  it('says what is not there in the words of a CUCM', async () => {
    assert.deepEqual(await world.fault('getUser', '<userid>nobody</userid>'), {
      status: 500,
      faultcode: 'soapenv:Server',
      faultstring: 'Item not valid: The specified User was not found',
      code: 5007,
      message: 'Item not valid: The specified User was not found',
      request: 'getUser',
    });
    assert.match((await world.fault('getPhone', '<name>SEP0</name>')).message, /The specified SEP0 was not found/);
    assert.match((await world.fault('getLine', '<pattern>9</pattern>')).message, /The specified Line was not found/);
    const update = await world.fault('updateUser', '<userid>nobody</userid><title>x</title>');
    assert.deepEqual([update.code, update.message], [5003, 'User not found']);
  });
});
