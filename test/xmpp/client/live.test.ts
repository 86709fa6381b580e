import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { before, describe, it } from 'node:test';
import { systemClock } from '../../../src/platform/clock.ts';
import type { XmlElement } from '../../../src/xml/element.ts';
import { serialise } from '../../../src/xml/serialise.ts';
import { type ClientStream, type ClientStreamOptions, openStream } from '../../../src/xmpp/client/client-stream.ts';
import { type ConnectOptions, connectTransport } from '../../../src/xmpp/client/connect.ts';
import { parseJid } from '../../../src/xmpp/jid.ts';
import { NS } from '../../../src/xmpp/namespaces.ts';
import { body, message } from '../../../src/xmpp/stanza.ts';
import { StreamError, seeOtherHost } from '../../../src/xmpp/stream-error.ts';
import { offersStreamManagement } from '../../../src/xmpp/stream-management.ts';
import { type LiveServer, PASSWORD, startLiveServer, type TestCertificates, testCertificates } from '../live-server.ts';

let certificates: TestCertificates;
before(async () => {
  certificates = await testCertificates();
});

/** What a stream has heard, and a way to wait for the next of it. */
interface Client extends AsyncDisposable {
  readonly stream: ClientStream;
  readonly closed: Promise<Error | null>;
  next(): Promise<XmlElement>;
}

