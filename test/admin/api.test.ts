import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import request from 'supertest';
import { commands } from '../../src/admin/commands.ts';
import { type AdminWorld, openAdminWorld, PASSWORD, TOKEN } from './admin-world.ts';

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly required: boolean }[];
  readonly responses: Readonly<Record<string, unknown>>;
}

describe('the JSON API', () => {
  let world: AdminWorld;
  beforeEach(async () => {
    world = await openAdminWorld();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const get = (path: string) => request(world.origin).get(`/admin/api/${path}`).auth(TOKEN, { type: 'bearer' });
  const post = (path: string, body?: object) =>
    request(world.origin)
      .post(`/admin/api/${path}`)
      .auth(TOKEN, { type: 'bearer' })
      .send(body ?? {});

  it('lets in by token and by password, and tells who may not', async () => {
    assert.equal((await get('service/list')).status, 200);
    const basic = (name: string, password: string) =>
      request(world.origin).get('/admin/api/status').auth(name, password);
    assert.equal((await basic('reader', PASSWORD)).body.node, 'imp1');
    const nobody = await request(world.origin).get('/admin/api/status');
    assert.deepEqual([nobody.status, nobody.body.error.code], [401, 'admin.unauthorized']);
    assert.match(nobody.headers['www-authenticate'] ?? '', /^Bearer /);
    assert.equal((await basic('reader', 'wrong')).body.error.code, 'admin.login-failed');
    const norole = await basic('norole', PASSWORD);
    assert.deepEqual([norole.status, norole.body.error.code], [403, 'admin.no-rights']);
    const wrong = await request(world.origin).get('/admin/api/status').auth('no', { type: 'bearer' });
    assert.equal(wrong.status, 401);
    world.isCucmAway = true;
    assert.equal((await basic('reader', PASSWORD)).status, 503);
  });

  it('does nothing for a reader who tries to operate, and writes the attempt down', async () => {
    const refused = await request(world.origin)
      .post('/admin/api/service/stop')
      .auth('reader', PASSWORD)
      .send({ name: 'xcp-router' });
    assert.deepEqual([refused.status, refused.body.error.code], [403, 'admin.not-permitted']);
    assert.equal(world.supervisor.statusOf('xcp-router').state, 'Started');
    const { by, outcome, error, action, address } = (await world.audit()).at(-1) ?? {};
    assert.deepEqual(
      [by, outcome, error, action, address],
      ['reader', 'refused', 'admin.not-permitted', 'service stop', '127.0.0.1'],
    );
  });

  it('checks what comes in, and names what is wrong', async () => {
    const missing = await post('service/stop');
    assert.deepEqual([missing.status, missing.body.error.code], [400, 'admin.invalid-argument']);
    assert.match(missing.body.error.message, /^name: /);
    assert.match((await post('service/stop', { name: 'x', more: 1 })).body.error.message, /more/);
    assert.match((await get('user/list?limit=0')).body.error.message, /^limit: /);
    assert.equal((await get('nothing/like/this')).body.error.code, 'admin.unknown-command');
    assert.equal((await get('service/stop')).status, 404);
    const broken = await request(world.origin)
      .post('/admin/api/service/stop')
      .auth(TOKEN, { type: 'bearer' })
      .set('content-type', 'application/json')
      .send('{"name":');
    assert.deepEqual([broken.status, broken.body.error.code], [400, 'admin.bad-request']);
  });

  it('refuses 10 MB of JSON, from a stranger without reading it, and goes on', async () => {
    const large = JSON.stringify({ name: 'x'.repeat(10_000_000) });
    const send = (token: string): Promise<number | string> =>
      request(world.origin)
        .post('/admin/api/service/stop')
        .auth(token, { type: 'bearer' })
        .set('content-type', 'application/json')
        .send(large)
        .then(
          ({ status }) => status,
          // The connection may be closed while the rest is still being sent.
          (error: NodeJS.ErrnoException) => error.code ?? String(error),
        );
    assert.ok([413, 'ECONNRESET', 'EPIPE'].includes(await send(TOKEN)));
    assert.ok([401, 'ECONNRESET', 'EPIPE'].includes(await send('no')));
    assert.equal((await get('status')).status, 200);
  });

  it('writes down who did what, with which outcome, and no secret', async () => {
    await post('user/sip-credential', { user: 'nobody', password: 'very secret' });
    await post('gateway/add', { type: 'iCalendar', address: 'https://c.example/{user}?key=very secret' });
    await post('service/restart', { name: 'xcp-router' });
    await world.test.changeFeed.settled();
    const entries = await world.audit();
    assert.deepEqual(
      entries.map((each) => [each.by, each.proof, each.action, each.arguments, each.outcome, each.error]),
      [
        [
          'administrator (token)',
          'token',
          'user sip-credential',
          { user: 'nobody', password: '***' },
          'refused',
          'user.unknown',
        ],
        ['administrator (token)', 'token', 'gateway add', { type: 'iCalendar', address: '***' }, 'done', undefined],
        ['administrator (token)', 'token', 'service restart', { name: 'xcp-router' }, 'done', undefined],
      ],
    );
    assert.ok(!JSON.stringify(entries).includes('very secret'));
    const shown = await get('audit?limit=1');
    assert.equal(shown.body[0].action, 'service restart');
    assert.equal(shown.body[0].requestId, entries[2]?.requestId);
  });

  it('notes only so many refused sign-ins, so that nobody can push the rest out of the log', async () => {
    await Promise.all(
      Array.from({ length: 80 }, () => request(world.origin).get('/admin/api/status').auth('no', { type: 'bearer' })),
    );
    const entries = await world.audit();
    assert.equal(entries.length, 60);
    assert.equal(entries.at(-1)?.error, 'admin.more-are-not-noted');
  });

  it('sets, previews and resets parameters; a restart that is needed is told until it is done or taken back', async () => {
    const preview = await get('parameter/preview?service=presence-engine&name=imaddressscheme&value=directory-uri');
    assert.deepEqual([preview.body.needsRestart, preview.body.isChanged], [true, true]);
    assert.match(preview.body.sentence, /after a restart of Cisco Presence Engine/);
    await post('service/activate', { name: 'presence-engine' });
    const set = (value: string) =>
      post('parameter/set', { service: 'presence-engine', name: 'imAddressScheme', value });
    assert.deepEqual((await set('DIRECTORY-URI')).body.value, 'directory-uri');
    const standing = async (): Promise<readonly string[]> =>
      (await get('notifications')).body.map((each: { readonly text: string }) => each.text);
    assert.match((await standing())[0] ?? '', /restart presence-engine/);
    assert.equal((await standing()).length, 1);
    await post('parameter/reset', { service: 'presence-engine', name: 'imAddressScheme' });
    assert.deepEqual(await standing(), []);
    await set('directory-uri');
    await world.clock.advance(1_000);
    await post('service/restart', { name: 'presence-engine' });
    assert.deepEqual(await standing(), []);
    assert.equal(world.notifications.history()[0]?.clearedBy, 'restart');
    const wrong = await post('parameter/set', { service: 'presence-engine', name: 'maximumContacts', value: 'many' });
    assert.deepEqual([wrong.status, wrong.body.error.code], [400, 'parameter.not-valid']);
    const live = await post('parameter/set', { service: 'presence-engine', name: 'maximumContacts', value: '77' });
    assert.equal(live.body.needsRestart, false);
    const listed = await get('parameter/list?service=presence-engine');
    const contacts = listed.body.find((each: { readonly name: string }) => each.name === 'maximumContacts');
    assert.deepEqual(
      [contacts.value, contacts.default, contacts.isSet, contacts.range],
      ['77', '200', true, '0 to 10000'],
    );
  });

  it('says what an action would do before it is done', async () => {
    const effects = (action: string, name: string) => get(`service/preview?action=${action}&name=${name}`);
    const stop = (await effects('stop', 'xcp-router')).body;
    assert.deepEqual(stop.stops, ['xcp-directory-service']);
    assert.match(stop.sentence, /do not come back/);
    const restart = (await effects('restart', 'Cisco XCP Router')).body;
    assert.deepEqual([restart.restarts, restart.stops], [['xcp-directory-service'], []]);
    await post('service/activate', { name: 'presence-engine' });
    assert.deepEqual((await effects('stop', 'sync-agent')).body.needIt, ['presence-engine']);
    assert.equal((await effects('stop', 'nothing')).status, 404);
  });

  it('finds what is wrong, and says why in one sentence', async () => {
    const { isWell, sentence } = (await get('status')).body;
    assert.deepEqual([isWell, sentence], [false, 'Cisco SIP Proxy waits for the first sync.']);
    world.alarms.raise('sync-agent', 'SyncAgentAXLConnectionFailed', 2, 'cucm1 does not answer');
    assert.equal((await get('status')).body.sentence, 'SyncAgentAXLConnectionFailed: cucm1 does not answer');
    const findings = (await get('diagnose')).body as readonly { readonly name: string; readonly result: string }[];
    const failed = findings.filter(({ result }) => result === 'failed').map(({ name }) => name);
    assert.deepEqual(failed, ['No alarm is raised', 'CUCM answers, and the first sync is complete']);
  });

  it('describes itself in OpenAPI 3.1: every command, open to anybody', async () => {
    const { status, body } = await request(world.origin).get('/admin/api/openapi.json');
    assert.equal(status, 200);
    assert.equal(body.openapi, '3.1.1');
    assert.equal(Object.keys(body.paths).length, commands.length);
    const operation = body.paths['/user/show'].get as Operation;
    assert.deepEqual(
      operation.parameters?.map(({ name, required }) => [name, required]),
      [['user', true]],
    );
    assert.deepEqual(body.paths['/service/stop'].post.requestBody.content['application/json'].schema.required, [
      'name',
    ]);
    const ids = Object.values(body.paths as Record<string, Record<string, Operation>>).flatMap((path) =>
      Object.values(path).map(({ operationId }) => operationId),
    );
    assert.equal(new Set(ids).size, ids.length);
    const references = JSON.stringify(body).matchAll(/"#\/components\/(\w+)\/(\w+)"/g);
    for (const [, kind, name] of references)
      assert.ok(body.components[kind as string][name as string], `${kind} ${name}`);
  });
});
