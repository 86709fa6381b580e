import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { request } from 'undici';
import { type ImpProcess, startImp, temporaryFolder } from '../support/imp-process.ts';

const PASSWORD = 'Imp-demo-1';
const PER_USER = 20;

/** A guesser who goes from one SOAP face of a node to the other. */
describe('one set of attempts at a node', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let imp: ImpProcess;
  before(async () => {
    folder = await temporaryFolder();
    imp = await startImp({ data: join(folder.path, 'data') });
  });
  after(async () => {
    await imp?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });
  const post = async (url: string, type: string, body: string): Promise<string> => {
    const headers = { 'content-type': type };
    const answer = await request(url, { method: 'POST', dispatcher: imp.agent, headers, body });
    return await answer.body.text();
  };
  const atAgent = (user: string, password: string): Promise<string> =>
    post(
      String(imp.endpoints.cpa),
      'application/soap+xml',
      `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><e:login xmlns:e="urn:cisco:epas:soap"><e:username>${user}</e:username><e:password>${password}</e:password></e:login></s:Body></s:Envelope>`,
    );
  const atPresence = (user: string, password: string): Promise<string> =>
    post(
      `${imp.endpoints.presenceWebService}/users/${user}/sessions`,
      'text/xml',
      `<session><password>${password}</password></session>`,
    );
  const guess = async (
    face: (user: string, password: string) => Promise<string>,
    user: string,
    times: number,
  ): Promise<void> => {
    for (let each = 0; each < times; each += 1) assert.match(await face(user, `wrong ${each}`), /is not valid/);
  };
  const lockedOut = /too many wrong passwords/;

  it('lets everybody in who knows the password, at both', async () => {
    assert.match(await atAgent('appuser', PASSWORD), /session-key>/);
    assert.match(await atPresence('appuser', PASSWORD), /<sessionKey>/);
    assert.match(await atAgent('alice', PASSWORD), /session-key>/);
  });

  it('locks out at the Presence Web Service who was locked out at the Client Profile Agent', async () => {
    await guess(atAgent, 'appuser', PER_USER);
    assert.match(await atAgent('appuser', PASSWORD), lockedOut);
    assert.match(await atPresence('appuser', PASSWORD), lockedOut);
  });

  it('and the other way about', async () => {
    await guess(atPresence, 'alice', PER_USER);
    assert.match(await atAgent('alice', PASSWORD), lockedOut);
  });

  it('counts what was tried at either together', async () => {
    await guess(atAgent, 'bob', PER_USER / 2);
    await guess(atPresence, 'bob', PER_USER / 2);
    assert.match(await atAgent('bob', PASSWORD), lockedOut);
    assert.match(await atPresence('bob', PASSWORD), lockedOut);
    // Nobody else is kept waiting: loopback has no limit of its own beside a mock.
    assert.match(await atAgent('carol', PASSWORD), /session-key>/);
  });
});
