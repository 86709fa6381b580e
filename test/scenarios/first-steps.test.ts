import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { access, constants, readdir, readFile, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { admin, axl, type ImpProcess, runImp, startImp, temporaryFolder } from '../support/imp-process.ts';

/** What a new user does with the README in hand, on one node with its mock CUCM. */
describe('first steps', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let imp: ImpProcess;
  let endpointsFile: string;
  before(async () => {
    folder = await temporaryFolder();
    endpointsFile = join(folder.path, 'endpoints.json');
    imp = await startImp({
      data: join(folder.path, 'data'),
      flags: ['--mock-cucm', '--users', '5', '--endpoints', endpointsFile],
    });
  });
  after(async () => {
    await imp?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });
  const cli = (...words: string[]) => runImp(['--data', join(folder.path, 'data'), ...words]);
  const json = async <T>(...words: string[]): Promise<T> => {
    const { code, out, err } = await cli('--json', ...words);
    assert.equal(code, 0, err);
    return JSON.parse(out) as T;
  };

  it('writes the endpoints file as the contract says', async () => {
    const file = JSON.parse(await readFile(endpointsFile, 'utf8')) as Record<string, unknown> & {
      mockCucm: { axl: string; user: string; password: string };
    };
    assert.equal(file.ready, true);
    assert.equal(file.node, 'imp1');
    assert.equal(file.domain, 'acme.example');
    assert.equal(file.pid, imp.child.pid);
    for (const path of ['ca', 'adminToken']) assert.ok(isAbsolute(String(file[path])), path);
    assert.match(String(file.cpa), /^https:\/\/127\.0\.0\.1:\d+\/EPASSoap\/service$/);
    assert.match(String(file.presenceWebService), /^https:\/\/127\.0\.0\.1:\d+\/presence-service$/);
    assert.match(String(file.admin), /\/admin$/);
    assert.match(String(file.metrics), /\/metrics$/);
    // Standard output says the same, the services' own listeners too.
    assert.deepEqual(file.sip, imp.endpoints.sip);
    assert.equal(imp.endpoints.sip?.udp, imp.endpoints.sip?.tcp);
    assert.match(file.mockCucm.axl, /^https:\/\/127\.0\.0\.1:\d+\/axl\/$/);
    assert.deepEqual([file.mockCucm.user, file.mockCucm.password], ['administrator', 'Imp-demo-1']);
    const mode = (await stat(String(file.adminToken))).mode & 0o777;
    assert.equal(mode, 0o600);
    await access(String(file.ca), constants.R_OK);
  });

  it('signs alice in', async () => {
    const answer = await request(String(imp.endpoints.cpa), {
      method: 'POST',
      dispatcher: imp.agent,
      headers: { 'content-type': 'application/soap+xml' },
      body: '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><e:login xmlns:e="urn:cisco:epas:soap"><e:username>alice</e:username><e:password>Imp-demo-1</e:password></e:login></s:Body></s:Envelope>',
    });
    assert.match(await answer.body.text(), /session-key>[0-9a-f-]{36}</);
  });

  it('is healthy, ready, and measured', async () => {
    const base = new URL(imp.endpoints.admin).origin;
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      const answer = await request(`${base}${path}`, { dispatcher: imp.agent });
      assert.equal(answer.statusCode, 200, path);
      const text = await answer.body.text();
      if (path === '/metrics') assert.match(text, /NumberOfSyncErrors\{node="imp1"\} 0/);
    }
  });

  it('shows everything in one screen', async () => {
    const { code, out } = await cli('status');
    assert.equal(code, 0);
    assert.match(out, /imp1 .*: ready/);
    assert.match(out, /Following\. synced 25 users/);
    assert.match(out, /no alarms/);
  });

  it('stops, starts and restarts every service', async () => {
    interface Service {
      readonly name: string;
      readonly kind: string;
      readonly state: string;
    }
    // The one that is off until somebody wants it.
    assert.equal((await json<Service>('service', 'activate', 'rcc-device-selection')).state, 'Started');
    const services = await json<Service[]>('service', 'list');
    assert.equal((await json<Service>('service', 'restart', 'Cisco Config Agent')).state, 'Started', 'by its title');
    assert.ok(services.length >= 10);
    for (const { name } of services) {
      for (const [word, state] of [
        ['stop', 'Stopped'],
        ['start', 'Started'],
        ['restart', 'Started'],
      ] as const) {
        const answer = (await admin(imp, 'POST', `service/${word}`, { name })) as Service;
        assert.equal(answer.state, state, `${word} ${name}`);
      }
    }
    const { feed } = (await admin(imp, 'GET', 'status')) as { feed: { isFollowing: boolean }[] };
    assert.ok(feed.every((each) => each.isFollowing));
  });

  it('refuses what makes no sense, with a line and an exit code', async () => {
    const unknown = await cli('service', 'stop', 'no-such-service');
    assert.equal(unknown.code, 1);
    assert.match(unknown.err, /no service named no-such-service/);
    const network = await cli('service', 'deactivate', 'sync-agent');
    assert.equal(network.code, 1);
    assert.match(network.err, /network service/);
    assert.equal((await cli('service', 'explode')).code, 2);
    assert.equal((await cli('start', '--users', 'many')).code, 2);
    const away = await runImp(['--data', join(folder.path, 'nowhere'), 'status']);
    assert.equal(away.code, 1);
    assert.match(away.err, /no node runs on/);
    const taken = await runImp(['start', '--mock-cucm', '--ephemeral-ports', '--data', join(folder.path, 'data')]);
    assert.equal(taken.code, 1);
    assert.match(taken.err, /another process runs on/);
  });

  it('takes its flags before the words and after them', async () => {
    const data = join(folder.path, 'data');
    for (const args of [
      ['--data', data, '--json', 'user', 'show', 'alice'],
      ['user', 'show', 'alice', '--data', data, '--json'],
    ]) {
      const { code, out } = await runImp(args);
      assert.equal(code, 0);
      assert.equal((JSON.parse(out) as { userid: string }).userid, 'alice');
    }
  });

  it('moves a user by hand, and refuses what cannot be', async () => {
    const assign = (...words: string[]) => cli('user', 'assign', ...words);
    assert.match((await assign('carol')).out, /no home node \(before: imp1\)/);
    assert.match((await assign('carol', '--node', 'imp1')).out, /home node imp1 \(before: none\)/);
    for (const [words, message] of [
      [['carol', '--node', 'imp9'], /no node imp9; there are: imp1/],
      [['mallory', '--node', 'imp1'], /not enabled/],
      [['nobody', '--node', 'imp1'], /no user nobody/],
    ] as const) {
      const { code, err } = await assign(...words);
      assert.equal(code, 1);
      assert.match(err, message);
    }
  });

  it('reaches a node by its URL and token', async () => {
    const { admin: url, adminToken, ca } = imp.endpoints;
    const { code, out } = await runImp(['status', '--json', '--url', url, '--token-file', adminToken, '--ca', ca]);
    assert.equal(code, 0);
    assert.equal((JSON.parse(out) as { node: string }).node, 'imp1');
  });

  it('brings a change in CUCM to every consumer, and shows who has handled it', { timeout: 60_000 }, async () => {
    const follower = spawn(
      process.execPath,
      [
        fileURLToPath(new URL('../../bin/imp.js', import.meta.url)),
        'changes',
        '--follow',
        '--json',
        '--data',
        join(folder.path, 'data'),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    try {
      const lines: { change?: unknown }[] = [];
      const seen = new Promise<void>((resolve) => {
        createInterface({ input: follower.stdout }).on('line', (line) => {
          lines.push(JSON.parse(line));
          const text = lines.map((each) => JSON.stringify(each)).join('\n');
          if (/SIP Proxy runs \d+/.test(text) && /Presence Engine runs \d+/.test(text) && /"enduser"/.test(text))
            resolve();
        });
      });
      const body = '<userid>bob</userid><directoryUri>bob@partner.example</directoryUri>';
      assert.equal((await axl(imp, 'updateUser', body)).status, 200);
      await seen;
      let written = '';
      for (const component of ['sip-proxy', 'presence-engine']) {
        const config = join(folder.path, 'data', 'config', component);
        for (const name of await readdir(config)) written += await readFile(join(config, name), 'utf8').catch(() => '');
        assert.match(written, /partner\.example/, component);
        written = '';
      }
    } finally {
      follower.kill();
    }
  });

  it('hears of users that come and go', async () => {
    const added =
      '<user><lastName>New</lastName><userid>nina</userid><presenceGroupName>Standard Presence group</presenceGroupName><imAndPresenceEnable>true</imAndPresenceEnable></user>';
    assert.equal((await axl(imp, 'addUser', added)).status, 200);
    await json('sync');
    assert.equal((await json<{ assignment: string }>('user', 'show', 'nina')).assignment, 'assigned');
    assert.equal((await axl(imp, 'removeUser', '<userid>nina</userid>')).status, 200);
    await json('sync');
    assert.equal((await cli('user', 'show', 'nina')).code, 1);
  });

  it('ends in order, and leaves nothing behind that says it runs', async () => {
    assert.equal(await imp.stop(), 0);
    assert.equal((JSON.parse(await readFile(endpointsFile, 'utf8')) as { ready: boolean }).ready, false);
    assert.equal((await cli('status')).code, 1);
  });
});
