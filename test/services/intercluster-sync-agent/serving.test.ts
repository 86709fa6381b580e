import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { XmlDocument, XsdValidator } from 'libxml2-wasm';
import { Agent, request } from 'undici';
import { OPERATIONS } from '../../../src/services/intercluster-sync-agent/serving/operations.ts';
import { createWsdlClient } from '../../../src/soap/wsdl-client.ts';
import { pythonWith, runProgram } from '../../support/programs.ts';
import { type AgentWorld, createAgentWorld, PEER_PASSWORD, PEER_USER } from './agent-world.ts';

const NS = 'urn:imp-gateway:intercluster:1';
const PYTHON = pythonWith('zeep');
const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const validator = XsdValidator.fromDoc(XmlDocument.fromString(read('wsdl/intercluster.xsd')));

/** The body's child fits the schema. */
function requireValid(body: string): void {
  const payload = /<s:Body>([\s\S]*)<\/s:Body>/.exec(body)?.[1] ?? assert.fail(body);
  using document = XmlDocument.fromString(payload);
  validator.validate(document);
}

describe('what peers are told', () => {
  let world: AgentWorld;
  let http: Agent;
  before(async () => {
    world = await createAgentWorld();
    http = new Agent({ connect: { ca: world.ca } });
    await world.addUsers('anna', 'ben & "co" <x>', 'zoë', 'mallory', 'trent', 'gone');
    await world.setUser('mallory', { enablecups: 0 });
    await world.setUser('trent', { status: 0 });
    await world.removeUser('gone');
  });
  after(async () => {
    await http.destroy();
    await world[Symbol.asyncDispose]();
  });
  const useridsOf = (body: string): string[] => [...body.matchAll(/ userid="([^"]*)"/g)].map(([, id]) => id ?? '');

  it('fits the schema: who the cluster is, its users page by page, and what changed', async () => {
    const cluster = await world.call('<getCluster/>');
    assert.equal(cluster.status, 200);
    requireValid(cluster.body);
    assert.match(
      cluster.body,
      /<i:cluster id="[0-9a-f-]{36}" publisher="imp1" version="1" domain="acme.example" .* users="3"/,
    );
    assert.doesNotMatch((await world.call('<getCluster certificates="false"/>')).body, /<i:certificate/);
    const seen: string[] = [];
    for (let next: string | undefined = ''; next !== undefined; ) {
      const page = await world.call(`<listUsers after="${next}" limit="2"/>`);
      requireValid(page.body);
      seen.push(...useridsOf(page.body));
      next = /next="([^"]+)"/.exec(page.body)?.[1];
    }
    assert.deepEqual(seen.sort(), ['anna', 'ben &amp; &quot;co&quot; &lt;x&gt;', 'zoë']);
    const changes = await world.call('<listChanges after="0"/>');
    requireValid(changes.body);
    assert.equal(useridsOf(changes.body).length, 3);
    assert.equal((changes.body.match(/<i:removed /g) ?? []).length, 3);
    assert.match(changes.body, / topologyChanged="true" users="3"/);
    const few = await world.call('<listChanges after="0" limit="1"/>');
    assert.match(few.body, /more="true"/);
    requireValid((await world.call('<notifyChange cluster="x" sequence="1"/>')).body);
  });

  it('is for application users in the right group only', async () => {
    const outcome = async (user: string, password = PEER_PASSWORD): Promise<string> => {
      const { status, body } = await world.call('<getCluster/>', user, password);
      return `${status} ${/code="([^"]+)"/.exec(body)?.[1] ?? 'ok'} ${/<faultstring>([^<]*)/.exec(body)?.[1] ?? ''}`;
    };
    assert.equal(await outcome(''), '401 denied name and password of an application user are needed');
    assert.equal(await outcome(PEER_USER, 'wrong'), '401 denied the name or the password is wrong');
    assert.equal(await outcome('nobody'), '401 denied the name or the password is wrong');
    assert.equal(await outcome('norole'), '401 denied norole is in no group that lets a peer in');
    assert.equal(await outcome('PEER'), '200 ok ');
  });

  it('refuses what it cannot do, in the words of SOAP', async () => {
    const outcome = async (operation: string): Promise<string> => {
      const { status, body } = await world.call(operation);
      return `${status} ${/code="([^"]+)"/.exec(body)?.[1]} ${/<faultstring>([^<]*)/.exec(body)?.[1]}`;
    };
    assert.equal(await outcome('<listUsers limit="0"/>'), '500 bad-request limit is not a number from 1 to 5000');
    assert.equal(await outcome('<listChanges/>'), `500 bad-request after is not a number from 0 to ${2 ** 53 - 1}`);
    assert.equal(
      await outcome('<getCluster certificates="x"/>'),
      '500 bad-request certificates is neither true nor false',
    );
    assert.equal(await outcome('<notifyChange sequence="1"/>'), '500 bad-request cluster is missing');
    assert.equal(await outcome('<dropTables/>'), '500 bad-request there is no such operation');
    assert.match(
      await outcome('<listChanges after="999999"/>'),
      /^500 place-lost the change log holds 1 to \d+: read all users$/,
    );
    world.isComplete = false;
    assert.equal(await outcome('<getCluster/>'), '503 not-ready the first sync with CUCM is not complete');
    world.isComplete = true;
    const doctype = await world.call('<!DOCTYPE a><a/>');
    assert.match(doctype.body, /the XML of the request cannot be taken/);
    const other = async (method: 'GET' | 'PUT', url: string) =>
      (await request(url, { method, dispatcher: http })).statusCode;
    assert.equal(await other('GET', world.url), 405);
    assert.equal(await other('GET', world.url.replace('soap', 'else')), 404);
  });

  it('answers SOAP 1.2 in its own version', async () => {
    const answer = await request(world.url, {
      ...{ method: 'POST', dispatcher: http },
      headers: {
        'content-type': 'application/soap+xml',
        authorization: `Basic ${Buffer.from(`${PEER_USER}:${PEER_PASSWORD}`).toString('base64')}`,
      },
      body: `<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><listUsers xmlns="${NS}" limit="x"/></e:Body></e:Envelope>`,
    });
    assert.equal(answer.statusCode, 400);
    assert.match(await answer.body.text(), /<s:Code><s:Value>s:Sender<\/s:Value>/);
  });

  it('has a WSDL from which the soap package makes a client', async () => {
    await using client = await createWsdlClient({
      ...{ wsdl: fileURLToPath(new URL('../../../wsdl/intercluster.wsdl', import.meta.url)), endpoint: world.url },
      ...{ version: '1.1', ca: world.ca },
      headers: { authorization: `Basic ${Buffer.from(`${PEER_USER}:${PEER_PASSWORD}`).toString('base64')}` },
    });
    assert.deepEqual([...client.operations].sort(), [...OPERATIONS.keys()].sort());
    const page = (await client.call('listUsers', { attributes: { limit: 1 } })) as {
      readonly user: readonly { readonly attributes: { readonly userid: string } }[];
    };
    assert.equal(page.user.length, 1);
    const served = await request(`${world.url}?wsdl`, { dispatcher: http });
    assert.match(await served.body.text(), new RegExp(`location="${world.url}"`));
    const schema = await request(new URL('/intercluster/intercluster.xsd', world.url), { dispatcher: http });
    assert.equal(await schema.body.text(), read('wsdl/intercluster.xsd'));
  });

  it('is understood by zeep', { skip: PYTHON === undefined ? 'zeep is not on this machine' : false }, async () => {
    const ca = `${world.test.folder}/ca.pem`;
    await writeFile(ca, world.ca);
    const script = fileURLToPath(new URL('clients/zeep-client.py', import.meta.url));
    const args = [script, `${world.url}?wsdl`, ca, PEER_USER, PEER_PASSWORD];
    const { code, out, err } = await runProgram(PYTHON ?? '', args);
    assert.equal(code, 0, err);
    const lines = out.trim().split('\n');
    assert.equal(lines[0], "imp1 acme.example 3 ['imp1']");
    assert.equal(lines[1], "['authority', 'node']");
    assert.match(lines[2] ?? '', /^\['.*'\] True$/);
    assert.match(lines[3] ?? '', /^\['.*', '.*'\] None$/);
    assert.match(lines[4] ?? '', /^\[\] True$/);
    assert.equal(lines[5], 'None');
    assert.match(lines[6] ?? '', /^the change log holds/);
  });
});