async function open(
  server: LiveServer,
  options: Partial<ClientStreamOptions> = {},
  connection: Partial<ConnectOptions> = {},
): Promise<Client> {
  const inbox: XmlElement[] = [];
  let wake: () => void = () => undefined;
  let onClosed: (error: Error | null) => void = () => undefined;
  const closed = new Promise<Error | null>((resolve) => {
    onClosed = resolve;
  });
  const transport = await connectTransport({
    clock: systemClock,
    host: '127.0.0.1',
    port: server.port,
    domain: 'acme.example',
    tls: 'starttls',
    secureOptions: { ca: certificates.ca },
    ...connection,
  });
  const stream = await openStream(transport, {
    kind: 'client',
    domain: 'acme.example',
    credentials: { kind: 'password', username: 'alice', password: PASSWORD },
    resource: 'desk',
    clock: systemClock,
    timeoutMs: 5000,
    stanzaBytes: 262_144,
    onElement(element) {
      inbox.push(element);
      wake();
    },
    onClosed,
    ...options,
  });
  return {
    stream,
    closed,
    async next() {
      while (inbox.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return inbox.shift() as XmlElement;
    },
    async [Symbol.asyncDispose]() {
      stream.end();
      await closed;
    },
  };
}

describe('a client and a server', () => {
  it('meet by STARTTLS, and stanzas go both ways', async () => {
    await using server = await startLiveServer({ certificates });
    await using client = await open(server);
    assert.equal(client.stream.jid?.full, 'alice@acme.example/desk');
    assert.equal(client.stream.transport.isSecure, true);
    assert.equal(offersStreamManagement(client.stream.features), true);
    client.stream.send(message({ id: '1', type: 'chat' }, body('Zoë & 李 <\u{1f600}>')));
    assert.equal(
      serialise(await client.next()),
      '<message xmlns="jabber:client" id="1" type="chat" from="alice@acme.example/desk"><body>Zoë &amp; 李 &lt;\u{1f600}&gt;</body></message>',
    );
  });

  for (const tls of ['direct', 'starttls'] as const) {
    for (const mechanism of [
      'SCRAM-SHA-256-PLUS',
      'SCRAM-SHA-1-PLUS',
      'SCRAM-SHA-256',
      'SCRAM-SHA-1',
      'PLAIN',
    ] as const) {
      it(`sign in by ${mechanism} over ${tls} TLS`, async () => {
        await using server = await startLiveServer({ certificates, tls });
        await using client = await open(server, { mechanisms: [mechanism] }, { tls });
        assert.equal(client.stream.jid?.full, 'alice@acme.example/desk');
      });
    }
  }

  it('sign in by a one-time password', async () => {
    await using server = await startLiveServer({ certificates });
    const user = parseJid('alice@acme.example');
    await using client = await open(server, { credentials: { kind: 'token', user, token: 't0ken' } });
    assert.equal(client.stream.jid?.bare, 'alice@acme.example');
  });

  it('refuse a wrong password, and end after the third', async () => {
    await using server = await startLiveServer({ certificates });
    const wrong = { credentials: { kind: 'password', username: 'alice', password: 'wrong' } } as const;
    await assert.rejects(open(server, wrong), { code: 'xmpp.sasl.not-authorized' });
  });

  it('link two servers by their certificates', async () => {
    await using server = await startLiveServer({ certificates, policy: { kind: 'server' } });
    const { key, cert } = certificates.peer;
    await using client = await open(
      server,
      { kind: 'server', from: 'peer.example', credentials: { kind: 'certificate', authzid: 'peer.example' } },
      { content: NS.server, secureOptions: { ca: certificates.ca, key, cert } },
    );
    assert.equal(client.stream.jid, null);
    client.stream.send(
      message({ from: parseJid('p@peer.example'), to: parseJid('alice@acme.example') }, body('hello')),
    );
    const echo = await client.next();
    assert.equal(echo.uri, NS.client);
    assert.equal(server.streams[0]?.user?.full, 'peer.example');
  });

  it('refuse a certificate of another', async () => {
    await using server = await startLiveServer({ certificates, policy: { kind: 'server' } });
    const { key, cert } = certificates.peer;
    await assert.rejects(
      open(
        server,
        { kind: 'server', credentials: { kind: 'certificate', authzid: 'other.example' } },
        { content: NS.server, secureOptions: { ca: certificates.ca, key, cert } },
      ),
      { code: 'xmpp.sasl.not-authorized' },
    );
  });

  it('do not meet when the certificate is not verified, or names another', async () => {
    for (const tls of ['direct', 'starttls'] as const) {
      await using server = await startLiveServer({ certificates, tls });
      await assert.rejects(open(server, {}, { tls, secureOptions: {} }), { code: 'xmpp.connection' });
      await assert.rejects(
        open(server, {}, { tls, secureOptions: { ca: certificates.ca, servername: 'other.example' } }),
        { code: 'xmpp.connection' },
      );
    }
  });

  it('do not send a password in the clear', async () => {
    await using server = await startLiveServer({ certificates, tls: 'none' });
    await assert.rejects(open(server), { code: 'xmpp.stream.policy-violation' });
  });

  it('part with see-other-host when the user lives elsewhere', async () => {
    await using server = await startLiveServer({
      certificates,
      owner: { bind: () => Promise.reject(seeOtherHost('imp2.acme.example', 5222)) },
    });
    await assert.rejects(open(server), (error) => {
      assert.ok(error instanceof StreamError);
      assert.equal(error.condition, 'see-other-host');
      assert.equal(error.otherHost, 'imp2.acme.example:5222');
      return true;
    });
  });

  it('tell an orderly end from a lost connection', async () => {
    await using server = await startLiveServer({ certificates });
    {
      await using _client = await open(server);
    }
    const lost = await open(server);
    lost.stream.transport.destroy();
    await lost.closed;
    while (server.ends.length < 2) await new Promise(setImmediate);
    assert.deepEqual(
      server.ends.map((end) => end.isOrderly),
      [true, false],
    );
  });

  it('hear the reason when the server ends the stream', async () => {
    await using server = await startLiveServer({ certificates });
    const client = await open(server);
    server.streams[0]?.end(new StreamError('system-shutdown'));
    assert.equal(((await client.closed) as StreamError).condition, 'system-shutdown');
  });

  it('end with an error of our own when an owner throws, and say nothing of it', async () => {
    await using server = await startLiveServer({
      certificates,
      owner: {
        stanza() {
          throw new TypeError('secret');
        },
      },
    });
    const client = await open(server);
    client.stream.send(message({}, body('x')));
    const error = await client.closed;
    assert.ok(error instanceof StreamError);
    assert.deepEqual([error.condition, error.message], ['internal-server-error', '']);
    assert.ok(server.ends[0]?.error?.cause instanceof TypeError);
  });

  it('carry large stanzas and many, in order', async () => {
    await using server = await startLiveServer({ certificates });
    await using client = await open(server);
    const large = 'ü'.repeat(100_000);
    client.stream.send(message({ id: 'large' }, body(large)));
    for (let index = 0; index < 500; index += 1) client.stream.send(message({ id: String(index) }, body('x')));
    const first = await client.next();
    assert.ok(serialise(first).includes(large));
    for (let index = 0; index < 500; index += 1) {
      const found = await client.next();
      assert.ok(found.attributes.some((each) => each.local === 'id' && each.value === String(index)));
    }
  });

  it('end at a stanza that is too large', async () => {
    await using server = await startLiveServer({ certificates });
    const client = await open(server);
    client.stream.send(message({}, body('x'.repeat(300_000))));
    assert.equal(((await client.closed) as StreamError).condition, 'policy-violation');
    assert.equal(server.heard.length, 0);
  });
});

describe('a server and hostile bytes', () => {
  async function talk(server: LiveServer, ...said: readonly string[]): Promise<string> {
    const socket = connect(server.port, '127.0.0.1');
    let heard = '';
    socket.setEncoding('utf8');
    socket.on('data', (text) => {
      heard += text;
    });
    // A server that is right to cut us off may do so before we have said all.
    socket.on('error', () => undefined);
    for (const text of said) socket.write(text);
    await once(socket, 'close');
    return heard;
  }
  const OPEN = `<stream:stream xmlns='jabber:client' xmlns:stream='${NS.stream}' to='acme.example' version='1.0'>`;

  it('does not take what was sent ahead of TLS', async () => {
    await using server = await startLiveServer({ certificates });
    const heard = await talk(
      server,
      `${OPEN}<starttls xmlns='${NS.tls}'/>${OPEN}<auth xmlns='${NS.sasl}' mechanism='PLAIN'>AA==</auth>`,
    );
    assert.doesNotMatch(heard, /success|mechanism/);
    assert.match(heard, /policy-violation/);
  });

  it('answers what is no XML with a stream error, after a header', async () => {
    await using server = await startLiveServer({ certificates });
    assert.match(
      await talk(server, 'GET / HTTP/1.1\r\n\r\n<'),
      /^<\?xml[^>]*><stream:stream[^>]*><stream:error><not-well-formed/,
    );
  });

  it('says less to who has not signed in', async () => {
    await using server = await startLiveServer({ certificates });
    assert.match(await talk(server, `${OPEN}<a>${'x'.repeat(20_000)}`), /policy-violation/);
  });

  it('closes when the other side only closes', async () => {
    await using server = await startLiveServer({ certificates });
    const socket = connect(server.port, '127.0.0.1');
    socket.resume();
    socket.end(OPEN);
    await once(socket, 'close');
    assert.equal(server.ends[0]?.isOrderly, false);
  });
});
