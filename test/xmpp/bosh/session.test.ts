import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { XmlElement } from '../../../src/xml/element.ts';
import { type BoshBody, type BoshReply, createBoshSession, NS, readBoshBody } from '../../../src/xmpp/xmpp.ts';
import { FakeClock, turn } from '../../support/fake-clock.ts';

const body = (attributes: string, inner = ''): BoshBody =>
  readBoshBody(`<body xmlns="${NS.httpBind}" xmlns:xmpp="urn:xmpp:xbosh" ${attributes}>${inner}</body>`);
const message = (text: string): string => `<message xmlns="jabber:client"><body>${text}</body></message>`;

class Reply implements BoshReply {
  said: string[] = [];
  send(text: string): void {
    this.said.push(text);
  }
}

function open(holding: string) {
  const clock = new FakeClock();
  const first = body(`rid="100" to="acme.example" ver="1.6" xmpp:version="1.0" ${holding}`);
  const heard: string[] = [];
  const limits = { firstStanzaBytes: 16_384, writeBytes: 65_536, patienceMs: 10_000 };
  const session = createBoshSession(first, {
    ...{ clock, limits },
    waitSeconds: 30,
    inactivitySeconds: 20,
    onOver: () => void heard.push('over'),
  });
  const { transport } = session;
  transport.listen({
    opened(header) {
      heard.push(`opened ${header.to}`);
      transport.send(transport.framing.open({ ...header, from: header.to, to: null, id: 'stream-1' }));
      transport.send(`<features n="${heard.length}"/>`);
    },
    element: ({ local, children }: XmlElement) =>
      void heard.push(`${local} ${children.map((each) => (typeof each === 'string' ? each : each.children[0]))}`),
    closed() {
      heard.push('closed');
      transport.end('');
    },
    failed: (error) => void heard.push(`failed ${(error as Error).message}`),
    gone: () => void heard.push('gone'),
  });
  const ask = async (request: BoshBody): Promise<Reply> => {
    const reply = new Reply();
    session.request(request, 100, reply);
    await turn();
    return reply;
  };
  return { clock, session, transport, heard, ask, first };
}

/** An open session whose first request is answered. */
async function opened(holding = 'wait="60" hold="1"') {
  const world = open(holding);
  const reply = await world.ask(world.first);
  const sid = /sid="([^"]+)"/.exec(reply.said[0] ?? '')?.[1] ?? assert.fail();
  const send = (rid: number, inner = '', more = ''): Promise<Reply> =>
    world.ask(body(`rid="${rid}" sid="${sid}" ${more}`, inner));
  return { ...world, reply, send };
}

