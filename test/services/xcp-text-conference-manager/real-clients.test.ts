import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type ImpProcess, startImp, temporaryFolder } from '../../support/imp-process.ts';
import { pythonWith, runProgram } from '../../support/programs.ts';
import {
  skipWithoutXmppJs,
  trustAuthority,
  type XmppJsClient,
  type XmppJsElement,
  xmppJs,
} from '../../support/xmpp-js.ts';

const python = pythonWith('slixmpp');
const ROOM = 'tea@conference.acme.example';
const MUC = 'http://jabber.org/protocol/muc';

interface InRoom {
  readonly client: XmppJsClient;
  until(matches: (stanza: XmppJsElement) => boolean): Promise<XmppJsElement>;
}

/** Signs in with @xmpp/client, and enters the room. */
async function enter(imp: ImpProcess, username: string, nick: string): Promise<InRoom> {
  const js = xmppJs ?? assert.fail();
  const { xmpp, domain, ca } = imp.endpoints;
  trustAuthority(await readFile(ca, 'utf8'));
  const service = `xmpp://${xmpp?.host}:${xmpp?.port}`;
  const client = js.client({ service, domain, username, password: 'Imp-demo-1', resource: 'desk' });
  const heard: XmppJsElement[] = [];
  const waiting = new Set<() => void>();
  client.on('error', () => undefined);
  client.on('stanza', (stanza) => {
    heard.push(stanza);
    for (const look of waiting) look();
  });
  await client.start();
  await client.send(js.xml('presence', { to: `${ROOM}/${nick}` }, js.xml('x', { xmlns: MUC })));
  return {
    client,
    until: (matches) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = heard.find(matches);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
  };
}

describe('real XMPP clients in rooms of a node', () => {
  it('@xmpp/client: a persistent room survives kill -9 with what was said in it', {
    skip: skipWithoutXmppJs,
  }, async () => {
    const js = xmppJs ?? assert.fail();
    await using folder = await temporaryFolder();
    const data = join(folder.path, 'data');
    {
      await using imp = await startImp({ data });
      const alice = await enter(imp, 'alice', 'Alice');
      const created = await alice.until((stanza) => stanza.is('presence') && stanza.attrs.from === `${ROOM}/Alice`);
      const codes = created.getChild('x', `${MUC}#user`)?.getChildren('status') ?? [];
      assert.deepEqual(codes.map(({ attrs }) => attrs.code).sort(), ['110', '201']);
      const field = (name: string, value: string) => js.xml('field', { var: name }, js.xml('value', {}, value));
      const form = js.xml(
        'x',
        { xmlns: 'jabber:x:data', type: 'submit' },
        field('FORM_TYPE', `${MUC}#roomconfig`),
        field('muc#roomconfig_persistentroom', '1'),
      );
      await alice.client.iqCaller.request(
        js.xml('iq', { type: 'set', to: ROOM }, js.xml('query', { xmlns: `${MUC}#owner` }, form)),
      );
      await alice.client.send(js.xml('message', { to: ROOM, type: 'groupchat' }, js.xml('body', {}, 'Zoë & 李 <3')));
      // Who has heard it knows that it is kept.
      await alice.until((stanza) => stanza.getChildText('body') === 'Zoë & 李 <3');
      alice.client.reconnect.stop();
      await imp.kill();
    }
    await using imp = await startImp({ data });
    const bob = await enter(imp, 'bob', 'Bob');
    const past = await bob.until((stanza) => stanza.getChildText('body') === 'Zoë & 李 <3');
    assert.equal(past.attrs.from, `${ROOM}/Alice`);
    assert.ok(past.getChild('delay', 'urn:xmpp:delay'));
    await bob.client.stop();
  });

  it('slixmpp: creates, configures, finds, enters, speaks, reads lists, is refused', {
    skip: python === undefined && 'slixmpp is not on this machine',
  }, async () => {
    await using folder = await temporaryFolder();
    await using imp = await startImp({ data: join(folder.path, 'data') });
    const { xmpp, ca } = imp.endpoints;
    const script = fileURLToPath(new URL('clients/slixmpp-rooms.py', import.meta.url));
    const args = [script, '127.0.0.1', String(xmpp?.port), ca, 'Imp-demo-1'];
    const { code, out, err } = await runProgram(python ?? '', args);
    assert.equal(code, 0, `${err}\n${out}`);
    // Some releases of slixmpp print the delays that they read.
    assert.deepEqual(JSON.parse(out.trim().split('\n').at(-1) ?? ''), {
      created: [110, 201],
      title: 'Configuration of slixmpp@conference.acme.example',
      name: ['Žlutý čaj'],
      entered: [110],
      others: ['Alice'],
      history: ['first'],
      heard: ['Bob', 'Zoë & 李'],
      owners: ['alice@acme.example'],
      refused: 'forbidden',
    });
  });
});
