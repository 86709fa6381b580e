import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startImp, temporaryFolder } from '../support/imp-process.ts';
import {
  skipWithoutXmppJs,
  trustAuthority,
  type XmppJsClient,
  type XmppJsElement,
  xmppJs,
} from '../support/xmpp-js.ts';

interface Client {
  readonly client: XmppJsClient;
  readonly heard: XmppJsElement[];
  until(matches: (stanza: XmppJsElement) => boolean): Promise<XmppJsElement>;
}

describe('a node with a mock CUCM, over XMPP', () => {
  it('lets alice and bob sign in, see each other and chat', { skip: skipWithoutXmppJs }, async () => {
    const js = xmppJs ?? assert.fail();
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'endpoints.json');
    await using imp = await startImp({ data: join(folder.path, 'data'), flags: ['--mock-cucm', '--endpoints', file] });
    const endpoints = JSON.parse(await readFile(file, 'utf8')) as {
      ca: string;
      domain: string;
      xmpp: { host: string; port: number };
    };
    trustAuthority(await readFile(endpoints.ca, 'utf8'));

    const connect = (username: string, resource: string, password = 'Imp-demo-1'): Client => {
      const client = js.client({
        service: `xmpp://${endpoints.xmpp.host}:${endpoints.xmpp.port}`,
        domain: endpoints.domain,
        username,
        password,
        resource,
      });
      const heard: XmppJsElement[] = [];
      const waiting = new Set<() => void>();
      client.on('error', () => undefined);
      client.on('stanza', (stanza) => {
        heard.push(stanza);
        for (const look of waiting) look();
      });
      return {
        client,
        heard,
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
    };

    const alice = connect('alice', 'desk');
    const bob = connect('bob', 'phone');
    assert.equal((await alice.client.start()).toString(), 'alice@acme.example/desk');
    assert.equal((await bob.client.start()).toString(), 'bob@acme.example/phone');
    for (const { client } of [alice, bob]) {
      await client.iqCaller.request(js.xml('iq', { type: 'get' }, js.xml('query', { xmlns: 'jabber:iq:roster' })));
      await client.send(js.xml('presence', {}));
    }
    await alice.client.send(js.xml('presence', { type: 'subscribe', to: 'bob@acme.example' }));
    await alice.until((stanza) => stanza.is('presence') && stanza.attrs.from === 'bob@acme.example/phone');

    await alice.client.send(
      js.xml('message', { type: 'chat', to: 'bob@acme.example' }, js.xml('body', {}, 'Zoë & 李 <3')),
    );
    const heard = await bob.until((stanza) => stanza.is('message'));
    assert.equal(heard.getChildText('body'), 'Zoë & 李 <3');
    assert.equal(heard.attrs.from, 'alice@acme.example/desk');

    const wrong = connect('carol', 'desk', 'wrong');
    await assert.rejects(wrong.client.start(), /not-authorized/);
    wrong.client.reconnect.stop();
    const mallory = connect('mallory', 'desk');
    await assert.rejects(mallory.client.start(), /account-disabled/);
    mallory.client.reconnect.stop();

    await alice.client.stop();
    await bob.until((stanza) => stanza.is('message'));
    await bob.client.stop();
    assert.doesNotMatch(imp.log(), /Imp-demo-1/);
  });
});
