import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { type CpaHttps, openCpaHttps } from './cpa-https.ts';
import { contactRequest, EPAS, envelope, faultNumber, keyOf, loginRequest, payloadOf, persona } from './messages.ts';

const LIST = `<get-contact-list xmlns="${EPAS}"/>`;

describe('octets on the HTTPS listener', () => {
  let world: CpaHttps;
  let key: string;
  before(async () => {
    world = await openCpaHttps();
    key = keyOf(await world.post(envelope(loginRequest('alice', 'secret'))));
    await world.post(envelope(contactRequest('add-contact', { A: [persona('bob')] }), { key }));
  });
  after(() => world[Symbol.asyncDispose]());

  const open = async (): Promise<TLSSocket> => {
    const socket = connect({ port: world.port, host: '127.0.0.1', servername: 'localhost', ca: world.ca });
    await once(socket, 'secureConnect');
    return socket;
  };
  /** Everything that the other side says until it closes. A connection that is cut says no more. */
  const drain = async (socket: TLSSocket): Promise<string> => {
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', () => undefined);
    if (!socket.closed) await once(socket, 'close');
    return text;
  };
  const exchange = async (...parts: readonly (string | Buffer)[]): Promise<string> => {
    const socket = await open();
    const said = drain(socket);
    for (const part of parts) socket.write(part);
    return await said;
  };
  const head = (...headers: readonly string[]): string =>
    ['POST /EPASSoap/service HTTP/1.1', 'Host: x', ...headers, '', ''].join('\r\n');
  const whole = (body: string, ...headers: readonly string[]): string =>
    head(`Content-Length: ${Buffer.byteLength(body)}`, ...headers) + body;
  const isAlive = async (): Promise<void> => {
    assert.equal((await world.post(envelope(LIST, { key }))).payload.local, 'get-contact-list-resp');
  };

  it('speaks TLS 1.2 and 1.3 only: plain HTTP and older TLS get nothing', async () => {
    const plain = connectTcp(world.port, '127.0.0.1');
    plain.on('error', () => undefined);
    plain.write(whole(envelope(LIST, { key })));
    let said = '';
    plain.on('data', (chunk) => {
      said += String(chunk);
    });
    await once(plain, 'close');
    assert.doesNotMatch(said, /200|get-contact-list-resp/);
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = connect({
        ...{ port: world.port, host: '127.0.0.1', servername: 'localhost', ca: world.ca },
        ...{ minVersion: version, maxVersion: version },
      });
      await once(socket, 'secureConnect');
      assert.equal(socket.getProtocol(), version);
      socket.destroy();
    }
    const old = connect({
      ...{ port: world.port, host: '127.0.0.1', servername: 'localhost', ca: world.ca },
      ...{ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    });
    const [error] = (await once(old, 'error')) as [Error];
    assert.match(error.message, /version|protocol|alert|handshake/i);
  });

  it('answers several requests on one connection, pipelined too, in their order', async () => {
    const both = whole(envelope(LIST, { key })) + whole(envelope(`<get-acl xmlns="${EPAS}"/>`, { key }));
    const said = await exchange(both + whole(envelope(LIST), 'Connection: close'));
    const found = [...said.matchAll(/<e:(get-contact-list-resp|get-acl-resp|error code="\d+")/g)].map(
      ([, name]) => name,
    );
    assert.deepEqual(found, ['get-contact-list-resp', 'get-acl-resp', 'error code="100"']);
  });

  it('says 400 to what is not HTTP, behind a request too, and closes', async () => {
    assert.match(await exchange(`${whole(envelope(LIST, { key }))}\u0000\u0001 garbage\r\n\r\n`), /HTTP\/1\.1 400 /);
    assert.match(await exchange('GET\r\n\r\n'), /^HTTP\/1\.1 400 /);
    assert.match(await exchange(head('Content-Length: 5', 'Content-Length: 6')), /^HTTP\/1\.1 400 /);
    assert.match(await exchange(head('Content-Length: 5', 'Transfer-Encoding: chunked')), /^HTTP\/1\.1 400 /);
    assert.match(await exchange(head('Transfer-Encoding: chunked'), 'zz\r\n'), /^HTTP\/1\.1 400 /);
    await isAlive();
  });

  it('refuses 2 MiB with 413, announced or not, gzip with 415, and closes', async () => {
    const big = 'x'.repeat(2 * 1024 * 1024);
    assert.match(await exchange(whole(big)), /^HTTP\/1\.1 413 [\s\S]*connection: close[\s\S]*code="102"/i);
    const chunk = `${(256 * 1024).toString(16)}\r\n${big.slice(0, 256 * 1024)}\r\n`;
    const said = await exchange(head('Transfer-Encoding: chunked'), ...Array.from({ length: 8 }, () => chunk));
    assert.match(said, /^HTTP\/1\.1 413 /);
    const gzip = Buffer.from('1f8b0800000000000003', 'hex');
    assert.match(
      await exchange(head(`Content-Length: ${gzip.length}`, 'Content-Encoding: gzip'), gzip),
      /^HTTP\/1\.1 415 [\s\S]*code="102"/,
    );
    const identity = whole(envelope(LIST, { key }), 'Content-Encoding: identity', 'Connection: close');
    assert.match(await exchange(identity), /get-contact-list-resp/);
    await isAlive();
  });

  it('outlives half requests, at whatever octet the client leaves', async () => {
    const request = Buffer.from(whole(envelope(LIST, { key })));
    for (let cut = 1; cut < request.length; cut += 37) {
      const socket = await open();
      socket.on('error', () => undefined);
      socket.write(request.subarray(0, cut));
      if (cut % 2 === 0) socket.end();
      else socket.destroy();
    }
    await isAlive();
  });

  it('never answers a mutated envelope with anything but what is stated, and never falls', {
    timeout: 120_000,
  }, async () => {
    const seeds = [
      envelope(LIST, { key }),
      envelope(LIST, { key, version: '1.1' }),
      // Somebody else: forced log-ins and those of ever new client types end sessions.
      envelope(loginRequest('bob', 'secret', 'force="true" client-type="x"')),
      envelope(contactRequest('add-contact', { 'A&amp;B': [persona('bob', 'nickname="x"'), persona('a@b.c')] }), {
        key,
      }),
      envelope(`<get-all-config xmlns="${EPAS}"><contact-info/></get-all-config>`, { key }),
    ].map((text) => Buffer.from(text));
    const mutated = fc
      .record({
        seed: fc.constantFrom(...seeds),
        cuts: fc.array(
          fc.record({ at: fc.nat(2_000), drop: fc.nat(40), put: fc.oneof(fc.uint8Array({ maxLength: 12 }), tokens()) }),
          { maxLength: 4 },
        ),
      })
      .map(({ seed, cuts }) =>
        cuts.reduce<Buffer>((body, { at, drop, put }) => {
          const from = at % (body.length + 1);
          return Buffer.concat([body.subarray(0, from), put, body.subarray(from + drop)]);
        }, seed),
      );
    const body = fc.oneof(
      { weight: 5, arbitrary: mutated },
      fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets)),
    );
    await fc.assert(
      fc.asyncProperty(body, async (octets) => {
        const { status, text } = await world.post(octets);
        assert.ok(status === 200 || status === 400, `${status} ${text}`);
        assert.doesNotMatch(text, /<e:error code="2\d\d"/);
        assert.doesNotMatch(text, /\bat \w+ \(|node_modules|\.ts:/);
        payloadOf(text);
      }),
      { numRuns: 600 },
    );
    await isAlive();
  });

  it('takes every contact list that its schema allows', { timeout: 120_000 }, async () => {
    const name = fc
      .string({ minLength: 1, maxLength: 20, unit: 'binary' })
      .filter((text) => !/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u.test(text));
    const written = (text: string): string => text.replace(/[&<>"\r\n\t]/g, (each) => `&#${each.charCodeAt(0)};`);
    const contact = fc.record({ user: name, domain: fc.option(fc.domain()), nickname: fc.option(name) });
    const groups = fc.dictionary(name, fc.array(contact, { maxLength: 3 }), { maxKeys: 3, noNullPrototype: true });
    await fc.assert(
      fc.asyncProperty(groups, fc.constantFrom('add-contact', 'delete-contact'), async (wanted, operation) => {
        const inside = Object.entries(wanted).map(([group, contacts]): [string, string[]] => [
          written(group),
          contacts.map(({ user, domain, nickname }) => {
            const attributes = [
              ...(domain === null ? [] : [`domain="${domain}"`]),
              ...(nickname === null ? [] : [`nickname="${written(nickname)}"`]),
            ];
            return persona(written(user), attributes.join(' '));
          }),
        ]);
        const answer = await world.post(envelope(contactRequest(operation, Object.fromEntries(inside)), { key }));
        assert.equal(answer.payload.local, `${operation}-resp`, answer.text);
        assert.equal(faultNumber(answer), undefined);
      }),
      { numRuns: 200 },
    );
  });
});

/** Pieces that mean something to an XML parser or to SOAP. */
function tokens(): fc.Arbitrary<Buffer> {
  return fc
    .constantFrom(
      ...['<', '>', '&', '"', '/>', '<!--', '-->', '<![CDATA[', ']]>', '<!DOCTYPE a [<!ENTITY b "c">]>', '<?x?>'],
      ...['&b;', '&#0;', '&#xd800;', 'xmlns=""', 'xmlns:s="urn:x"', ' s:mustUnderstand="1"', '<s:Header>', '</s:Body>'],
      ...['<e:session-key xmlns:e="urn:cisco:epas:soap">', '\ufeff', '<group name="">', '<persona-id domain="@">@'],
    )
    .map((text) => Buffer.from(text));
}
