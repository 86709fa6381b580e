import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { request } from 'undici';
import {
  EPAS,
  envelope,
  faultNumber,
  keyOf,
  loginByApplication,
  loginRequest,
  payloadOf,
} from '../services/client-profile-agent/messages.ts';
import { type ImpProcess, startImp, temporaryFolder } from '../support/imp-process.ts';

const PASSWORD = 'Imp-demo-1';
const PWS = 'urn:cisco:cup:presence:soap';

/** Sessions of one node's Client Profile Agent and Presence Web Service: one store behind both. */
describe('sessions at two faces', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let imp: ImpProcess;
  before(async () => {
    folder = await temporaryFolder();
    imp = await startImp({ data: `${folder.path}/data` });
  });
  after(async () => {
    await imp?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  const send = async (url: string, method: 'GET' | 'POST' | 'PUT' | 'DELETE', key: string, body = '') => {
    const headers = key === '' ? {} : { 'presence-session-key': key };
    const answer = await request(url, { method, dispatcher: imp.agent, headers, body: body === '' ? null : body });
    const text = await answer.body.text();
    return { status: answer.statusCode, text };
  };
  const atAgent = async (payload: string, key?: string) => {
    const body = envelope(payload, key === undefined ? {} : { key });
    const { status, text } = await send(String(imp.endpoints.cpa), 'POST', '', body);
    return { status, headers: {}, text, payload: payloadOf(text) };
  };
  const rest = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, key: string, body = '') =>
    send(`${imp.endpoints.presenceWebService}${path}`, method, key, body);
  const soap = async (payload: string, key: string) => {
    const { text } = await send(`${imp.endpoints.presenceWebService}/soap`, 'POST', '', envelope(payload, { key }));
    return text;
  };
  const restKey = async (user: string, key: string, body = '', method: 'POST' | 'PUT' = 'POST'): Promise<string> => {
    const { status, text } = await rest(method, `/users/${user}/session`, key, body);
    assert.equal(status, 201, text);
    return /<sessionKey>([^<]+)</.exec(text)?.[1] ?? '';
  };

  /** Where a key is good: at the agent, at the other service's REST and at its SOAP face. */
  const goodAt = async (user: string, key: string): Promise<string> => {
    const list = await atAgent(`<get-contact-list xmlns="${EPAS}"/>`, key);
    const read = await rest('GET', `/users/${user}/presence/basic/contacts/bob@acme.example`, key);
    const polled = await soap(
      `<getPolledPresence xmlns="${PWS}"><contactsList><contact contactURI="bob@acme.example"/></contactsList><presenceType>BASIC_PRESENCE</presenceType></getPolledPresence>`,
      key,
    );
    const said = [
      list.payload.local === 'get-contact-list-resp' ? 'ok' : faultNumber(list),
      read.status === 200 ? 'ok' : /<code>(\d+)</.exec(read.text)?.[1],
      polled.includes('presenceStatus=') ? 'ok' : /code="(\d+)"/.exec(polled)?.[1],
    ];
    return said.join(' ');
  };
  const EVERYWHERE = 'ok ok ok';
  const NOWHERE = '101 101 101';
  const applicationAtAgent = async (force = ''): Promise<string> =>
    keyOf(await atAgent(loginRequest('appuser', PASSWORD, `client-type="thirdpartyapp" ${force}`)));
  const applicationAtPresence = (): Promise<string> =>
    restKey('appuser', '', `<session><password>${PASSWORD}</password></session>`);

  it('are one session: an application has the same key at both, and so has an end user that it signs in', async () => {
    const application = await applicationAtAgent();
    assert.equal(await applicationAtPresence(), application);
    const alice = keyOf(await atAgent(loginByApplication('alice', application)));
    assert.equal(await restKey('alice', application), alice);
    assert.equal(await goodAt('alice', alice), EVERYWHERE);
  });

  it('opened at either are good at the other', async () => {
    const application = await applicationAtPresence();
    const alice = await restKey('alice', application);
    const carol = keyOf(await atAgent(loginByApplication('carol', application)));
    assert.equal(await goodAt('alice', alice), EVERYWHERE);
    assert.equal(await goodAt('carol', carol), EVERYWHERE);
  });

  it('of end users end at both when the application signs out at the Client Profile Agent', async () => {
    const application = await applicationAtAgent();
    const alice = await restKey('alice', application);
    const carol = keyOf(await atAgent(loginByApplication('carol', application)));
    const endPoint = await rest(
      'POST',
      '/endpoints',
      application,
      '<endpoint><url>http://127.0.0.1:9/</url><expiration>3600</expiration></endpoint>',
    );
    assert.equal(endPoint.status, 201, endPoint.text);
    assert.match((await atAgent(`<logout xmlns="${EPAS}"/>`, application)).text, /code="200"/);
    assert.equal(await goodAt('alice', alice), NOWHERE);
    assert.equal(await goodAt('carol', carol), NOWHERE);
    assert.match((await rest('PUT', '/endpoints/1', application)).text, /<code>101</);
  });

  it('of end users end at both when it signs out at the Presence Web Service, by REST or by SOAP', async () => {
    for (const signOut of [
      async (key: string) => assert.equal((await rest('DELETE', '/users/appuser/session', key)).status, 200),
      async (key: string) => assert.match(await soap(`<logout xmlns="${PWS}"/>`, key), /SUCCESS/),
    ]) {
      const application = await applicationAtPresence();
      const alice = await restKey('alice', application);
      const carol = keyOf(await atAgent(loginByApplication('carol', application)));
      await signOut(application);
      assert.equal(await goodAt('alice', alice), NOWHERE);
      assert.equal(await goodAt('carol', carol), NOWHERE);
      assert.equal(faultNumber(await atAgent(`<get-cluster-info xmlns="${EPAS}"/>`, application)), '101');
    }
  });

  it('end at both when a new key is forced at either', async () => {
    const first = await applicationAtAgent();
    const alice = await restKey('alice', first);
    const second = await applicationAtAgent('force="true"');
    assert.notEqual(second, first);
    assert.equal(await goodAt('alice', alice), NOWHERE, 'what was opened with the old key has ended');
    const anew = keyOf(await atAgent(loginByApplication('alice', second)));
    const forced = await restKey('alice', second, '', 'PUT');
    assert.equal(await goodAt('alice', anew), NOWHERE);
    assert.equal(await goodAt('alice', forced), EVERYWHERE);
  });

  it('of Jabber are good at the Client Profile Agent alone', async () => {
    const application = await applicationAtAgent();
    const jabber = keyOf(await atAgent(loginRequest('alice', PASSWORD, 'client-type="CUPC" client-version="14.2"')));
    assert.equal(await goodAt('alice', jabber), 'ok 101 101');
    // An end user's own password is not taken at the other face, and Jabber's session is not touched by that.
    const refused = await rest(
      'POST',
      '/users/alice/sessions',
      '',
      `<session><password>${PASSWORD}</password></session>`,
    );
    assert.match(refused.text, /<code>114</);
    await atAgent(`<logout xmlns="${EPAS}"/>`, application);
    assert.equal(await goodAt('alice', jabber), 'ok 101 101');
  });
});
