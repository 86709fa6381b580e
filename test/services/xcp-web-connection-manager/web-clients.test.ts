import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { request } from 'undici';
import WebSocket from 'ws';
import { type ImpProcess, startImp, temporaryFolder } from '../../support/imp-process.ts';
import { skipWithoutXmppJs, trustAuthority, type XmppJsElement, xmppJs } from '../../support/xmpp-js.ts';

const HTTP_BIND = 'http://jabber.org/protocol/httpbind';
const PLAIN = Buffer.from('\0bob\0Imp-demo-1').toString('base64');

describe('XMPP clients in browsers', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let imp: ImpProcess;
  let url: string;
  let ca: string;
  before(async () => {
    folder = await temporaryFolder();
    const file = join(folder.path, 'endpoints.json');
    imp = await startImp({ data: join(folder.path, 'data'), flags: ['--mock-cucm', '--endpoints', file] });
    url = (JSON.parse(await readFile(file, 'utf8')) as { xmppWebSocket: string }).xmppWebSocket;
    ca = await readFile(imp.endpoints.ca, 'utf8');
    trustAuthority(ca);
  });
  after(async () => {
    await imp[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const post = async (body: string, headers: Readonly<Record<string, string>> = {}) => {
    const address = url.replace('wss:', 'https:').replace('/ws', '/http-bind');
    const answer = await request(address, { method: 'POST', dispatcher: imp.agent, body, headers });
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
  };

  it('chat: one over WebSocket (RFC 7395) by @xmpp/client, one over BOSH (XEP-0206)', {
    skip: skipWithoutXmppJs,
  }, async () => {
    const js = xmppJs ?? assert.fail();
    const alice = js.client({
      ...{ service: url, domain: 'acme.example', username: 'alice', password: 'Imp-demo-1', resource: 'web' },
    });
    alice.on('error', () => undefined);
    const heard = new Promise<XmppJsElement>((resolve) => {
      alice.on('stanza', (stanza) => {
        if (stanza.is('message')) resolve(stanza);
      });
    });
    assert.equal((await alice.start()).toString(), 'alice@acme.example/web');
    await alice.send(js.xml('presence', {}));

    let rid = 5_000;
    let sid = '';
    const bob = async (inner: string, attributes = ''): Promise<string> => {
      rid += 1;
      const session = sid === '' ? '' : `sid="${sid}"`;
      const { text } = await post(
        `<body xmlns="${HTTP_BIND}" xmlns:xmpp="urn:xmpp:xbosh" rid="${rid}" ${session} ${attributes}>${inner}</body>`,
      );
      return text;
    };
    const first = await bob('', 'to="acme.example" wait="20" hold="1" ver="1.6" xmpp:version="1.0"');
    assert.match(first, /<mechanism>PLAIN<\/mechanism>/);
    assert.doesNotMatch(first, /starttls/);
    sid = /sid="([^"]+)"/.exec(first)?.[1] ?? assert.fail(first);
    assert.match(
      await bob(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${PLAIN}</auth>`),
      /<success/,
    );
    assert.match(await bob('', 'xmpp:restart="true" to="acme.example"'), /urn:ietf:params:xml:ns:xmpp-bind/);
    const bind = '<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>page</resource></bind>';
    assert.match(await bob(`<iq xmlns="jabber:client" type="set" id="b1">${bind}</iq>`), /bob@acme\.example\/page/);
    const waiting = bob('<presence xmlns="jabber:client"/>');
    await alice.send(js.xml('message', { type: 'chat', to: 'bob@acme.example/page' }, js.xml('body', {}, 'Zoë & 李')));
    let text = await waiting;
    while (!text.includes('<body>')) text = await bob('');
    assert.match(text, /<message [^>]*from="alice@acme\.example\/web"[^>]*>.*<body>Zoë &amp; 李<\/body>/);

    const answered = bob(
      '<message xmlns="jabber:client" type="chat" to="alice@acme.example/web"><body>back</body></message>',
    );
    assert.equal((await heard).getChildText('body'), 'back');
    assert.match(await bob('', 'type="terminate"'), /type="terminate"/);
    await answered;
    assert.match(await bob(''), /condition="item-not-found"/);
    await alice.stop();
  });

  it('are refused what is no session, no XML, no POST', async () => {
    assert.match((await post('<body>')).text, /condition="bad-request"/);
    assert.match(
      (await post(`<body xmlns="${HTTP_BIND}" rid="1" sid="none"/>`)).text,
      /type="terminate" condition="item-not-found"/,
    );
    assert.match((await post(`<body xmlns="${HTTP_BIND}" rid="1"/>`)).text, /condition="improper-addressing"/);
    assert.match(
      (await post(`<body xmlns="${HTTP_BIND}" rid="1" to="elsewhere.example" wait="5" hold="1"/>`)).text,
      /condition="remote-stream-error">.*host-unknown/,
    );
    assert.equal((await post('x'.repeat(300_000))).status, 413);
    const address = url.replace('wss:', 'https:').replace('/ws', '/http-bind');
    const got = await request(address, { dispatcher: imp.agent });
    assert.equal(got.statusCode, 405);
    await got.body.dump();
  });

  it('may be pages of any origin, by default', async () => {
    const { headers } = await post(`<body xmlns="${HTTP_BIND}" rid="1"/>`, { origin: 'https://app.example' });
    assert.equal(headers['access-control-allow-origin'], 'https://app.example');
  });

  it('must ask for the subprotocol (RFC 7395 3.1), and send text', async () => {
    const plain = new WebSocket(url, { ca });
    const [error] = (await once(plain, 'error')) as [Error];
    assert.match(error.message, /400/);
    const binary = new WebSocket(url, 'xmpp', { ca });
    await once(binary, 'open');
    const frames: string[] = [];
    binary.on('message', (data) => frames.push(String(data)));
    binary.send('<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="acme.example" version="1.0"/>');
    binary.send(Buffer.from([0, 1, 2]));
    await once(binary, 'close');
    assert.match(frames.at(-2) ?? '', /bad-format/);
    assert.match(frames.at(-1) ?? '', /^<close /);
  });
});