describe('a BOSH session (XEP-0124)', () => {
  it('7.2: answers the first request with what the session is, and the features with it (XEP-0206 section 5)', async () => {
    const { reply, heard, session } = await opened();
    assert.deepEqual(heard, ['opened acme.example']);
    const [answer] = reply.said;
    for (const said of [
      `sid="${session.sid}"`,
      'wait="30"',
      'requests="2"',
      'hold="1"',
      'inactivity="20"',
      'ver="1.6"',
      'from="acme.example"',
      'authid="stream-1"',
      'xmpp:restartlogic="true"',
      '<features n="1"/></body>',
    ]) {
      assert.ok(answer?.includes(said), `${said} in ${answer}`);
    }
  });

  it('10: holds one request, and answers the older one when a newer comes', async () => {
    const { send, heard } = await opened();
    const older = await send(101);
    assert.deepEqual(older.said, []);
    const newer = await send(102, message('hello'));
    assert.match(older.said[0] ?? '', /^<body [^>]*\/>$/);
    assert.deepEqual(newer.said, []);
    assert.deepEqual(heard.slice(1), ['message hello']);
  });

  it('10: sends on the held request at once, and keeps what comes while none is held', async () => {
    const { send, transport } = await opened();
    transport.send('<a/>');
    await turn();
    const first = await send(101);
    assert.match(first.said[0] ?? '', /<a\/><\/body>$/);
    const second = await send(102);
    transport.send('<b/>');
    transport.send('<c/>');
    await turn();
    assert.match(second.said[0] ?? '', /<b\/><c\/><\/body>$/);
  });

  it('10: answers with nothing after the longest wait', async () => {
    const { send, clock } = await opened();
    const reply = await send(101);
    await clock.advance(29_000);
    assert.deepEqual(reply.said, []);
    await clock.advance(1_000);
    assert.match(reply.said[0] ?? '', /\/>$/);
  });

  it('14.1: hears requests in their order, whatever order they come in', async () => {
    const { send, heard } = await opened();
    await send(102, message('second'));
    assert.deepEqual(heard.slice(1), []);
    await send(101, message('first'));
    assert.deepEqual(heard.slice(1), ['message first', 'message second']);
  });

  it('14.2: refuses a request outside the window, and the session is over', async () => {
    const { send, heard } = await opened();
    const reply = await send(103, message('too far'));
    assert.match(reply.said[0] ?? '', /type="terminate" condition="item-not-found"/);
    assert.deepEqual(heard.slice(1), ['over', 'gone']);
  });

  it('14.3: answers a repeated request with the same octets, and hears it once', async () => {
    const { send, transport, heard } = await opened();
    const reply = await send(101, message('once'));
    transport.send('<a/>');
    await turn();
    const again = await send(101, message('once'));
    assert.deepEqual(again.said, reply.said);
    assert.deepEqual(heard.slice(1), ['message once']);
  });

  it('14.3: gives the answer to the client that asks again after its connection broke', async () => {
    const { session, send, transport } = await opened();
    const broken = await send(101);
    session.abandon(broken);
    const again = await send(101);
    transport.send('<a/>');
    await turn();
    assert.deepEqual(broken.said, []);
    assert.match(again.said[0] ?? '', /<a\/>/);
  });

  it('10: is over when no request has waited for the time of inactivity', async () => {
    const { clock, heard, session, send } = await opened();
    const reply = await send(101);
    await clock.advance(25_000);
    assert.deepEqual(heard.slice(1), [], 'a request is held');
    session.abandon(reply);
    await clock.advance(20_000);
    assert.deepEqual(heard.slice(1), ['over', 'gone']);
  });

  it('13: ends when the client says so, after what it still had to say', async () => {
    const { send, heard } = await opened();
    const held = await send(101);
    const last = await send(102, message('bye'), 'type="terminate"');
    assert.deepEqual(heard.slice(1), ['message bye', 'closed', 'over', 'gone']);
    assert.match(held.said[0] ?? '', /type="terminate"/);
    assert.match(last.said[0] ?? '', /type="terminate"/);
  });

  it('XEP-0206 section 5: begins the stream anew', async () => {
    const { send, heard } = await opened();
    const reply = await send(101, '', 'xmpp:restart="true"');
    assert.deepEqual(heard.slice(1), ['opened acme.example']);
    assert.match(reply.said[0] ?? '', /<features n="2"\/>/);
  });

  it('11: answers at once a client that polls', async () => {
    const { reply, send } = await opened('wait="0" hold="0"');
    assert.match(reply.said[0] ?? '', /requests="1" hold="0"/);
    assert.match((await send(101)).said[0] ?? '', /\/>$/);
  });

  it('is bounded in what waits for the client', async () => {
    const { transport, heard } = await opened();
    for (let count = 0; count < 70; count += 1) transport.send('x'.repeat(1_000));
    assert.deepEqual(heard.slice(1, 4), ['failed the other side does not read', 'over', 'gone']);
  });

  it('answers every request that waits when the stream ends with an error (17.3)', async () => {
    const { send, transport } = await opened();
    const reply = await send(101);
    const error = { uri: NS.stream, local: 'error', attributes: [], children: [] };
    transport.send(transport.framing.element(error));
    transport.end(transport.framing.close());
    await turn();
    assert.match(reply.said[0] ?? '', /type="terminate" condition="remote-stream-error"><stream:error/);
  });
});

describe('a BOSH body', () => {
  it('is refused when it is none', () => {
    for (const text of [
      '',
      'x',
      '<body rid="1"/>',
      `<body xmlns="${NS.httpBind}"/>`,
      `<body xmlns="${NS.httpBind}" rid="-1"/>`,
      `<body xmlns="${NS.httpBind}" rid="9007199254740993"/>`,
      `<body xmlns="${NS.httpBind}" rid="1">text</body>`,
      `<!DOCTYPE x><body xmlns="${NS.httpBind}" rid="1"/>`,
      `<body xmlns="${NS.httpBind}" rid="1"><!-- no --></body>`,
    ]) {
      assert.throws(() => readBoshBody(text), { name: 'BoshError', condition: 'bad-request' }, text);
    }
  });

  it('has its stanzas in the namespace of clients, also when a library forgot to say so', () => {
    const [stanza] = readBoshBody(`<body xmlns="${NS.httpBind}" rid="1"><presence/></body>`).elements;
    assert.equal(stanza?.uri, NS.client);
  });
});
