import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { request } from 'undici';
import { attribute, element, elements, textOf, type XmlElement } from '../../src/xml/element.ts';
import { body, el, iq, message, NS, parseJid, presence, type SaslCredentials, smRequest } from '../../src/xmpp/xmpp.ts';
import {
  at,
  contactRequest,
  EPAS,
  envelope,
  loginRequest,
  payloadOf,
  persona,
} from '../services/client-profile-agent/messages.ts';
import { type ImpProcess, startImp, temporaryFolder } from '../support/imp-process.ts';
import { type LiveClient, openLiveClient } from '../support/xmpp-live-client.ts';

const PASSWORD = 'Imp-demo-1';
const DOMAIN = 'acme.example';

/** All elements of that name, however deep. */
function below(parent: XmlElement, local: string): XmlElement[] {
  return elements(parent).flatMap((each) => (each.local === local ? [each] : below(each, local)));
}

describe('one user over SOAP and XMPP', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let imp: ImpProcess;
  let ca: string;
  let xmpp: { host: string; port: number };

  const start = async (): Promise<void> => {
    const file = join(folder.path, 'endpoints.json');
    imp = await startImp({ data: join(folder.path, 'data'), flags: ['--mock-cucm', '--endpoints', file] });
    xmpp = (JSON.parse(await readFile(file, 'utf8')) as { xmpp: typeof xmpp }).xmpp;
    ca = await readFile(imp.endpoints.ca, 'utf8');
  };
  before(async () => {
    folder = await temporaryFolder();
    await start();
  });
  after(async () => {
    await imp[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const soap = async (payload: string, key?: string): Promise<XmlElement> => {
    const { body: answer, statusCode } = await request(imp.endpoints.cpa ?? assert.fail(), {
      method: 'POST',
      dispatcher: imp.agent,
      headers: { 'content-type': 'application/soap+xml' },
      body: envelope(payload, key === undefined ? {} : { key }),
    });
    const text = await answer.text();
    assert.equal(statusCode, 200, text);
    return payloadOf(text);
  };
  const logIn = async (user: string): Promise<string> =>
    at(await soap(loginRequest(user, PASSWORD, 'client-type="CUPC"')), 'success', 'session-key') ?? assert.fail();
  const connect = async (credentials: SaslCredentials, resource: string): Promise<LiveClient> =>
    await openLiveClient({ ...xmpp, domain: DOMAIN, ca, credentials, resource });
  const byPassword = (username: string) => ({ kind: 'password', username, password: PASSWORD }) as const;
  const pushOf =
    (jid: string, wanted: Readonly<Record<string, string>>) =>
    (stanza: XmlElement): boolean => {
      const item = element(stanza, 'query', NS.roster)?.children.find((each) => typeof each !== 'string');
      return (
        attribute(stanza, 'type') === 'set' &&
        item !== undefined &&
        attribute(item, 'jid') === jid &&
        Object.entries(wanted).every(([name, value]) => attribute(item, name) === value)
      );
    };

  it('signs in with a one-time password, and shares one contact list', async () => {
    const key = await logIn('alice');
    const token = at(await soap(`<get-onetime-password xmlns="${EPAS}"/>`, key), 'success', 'password');
    const alice = await connect({ kind: 'token', user: parseJid(`alice@${DOMAIN}`), token: token ?? '' }, 'jabber');
    const bob = await connect(byPassword('bob'), 'jabber');
    for (const { stream, until } of [alice, bob]) {
      stream.send(iq({ type: 'get', id: 'roster' }, el(NS.roster, 'query')));
      await until((stanza) => attribute(stanza, 'id') === 'roster');
      stream.send(presence({}));
    }

    await soap(contactRequest('add-contact', { Friends: [persona('bob', `domain="${DOMAIN}"`)] }), key);
    await alice.until(pushOf(`bob@${DOMAIN}`, { subscription: 'to' }));
    await alice.until((stanza) => attribute(stanza, 'from') === `bob@${DOMAIN}/jabber`);

    const item = el(NS.roster, 'item', { jid: `carol@${DOMAIN}`, name: 'Car' }, el(NS.roster, 'group', {}, 'Work'));
    alice.stream.send(iq({ type: 'set', id: 'add' }, el(NS.roster, 'query', {}, item)));
    await alice.until((stanza) => attribute(stanza, 'id') === 'add');
    const list = await soap(`<get-contact-list xmlns="${EPAS}"/>`, key);
    const groups = below(list, 'group');
    assert.deepEqual(
      groups.map((group) => [
        attribute(group, 'name'),
        elements(group).map((each) => [textOf(each), attribute(each, 'nickname')]),
      ]),
      [
        ['Friends', [['bob', undefined]]],
        ['Work', [['carol', 'Car']]],
      ],
    );

    await soap(contactRequest('delete-contact', { Friends: [persona('bob', `domain="${DOMAIN}"`)] }), key);
    await alice.until(pushOf(`bob@${DOMAIN}`, { subscription: 'remove' }));
    alice.stream.end();
    bob.stream.end();
  });

  it('keeps a message that was acknowledged through kill -9', async () => {
    const alice = await connect(byPassword('alice'), 'desk');
    alice.stream.send(el(NS.sm, 'enable'));
    await alice.until(({ local }) => local === 'enabled');
    const texts = Array.from({ length: 20 }, (_, index) => `message ${index}`);
    for (const text of texts) alice.stream.send(message({ to: parseJid(`dave@${DOMAIN}`), type: 'chat' }, body(text)));
    alice.stream.send(smRequest);
    await alice.until((said) => said.local === 'a' && attribute(said, 'h') === '20');
    await imp.kill();
    await start();
    const dave = await connect(byPassword('dave'), 'desk');
    dave.stream.send(presence({}));
    await dave.until((stanza) => textOf(stanza).includes('message 19'));
    const got = dave.received.filter(({ local }) => local === 'message');
    assert.deepEqual(
      got.map((stanza) => textOf(element(stanza, 'body') ?? assert.fail())),
      texts,
    );
    dave.stream.end();
  });
});
