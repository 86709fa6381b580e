import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { attribute, element, elements, textOf } from '../../../src/xml/element.ts';
import { type CpaHttps, openCpaHttps } from './cpa-https.ts';
import {
  type Answer,
  at,
  contactRequest,
  EPAS,
  envelope,
  faultNumber,
  keyOf,
  loginRequest,
  persona,
} from './messages.ts';

/** docs/services/client-profile-agent.md, "How Jabber signs in". */
describe("Jabber's sign-in, step by step, in its wire form", () => {
  let world: CpaHttps;
  before(async () => {
    world = await openCpaHttps();
  });
  after(() => world[Symbol.asyncDispose]());

  const CLIENT = 'client-type="CUPC" client-version="14.2.0.58776" force="true"';
  const path = '/EPASSoap/service/v80';
  const typed = { 'content-type': 'text/xml; charset=utf-8', soapaction: `"${EPAS}/login"` };
  /** SOAP 1.2, white space before the envelope, and either the wrong media type or none at all. */
  const send = (payload: string, key?: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    world.post(`\n${envelope(payload, key === undefined ? {} : { key })}`, { path, headers });

  it('2: login with force; 3: refused in words of its own, sent to another node, or let in', async () => {
    const refused = await send(loginRequest('alice', 'wrong', CLIENT), undefined, typed);
    assert.equal(refused.status, 200);
    assert.match(at(refused.payload, 'failure', 'reason') ?? '', /^Login failed: /);
    const elsewhere = await send(loginRequest('olga', 'secret', CLIENT), undefined, typed);
    const redirect = element(elsewhere.payload, 'redirect');
    assert.equal(redirect && attribute(redirect, 'primaryServer'), 'imp2.acme.example');
    const first = keyOf(await send(loginRequest('alice', 'secret', CLIENT), undefined, typed));
    const second = await send(loginRequest('alice', 'secret', CLIENT), undefined, typed);
    assert.equal(second.headers['content-type'], 'application/soap+xml; charset=utf-8');
    assert.notEqual(keyOf(second), first);
    assert.equal(faultNumber(await send(`<get-onetime-password xmlns="${EPAS}"/>`, first)), '101');
  });

  it('4: get-all-config with its five sections; 5: get-onetime-password without media type; 7: the token is good once', async () => {
    const key = keyOf(await send(loginRequest('alice', 'secret', CLIENT), undefined, typed));
    const sections =
      '<system-config/><user-config/><federated-domains auth-policy="all"/><non-presence-aware-contacts/><contact-info/>';
    const config = await send(`<get-all-config xmlns="${EPAS}">${sections}</get-all-config>`, key);
    assert.deepEqual(
      elements(config.payload).map(({ local }) => local),
      [
        'get-system-config-resp',
        'get-user-config-resp',
        'get-federated-domains-resp',
        'get-non-presence-aware-contacts-resp',
        'get-contact-info-resp',
      ],
    );
    const system = element(config.payload, 'get-system-config-resp');
    const domain = system && elements(system).find((each) => attribute(each, 'name') === 'Presence.Domain');
    assert.equal(domain && textOf(domain), 'acme.example');
    const token = at((await send(`<get-onetime-password xmlns="${EPAS}"/>`, key)).payload, 'success', 'password') ?? '';
    assert.match(token, /^[\w-]{22,}$/);
    assert.equal(await world.loginDatastore.redeemToken(token, 'bob'), undefined);
    const other = at((await send(`<get-onetime-password xmlns="${EPAS}"/>`, key)).payload, 'success', 'password') ?? '';
    assert.equal((await world.loginDatastore.redeemToken(other, 'alice'))?.userid, 'Alice');
    assert.equal(await world.loginDatastore.redeemToken(other, 'alice'), undefined);
  });

  it('then changes contacts, and goes on after a fault', async () => {
    const key = keyOf(await send(loginRequest('alice', 'secret', CLIENT), undefined, typed));
    const list = `<get-contact-list xmlns="${EPAS}"/>`;
    const added = await send(contactRequest('add-contact', { Team: [persona('bob', 'domain="acme.example"')] }), key);
    assert.equal(at(added.payload, 'success'), '');
    assert.equal(faultNumber(await send('<nothing/>', key)), '103');
    const gone = await send(contactRequest('delete-contact', { Team: [persona('nobody')] }), key);
    assert.equal(at(gone.payload, 'success'), '');
    assert.match((await send(list, key)).text, /<e:persona-id domain="acme\.example">bob<\/e:persona-id>/);
    assert.equal(at((await send(`<logout xmlns="${EPAS}"/>`, key)).payload, 'success'), '');
    assert.equal(faultNumber(await send(list, key)), '101');
  });
});
