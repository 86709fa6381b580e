import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { XmlDocument } from 'libxml2-wasm';
import request from 'supertest';
import { pages } from '../../src/admin/console/pages.ts';
import { type AdminWorld, openAdminWorld, PASSWORD, TOKEN } from './admin-world.ts';

const MARK = `<script>alert("x")</script><img src=x onerror='alert(1)'>`;

interface Browser {
  readonly cookie: string;
  readonly csrf: string;
  get(path: string): request.Test;
  /** A form of our own pages. */
  post(path: string, fields: Readonly<Record<string, string>>): request.Test;
}

describe('the console', () => {
  let world: AdminWorld;
  let origin: string;
  beforeEach(async () => {
    world = await openAdminWorld({ mark: MARK });
    origin = world.origin.replace('http:', 'https:');
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const signIn = async (name = 'operator', password = PASSWORD): Promise<Browser> => {
    const answer = await request(world.origin)
      .post('/admin/sign-in')
      .set('origin', origin)
      .type('form')
      .send({ name, password, next: '/admin/' });
    assert.equal(answer.status, 303, answer.text);
    const set = String(answer.headers['set-cookie']);
    assert.match(set, /^__Host-imp-admin=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict$/);
    const cookie = set.split(';')[0] as string;
    const get = (path: string): request.Test => request(world.origin).get(path).set('cookie', cookie);
    const first = await get('/admin/');
    const csrf = /name="_csrf" value="([^"]+)"/.exec(first.text)?.[1] ?? '';
    return {
      cookie,
      csrf,
      get,
      post: (path, fields) =>
        request(world.origin)
          .post(path)
          .set('cookie', cookie)
          .set('origin', origin)
          .type('form')
          .send({ _csrf: csrf, _back: '/admin/control-center', ...fields }),
    };
  };
  const isRouterUp = (): boolean => world.supervisor.statusOf('xcp-router').state === 'Started';

  it('shows nothing to those who have not signed in, and comes back to where they wanted to go', async () => {
    const asked = await request(world.origin).get('/admin/users?match=a');
    assert.deepEqual([asked.status, asked.headers.location], [303, '/admin/sign-in?next=%2Fadmin%2Fusers%3Fmatch%3Da']);
    const form = await request(world.origin).get(asked.headers.location ?? '');
    assert.match(form.text, /name="next" value="\/admin\/users\?match=a"/);
    for (const next of [
      '//elsewhere.example/',
      '/\\elsewhere.example',
      'https://elsewhere.example/',
      '/admin/../x y',
    ]) {
      const answer = await request(world.origin).get(`/admin/sign-in?next=${encodeURIComponent(next)}`);
      assert.match(answer.text, /name="next" value="\/admin\/"/, next);
    }
    assert.equal((await request(world.origin).get('/admin')).headers.location, '/admin/');
  });

  it('refuses wrong passwords, and those who may not, in words; knows the admin token', async () => {
    const attempt = (name: string, password: string): request.Test =>
      request(world.origin).post('/admin/sign-in').type('form').send({ name, password });
    const wrong = await attempt('operator', 'wrong');
    assert.equal(wrong.status, 401);
    assert.match(wrong.text, /role="alert">The name or the password is not valid\./);
    assert.equal(wrong.headers['set-cookie'], undefined);
    assert.equal((await attempt('norole', PASSWORD)).status, 403);
    world.isCucmAway = true;
    assert.equal((await attempt('operator', PASSWORD)).status, 503);
    assert.equal((await attempt('admin-token', TOKEN)).status, 303);
    assert.equal((await attempt('admin-token', 'no')).status, 401);
  });

  it('does nothing for a page of another site, or for a stolen cookie without the token', async () => {
    const browser = await signIn();
    const stop = (): request.Test => browser.post('/admin/do/service/stop', { name: 'xcp-router' });
    for (const [header, value] of [
      ['origin', 'https://elsewhere.example'],
      ['origin', 'null'],
      ['sec-fetch-site', 'cross-site'],
      ['sec-fetch-site', 'same-site'],
    ] as const) {
      const refused = await stop().set(header, value);
      assert.equal(refused.status, 403, `${header}: ${value}`);
      assert.match(refused.text, /page of another site/);
    }
    const stolen = await browser.post('/admin/do/service/stop', { name: 'xcp-router', _csrf: 'guessed' });
    assert.equal(stolen.status, 403);
    const another = await signIn('operator');
    assert.equal(
      (await browser.post('/admin/do/service/stop', { name: 'xcp-router', _csrf: another.csrf })).status,
      403,
    );
    const api = (headers: Readonly<Record<string, string>>): request.Test =>
      request(world.origin)
        .post('/admin/api/service/stop')
        .set({ cookie: browser.cookie, ...headers })
        .send({ name: 'xcp-router' });
    assert.equal((await api({})).status, 403);
    assert.equal((await api({ 'x-csrf-token': browser.csrf, origin: 'https://elsewhere.example' })).status, 403);
    const signInElsewhere = await request(world.origin)
      .post('/admin/sign-in')
      .set('origin', 'https://elsewhere.example')
      .type('form')
      .send({ name: 'operator', password: PASSWORD });
    assert.deepEqual([signInElsewhere.status, signInElsewhere.headers['set-cookie']], [403, undefined]);
    assert.equal(isRouterUp(), true);
    assert.equal((await api({ 'x-csrf-token': browser.csrf, origin })).status, 200);
    assert.equal(isRouterUp(), false);
  });

  it('does what a form of ours asks, says so once, and writes it down', async () => {
    const browser = await signIn();
    const done = await browser.post('/admin/do/service/stop', { name: 'xcp-router' });
    assert.deepEqual([done.status, done.headers.location], [303, '/admin/control-center']);
    assert.equal(isRouterUp(), false);
    assert.match((await browser.get('/admin/control-center')).text, /<p class="message done"/);
    assert.doesNotMatch((await browser.get('/admin/control-center')).text, /<p class="message/);
    const failed = await browser.post('/admin/do/service/start', {
      name: 'nothing',
      _back: 'https://elsewhere.example',
    });
    assert.equal(failed.headers.location, '/admin/');
    assert.match(
      (await browser.get('/admin/')).text,
      /message failed" role="alert">There is no service named nothing\./,
    );
    assert.equal((await browser.post('/admin/do/status', {})).status, 404);
    assert.deepEqual(
      (await world.audit()).map(({ by, action, outcome, face }) => [by, face, action, outcome]),
      [
        ['operator', 'console', 'sign-in', 'done'],
        ['operator', 'console', 'service stop', 'done'],
        ['operator', 'console', 'service start', 'refused'],
      ],
    );
  });

  it('offers a reader nothing to do, and does nothing for one who asks all the same', async () => {
    const reader = await signIn('reader');
    const page = await reader.get('/admin/control-center');
    assert.doesNotMatch(page.text, /\/admin\/do\//);
    await reader.post('/admin/do/service/stop', { name: 'xcp-router' });
    assert.match((await reader.get('/admin/')).text, /needs the right to operate/);
    assert.equal(isRouterUp(), true);
  });

  it('forgets a session that signs out, is idle, or whose rights are gone', async () => {
    const isIn = async (browser: Browser): Promise<boolean> => (await browser.get('/admin/')).status === 200;
    const leaver = await signIn();
    assert.equal((await leaver.post('/admin/sign-out', {})).headers.location, '/admin/sign-in');
    assert.equal(await isIn(leaver), false);
    const idle = await signIn();
    await world.clock.advance(29 * 60_000);
    assert.equal(await isIn(idle), true);
    // A page that refreshes itself does not count as somebody who sits there.
    await world.clock.advance(29 * 60_000);
    await idle.get('/admin/').set('hx-request', 'true');
    await world.clock.advance(2 * 60_000);
    assert.equal(await isIn(idle), false);
    const fired = await signIn();
    await world.test.ids.transaction('cucm', async (trx) => {
      await trx.deleteFrom('applicationuserdirgroupmap').where('fkapplicationuser', '=', 'user-operator').execute();
    });
    assert.equal(await isIn(fired), false);
  });

  it('tells a page that refreshes itself to sign in again', async () => {
    const answer = await request(world.origin).get('/admin/').set('hx-request', 'true');
    assert.deepEqual([answer.status, answer.headers['hx-redirect']], [401, '/admin/sign-in?next=%2Fadmin%2F']);
  });

  it('escapes every stored name on every page, and allows nothing inline', async () => {
    await storeMarks(world);
    const browser = await signIn();
    await browser.post('/admin/do/service/start', { name: MARK });
    const named = pages.map(({ path }) =>
      path
        .replace(':user', encodeURIComponent(`eve${MARK}`))
        .replace(':name/:verb', 'xcp-router/stop')
        .replace(':service/:name', 'presence-engine/maximumContacts?value=%3Cscript%3E'),
    );
    for (const path of [...named, `/users?match=${encodeURIComponent(MARK)}`, '/users?after=%3Cscript%3E']) {
      const { status, text, headers } = await browser.get(`/admin${path}`);
      assert.equal(status, 200, path);
      assert.ok(!text.includes('<script>alert'), path);
      assert.ok(!/<img|onerror='|\son\w+="|style="|javascript:/i.test(text), path);
      assert.match(headers['content-security-policy'] ?? '', /default-src 'none';script-src 'self';style-src 'self'/);
      assert.doesNotMatch(headers['content-security-policy'] ?? '', /unsafe|https:|\*/);
      assert.equal(headers['cache-control'], 'no-store');
      assertWellFormed(text, path);
    }
    assert.match((await browser.get('/admin/users')).text, /eve&lt;script&gt;/);
    assert.equal((await browser.get('/admin/nothing')).status, 404);
  });

  it('answers a refresh with the live part alone', async () => {
    const browser = await signIn();
    const { text } = await browser.get('/admin/control-center').set('hx-request', 'true');
    assert.match(text, /^<div id="live" hx-get="\/admin\/control-center" hx-trigger="imp-services from:body"/);
    assert.doesNotMatch(text, /<html/);
  });

  it('tells open pages what has changed, until the session ends', async () => {
    const browser = await signIn();
    const answer = await fetch(`${world.origin}/admin/events?topics=services%20alarms`, {
      headers: { cookie: browser.cookie },
    });
    assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    const reader = (answer.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
    let heard = '';
    const until = async (what: RegExp): Promise<void> => {
      while (!what.test(heard)) {
        const next = reader.read();
        let isRead = false;
        void next.then(() => {
          isRead = true;
        });
        // What looks for changes waits for the clock.
        for (let steps = 0; !isRead; steps += 1) {
          assert.ok(steps < 500, `heard only: ${heard}`);
          await world.clock.advance(500);
        }
        const { value, done } = await next;
        if (done) heard += '(end)';
        else heard += value;
      }
    };
    // A page without a mark has seen nothing yet.
    await until(/event: services.*event: alarms/s);
    heard = '';
    await world.supervisor.stop('sync-agent', 'operator');
    await until(/event: services/);
    world.alarms.raise('sync-agent', 'Anything', 3, 'in a test');
    await until(/event: alarms/);
    await browser.post('/admin/sign-out', {});
    await until(/\(end\)/);
    const stranger = await request(world.origin).get('/admin/events?topics=services');
    assert.equal(stranger.status, 401);
  });

  it('serves its own files and libraries, and no others', async () => {
    for (const file of [
      'console.css',
      'console.js',
      'theme.js',
      'charts.js',
      'htmx.js',
      'uplot.js',
      'uplot.css',
      'icon.svg',
    ]) {
      const { status, headers } = await request(world.origin).get(`/admin/assets/${file}`);
      assert.equal(status, 200, file);
      const again = await request(world.origin).get(`/admin/assets/${file}`).set('if-none-match', String(headers.etag));
      assert.equal(again.status, 304);
    }
    for (const file of ['..%2f..%2fpackage.json', 'constructor', 'htmx.org']) {
      assert.equal((await request(world.origin).get(`/admin/assets/${file}`)).status, 404, file);
    }
  });

  it('refuses a form of 10 MB', async () => {
    const browser = await signIn();
    const answer = await browser.post('/admin/do/service/stop', { name: 'x'.repeat(10_000_000) }).then(
      ({ status }) => status,
      (error: NodeJS.ErrnoException) => error.code,
    );
    assert.ok([413, 'ECONNRESET', 'EPIPE'].includes(answer as number), String(answer));
    assert.equal(isRouterUp(), true);
  });
});

/** Markup in whatever the IDS and the node remember. */
async function storeMarks({ test, alarms, notifications }: AdminWorld): Promise<void> {
  await test.ids.transaction('administrator', async (trx) => {
    await trx
      .insertInto('serviceparameter')
      .values({ node: '', service: 'presence-engine', name: 'listenAddress', value: MARK })
      .execute();
    await trx.insertInto('imdomain').values({ domain: MARK, isdefault: 1, isadminmanaged: 1 }).execute();
    await trx
      .insertInto('processnode')
      .values({ pkid: MARK, name: MARK, description: MARK, nodeusage: MARK, role: MARK })
      .execute();
    await trx
      .insertInto('enduser')
      .values(endUser(`eve${MARK}`))
      .execute();
  });
  alarms.raise('sync-agent', `Alarm${MARK}`, 2, MARK);
  notifications.raise({ service: 'sync-agent', cause: MARK, severity: 'high', text: MARK });
}

function endUser(userid: string) {
  return {
    pkid: 'eve',
    userid,
    firstname: MARK,
    middlename: MARK,
    lastname: MARK,
    displayname: MARK,
    mailid: MARK,
    department: MARK,
    title: MARK,
    manager: MARK,
    telephonenumber: MARK,
    homenumber: MARK,
    mobilenumber: MARK,
    pagernumber: MARK,
    userlocale: MARK,
    directoryuri: MARK,
    imaddress: MARK,
    xcp_user_id: MARK,
    enablecups: 1,
    islocaluser: 1,
    status: 1,
    enablecalendarpresence: 0,
    presencegroup: MARK,
    serviceprofile: MARK,
    primaryextension: MARK,
    primarynodeid: null,
    tkassignmentstate: 0,
    peerclusterid: null,
    peernode: null,
    deletedat: null,
  };
}

/** Our pages are XML but for their first line and void elements: an independent parser finds what is not closed. */
function assertWellFormed(text: string, path: string): void {
  const xml = text
    .replace('<!doctype html>', '')
    .replaceAll(/<(meta|link|input|br)\b([^>]*?)\/?>/g, '<$1$2/>')
    .replaceAll(/ (required|autofocus|hidden|defer|selected|open)(?=[\s/>])/g, ' $1=""');
  try {
    XmlDocument.fromString(xml).dispose();
  } catch (error) {
    assert.fail(`${path}: ${String(error)}`);
  }
}
