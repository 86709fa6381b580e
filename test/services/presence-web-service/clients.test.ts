import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Client, createClientAsync } from 'soap';
import { missing, pythonWith, runProgram } from '../../support/programs.ts';
import { testCertificates } from '../../support/test-certificates.ts';
import { type CallbackReceiver, openReceiver } from './callback-receiver.ts';
import { DOMAIN, NS, openPwsWorld, type PwsWorld } from './pws-world.ts';

const script = (name: string): string => fileURLToPath(new URL(`clients/${name}`, import.meta.url));
const PYTHON = pythonWith('zeep');
const CALLBACK = 'GET /notify?id=1&eventType=PRESENCE_NOTIFICATION';

/** Programs that other people have, working from the WSDL that we serve, over TLS that they verify. */
describe('real clients of the Presence Web Service', () => {
  let folder: string;
  let caFile: string;
  let ca: string;
  let world: PwsWorld;
  let receiver: CallbackReceiver;
  let wsdl: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'imp-pws-'));
    caFile = join(folder, 'ca.pem');
    ({ ca } = await testCertificates());
    await writeFile(caFile, ca);
  });
  after(() => rm(folder, { recursive: true }));
  beforeEach(async () => {
    receiver = await openReceiver();
    world = await openPwsWorld({ tls: (await testCertificates()).tls });
    wsdl = `https://127.0.0.1:${world.securePort}/presence-service/soap?wsdl`;
  });
  afterEach(async () => {
    await world[Symbol.asyncDispose]();
    await receiver[Symbol.asyncDispose]();
  });

  it('soap of npm: session, subscription, callback, presence, faults', async () => {
    const agent = new Agent({ ca });
    const client: Client = await createClientAsync(wsdl, { wsdl_options: { httpsAgent: agent } });
    client.setSecurity({ addOptions: (options) => Object.assign(options, { httpsAgent: agent }), toXML: () => '' });
    const call = async (operation: string, request: object, key?: string): Promise<Record<string, unknown>> => {
      client.clearSoapHeaders();
      if (key !== undefined) client.addSoapHeader({ 'session-key': key }, '', 'tns', NS);
      const run = client[`${operation}Async`] as (request: object) => Promise<[Record<string, unknown>]>;
      return (await run(request))[0];
    };
    const signIn = async (request: object): Promise<string> => {
      const { success } = (await call('login', request)) as { success: { 'session-key': string } };
      return success['session-key'];
    };
    const application = await signIn({ username: 'appuser', password: 'secret' });
    const alice = await signIn({ username: 'alice', 'app-session-id': application });
    const endPoint = { url: receiver.url, endPointID: 0, expiration: 86_400 };
    assert.deepEqual(await call('registerEndPoint', endPoint, application), { endPointID: 1 });
    const contactsList = { contact: [{ attributes: { contactURI: `bob@${DOMAIN}` } }] };
    const wanted = { contactsList, subscriptionType: 'PRESENCE_NOTIFICATION', expiration: 3_600, endPointID: 1 };
    assert.deepEqual(await call('subscribe', { ...wanted, subscriptionID: 0 }, alice), { subscriptionID: 1 });
    assert.equal(await receiver.next(), CALLBACK);
    const presenceInfo = { basicPresence: 'AWAY', override: false };
    const set = { presenceType: 'BASIC_PRESENCE', presenceInfo, expiration: 3_600 };
    assert.deepEqual(await call('setPresence', set, alice), { status: 'SUCCESS' });
    const polled = await call('getPolledPresence', { contactsList, presenceType: 'BASIC_PRESENCE' }, alice);
    assert.match(JSON.stringify(polled), /"presenceStatus":"UNAVAILABLE"/);
    await assert.rejects(
      () => call('getSubscribedPresence', { subscriptionID: 7, presenceType: 'BASIC_PRESENCE' }, alice),
      /There is no such subscription/,
    );
    assert.deepEqual(await call('logout', {}, alice), { status: 'SUCCESS' });
    agent.destroy();
  });

  it('zeep: a whole working day', { skip: PYTHON === undefined && 'zeep is not on this machine' }, async () => {
    const { code, out, err } = await runProgram(PYTHON ?? '', [script('zeep-client.py'), wsdl, caFile, receiver.url]);
    assert.equal(code, 0, err);
    assert.deepEqual(out.trim().split('\n'), [
      '1 1',
      'SUCCESS',
      `[('alice@${DOMAIN}', 'BUSY'), ('nobody@${DOMAIN}', 'UNKNOWN')]`,
      `[('bob@${DOMAIN}', 'UNAVAILABLE')]`,
      '124',
      'SUCCESS',
      'SUCCESS',
      'SUCCESS SUCCESS',
    ]);
    assert.equal(await receiver.next(), CALLBACK);
  });

  it('PHP SoapClient: a whole working day', {
    skip: missing('PHP with SOAP', 'php', '-r', "exit(class_exists('SoapClient') ? 0 : 1);"),
  }, async () => {
    const { code, out, err } = await runProgram('php', [script('php-client.php'), wsdl, caFile, receiver.url]);
    assert.equal(code, 0, out + err);
    assert.deepEqual(out.trim().split('\n'), [
      '1 1',
      'SUCCESS',
      `alice@${DOMAIN}=BUSY nobody@${DOMAIN}=UNKNOWN`,
      `bob@${DOMAIN}=UNAVAILABLE`,
      'A contact URI is not of the form user@domain',
      'SUCCESS',
      'SUCCESS',
      'SUCCESS SUCCESS',
    ]);
    assert.equal(await receiver.next(), CALLBACK);
  });
});
