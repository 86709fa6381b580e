import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import forge from 'node-forge';
import { type AxlClient, createAxlClient } from '../../src/axl/client.ts';
import { AxlError } from '../../src/axl/errors.ts';
import { issueCertificate } from '../../src/platform/certificates.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';
import type { XmlElement } from '../../src/xml/element.ts';
import { textOf } from '../../src/xml/element.ts';
import { NOTHING } from '../../src/xml/write.ts';

const log = createLog({ level: 'silent' });

interface FakeCucm extends AsyncDisposable {
  readonly client: AxlClient;
  readonly url: string;
  readonly ca: string;
  password: string;
  requests: number;
}

async function fakeCucm(answer: RequestListener, names = ['127.0.0.1'], days = 10): Promise<FakeCucm> {
  const authority = await issueCertificate({ names: [], clock: systemClock, days: 10 });
  const tls = await issueCertificate({
    names,
    clock: systemClock,
    days,
    issuer: {
      key: forge.pki.privateKeyFromPem(authority.key),
      certificate: forge.pki.certificateFromPem(authority.cert),
    },
  });
  const state = { password: 'secret', requests: 0 };
  const server = createServer({ key: tls.key, cert: tls.cert }, (request, response) => {
    state.requests += 1;
    request.resume();
    request.on('end', () => answer(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/axl/`;
  const client = createAxlClient({
    url,
    user: 'administrator',
    password: () => state.password,
    ca: authority.cert,
    headersTimeoutMs: 500,
    clock: systemClock,
    log,
  });
  return Object.assign(state, {
    client,
    url,
    ca: authority.cert,
    [Symbol.asyncDispose]: async () => {
      await client[Symbol.asyncDispose]();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

const envelope = (inside: string): string =>
  `<?xml version='1.0' encoding='UTF-8'?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>${inside}</soapenv:Body></soapenv:Envelope>`;

const says =
  (status: number, body: string, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'text/xml;charset=UTF-8', ...headers });
    response.end(body);
  };

async function failure(call: () => Promise<unknown>): Promise<AxlError> {
  try {
    await call();
  } catch (error) {
    assert.ok(error instanceof AxlError, String(error));
    return error;
  }
  throw new Error('it did not fail');
}

describe('AXL client', () => {
  const cases: readonly [string, RequestListener, Partial<AxlError>][] = [
    ['401', says(401, '<html>HTTP Status 401</html>'), { code: 'axl.unauthorized', kind: 'denied' }],
    ['403', says(403, ''), { code: 'axl.forbidden' }],
    ['404', says(404, ''), { code: 'axl.not-found' }],
    ['503 with Retry-After', says(503, '', { 'retry-after': '7' }), { code: 'axl.throttled', retryAfterMs: 7000 }],
    [
      '599 with the versions spoken',
      says(599, 'HTTP Status 599 - Incorrect axl version. Supported axl versions are 9.x and 10.0</h1>'),
      { code: 'axl.version' },
    ],
    ['another status', says(418, ''), { code: 'axl.garbage' }],
    ['no XML', says(200, 'hello'), { code: 'axl.garbage' }],
    ['XML that is cut off', says(200, '<a><b>'), { code: 'axl.garbage' }],
    ['bytes that are no UTF-8', says(200, Buffer.from([0x3c, 0x61, 0xff]).toString('latin1')), { code: 'axl.garbage' }],
    [
      'the answer to another question',
      says(200, envelope('<ns:listUserResponse xmlns:ns="x"/>')),
      { code: 'axl.garbage' },
    ],
    [
      'a fault with its code',
      says(
        500,
        envelope(
          '<soapenv:Fault><faultcode>soapenv:Server</faultcode><faultstring>Item not valid</faultstring><detail><axlError><axlcode>5007</axlcode><axlmessage>Item not valid</axlmessage></axlError></detail></soapenv:Fault>',
        ),
      ),
      { code: 'axl.fault', axlCode: 5007 },
    ],
    [
      'too large, with the numbers',
      says(
        500,
        envelope(
          '<soapenv:Fault><faultstring>Query request too large. Total rows matched: 2816 rows. Suggestive Row Fetch: less than 844 rows</faultstring></soapenv:Fault>',
        ),
      ),
      { code: 'axl.too-large', totalRows: 2816, suggestedRows: 844 },
    ],
    [
      'the sum of answers too large',
      says(
        500,
        envelope(
          '<soapenv:Fault><faultstring>Maximum AXL Memory Allocation Consumed. Please retry once requests in progress have completed</faultstring></soapenv:Fault>',
        ),
      ),
      { code: 'axl.throttled' },
    ],
    ['a hung-up connection', (request) => void request.socket.destroy(), { code: 'axl.unreachable' }],
    ['silence', () => undefined, { code: 'axl.timeout' }],
  ];
  for (const [title, answer, wanted] of cases) {
    it(`says what it means: ${title}`, async () => {
      await using cucm = await fakeCucm(answer);
      const error = await failure(() => cucm.client.call('getCCMVersion', NOTHING));
      for (const [key, value] of Object.entries(wanted)) assert.equal(error[key as keyof AxlError], value, key);
      assert.match(error.message, /127\.0\.0\.1|Query request/);
      assert.ok(!error.message.includes('secret'));
    });
  }

  it('refuses a certificate that has expired, and one for another name', async () => {
    await using expired = await fakeCucm(says(200, ''), ['127.0.0.1'], -1);
    assert.match((await failure(() => expired.client.getCcmVersion())).message, /it has expired/);
    await using other = await fakeCucm(says(200, ''), ['cucm.example']);
    const error = await failure(() => other.client.getCcmVersion());
    assert.equal(error.code, 'axl.certificate');
    assert.match(error.message, /another host name/);
    assert.equal(other.requests, 0, 'nothing was sent');
  });

  it('refuses an authority that it does not know', async () => {
    await using cucm = await fakeCucm(says(200, ''));
    await using stranger = createAxlClient({ url: cucm.url, user: 'a', password: () => 'b', clock: systemClock, log });
    assert.equal((await failure(() => stranger.getCcmVersion())).code, 'axl.certificate');
    assert.equal(cucm.requests, 0);
  });

  it('says that nobody listens', async () => {
    await using cucm = await fakeCucm(says(200, ''));
    const { url } = cucm;
    await cucm[Symbol.asyncDispose]();
    await using client = createAxlClient({ url, user: 'a', password: () => 'b', ca: cucm.ca, clock: systemClock, log });
    assert.match((await failure(() => client.getCcmVersion())).message, /refuses connections/);
  });

  it('does not send a password a fourth time that was refused three times', async () => {
    await using cucm = await fakeCucm(says(401, ''));
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      assert.equal((await failure(() => cucm.client.getCcmVersion())).isLatched, false);
    }
    const fourth = await failure(() => cucm.client.getCcmVersion());
    assert.equal(fourth.isLatched, true);
    assert.equal(fourth.code, 'axl.unauthorized');
    assert.equal(cucm.requests, 3);
    cucm.password = 'another';
    await failure(() => cucm.client.getCcmVersion());
    assert.equal(cucm.requests, 4, 'another password is sent');
    for (let attempt = 1; attempt <= 3; attempt += 1) await failure(() => cucm.client.getCcmVersion());
    assert.equal(cucm.requests, 6);
    cucm.client.retryCredentials();
    await failure(() => cucm.client.getCcmVersion());
    assert.equal(cucm.requests, 7, 'a person let it be tried again');
  });

  it('hands rows on as they arrive, before the answer is whole', async () => {
    let first: () => void = () => undefined;
    const seen = new Promise<void>((resolve) => {
      first = resolve;
    });
    await using cucm = await fakeCucm((_request, response) => {
      const whole = envelope(
        '<ns:listUserResponse xmlns:ns="x"><return><user uuid="{A}"><userid>a</userid></user><user uuid="{B}"><userid>b &amp; c</userid></user></return></ns:listUserResponse>',
      );
      response.writeHead(200, { 'content-type': 'text/xml' });
      response.write(whole.slice(0, whole.indexOf('<user uuid="{B}"')));
      seen.then(
        () => response.end(whole.slice(whole.indexOf('<user uuid="{B}"'))),
        () => undefined,
      );
    });
    const rows: XmlElement[] = [];
    const count = await cucm.client.stream('listUser', NOTHING, (row) => {
      rows.push(row);
      first();
    });
    assert.equal(count, 2);
    assert.deepEqual(rows.map(textOf), ['a', 'b & c']);
  });

  it('passes on what those who take the rows have failed of: it is none of CUCM’s failures', async () => {
    await using cucm = await fakeCucm(
      says(
        200,
        envelope(
          '<ns:listUserResponse xmlns:ns="x"><return><user><userid>a</userid></user></return></ns:listUserResponse>',
        ),
      ),
    );
    const full = new Error('the disk is full');
    await assert.rejects(
      cucm.client.stream(
        'listUser',
        NOTHING,
        () => undefined,
        () => Promise.reject(full),
      ),
      (error) => error === full,
    );
  });

  it('reads where change notification stands, and the changes', async () => {
    await using cucm = await fakeCucm(
      says(
        200,
        envelope(
          `<ns:listChangeResponse xmlns:ns="x"><queueInfo><firstChangeId>1</firstChangeId><lastChangeId>9</lastChangeId><nextStartChangeId>10</nextStartChangeId><queueId>Q</queueId></queueInfo>
           <changes><change type="User" uuid="6A"><id>9</id><action>u</action><doGet>false</doGet><changedTags><changedTag name="title">x</changedTag></changedTags></change></changes></ns:listChangeResponse>`,
        ),
      ),
    );
    const list = await cucm.client.listChange({ queueId: 'Q', startChangeId: 9 }, ['User']);
    assert.equal(list.nextStartChangeId, 10);
    assert.equal(list.changes[0]?.uuid, '6a');
    assert.equal(list.changes[0]?.changedTags.get('title'), 'x');
  });
});
