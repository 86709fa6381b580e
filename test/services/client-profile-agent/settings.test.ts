import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { OPERATIONS } from '../../../src/services/client-profile-agent/operations/index.ts';
import { attribute, element, elements, textOf } from '../../../src/xml/element.ts';
import {
  type Answer,
  at,
  type CpaWorld,
  DOMAIN,
  EPAS,
  faultNumber,
  keyOf,
  loginByApplication,
  loginRequest,
  openCpaWorld,
} from './cpa-world.ts';

const RULES = 'urn:cisco:epas:presence-rules';
const LIST = `<get-contact-list xmlns="${EPAS}"/>`;

/** Children of the payload as attributes and text. */
function rows(answer: Answer): readonly Readonly<Record<string, string>>[] {
  return elements(answer.payload).map((each) => ({
    ...Object.fromEntries(each.attributes.map(({ local, value }) => [local, value])),
    ...(textOf(each) === '' ? {} : { text: textOf(each) }),
  }));
}

function properties(answer: Answer): Readonly<Record<string, string>> {
  return Object.fromEntries(
    elements(answer.payload, 'property').map((each) => [attribute(each, 'name'), textOf(each)]),
  );
}

describe('settings and lists of a user', () => {
  let world: CpaWorld;
  let key: string;
  beforeEach(async () => {
    world = await openCpaWorld();
    key = await world.signIn('alice');
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const ask = (operation: string, inside = '', attributes = ''): Promise<Answer> =>
    world.call(`<${operation} xmlns="${EPAS}" ${attributes}>${inside}</${operation}>`, { key });
  const succeeds = (answer: Answer): void => {
    assert.ok(element(answer.payload, 'success'), answer.text);
  };
  const fails = (answer: Answer, reason: RegExp): void => {
    assert.match(at(answer.payload, 'failure', 'reason') ?? answer.text, reason);
  };
  const property = (name: string, value: string): string => `<property name="${name}">${value}</property>`;

  function write(
    table: 'federateddomain' | 'dialrule' | 'serviceparameter' | 'ldapauthenticationhost',
    row: object,
  ): Promise<unknown> {
    return world.test.ids.transaction('administrator', (trx) =>
      trx
        .insertInto(table)
        .values(row as never)
        .execute(),
    );
  }

  it('gives the system properties: domain, parameters, directory hosts, and never a password', async () => {
    await write('serviceparameter', {
      node: '',
      service: 'client-profile-agent',
      name: 'VoiceMail.PilotNumber',
      value: '5000',
    });
    await write('serviceparameter', {
      node: '',
      service: 'client-profile-agent',
      name: 'Directory.Password',
      value: 'x',
    });
    await write('ldapauthenticationhost', { pkid: '1', hostname: 'ldap1.example', portnumber: 636, sslenabled: 1 });
    const found = properties(await ask('get-system-config'));
    assert.equal(found['Presence.Domain'], DOMAIN);
    assert.equal(found['VoiceMail.PilotNumber'], '5000');
    assert.equal(found['Directory.Password'], '');
    assert.equal(found['Directory.Primary.Address'], 'ldap1.example');
    assert.equal(found['Directory.Primary.Protocol'], 'TLS');
    assert.equal(found['MeetingPlace.Primary.SiteID'], '');
    assert.equal(Object.keys(found).length, 54);
  });

  it('sets user properties all or none, and gives defaults for the rest', async () => {
    succeeds(
      await ask('set-user-config', property('Privacy.Internal', 'ask') + property('Client.Theme', ' dark &amp; ')),
    );
    assert.deepEqual(properties(await ask('get-user-config')), {
      'Privacy.Internal': 'ask',
      'Privacy.External': 'ask',
      'Privacy.AllowContacts': 'TRUE',
      'Calendar.InPresence': 'TRUE',
      'Phone.InPresence': 'TRUE',
      'Client.Theme': ' dark & ',
    });
    fails(
      await ask('set-user-config', property('Client.A', 'x') + property('Privacy.Nothing', 'x')),
      /no such property/,
    );
    fails(await ask('set-user-config', property('toString', 'x')), /no such property/);
    fails(await ask('set-user-config', property('Privacy.Internal', 'maybe')), /not allowed/);
    fails(await ask('set-user-config', property('Client.A', 'x'.repeat(1025))), /not allowed/);
    const many = Array.from({ length: 100 }, (_, each) => property(`Client.${each}`, '')).join('');
    fails(await ask('set-user-config', many), /too many client properties/);
    assert.equal(Object.keys(properties(await ask('get-user-config'))).length, 6);
  });

  it('has calendar and phone options that are user properties too', async () => {
    succeeds(await ask('set-calendar-options', property('Calendar.SubjectVisible', 'TRUE')));
    succeeds(await ask('set-phone-presence', property('Phone.InPresence', 'FALSE')));
    assert.deepEqual(properties(await ask('get-calendar-options')), {
      'Calendar.InPresence': 'TRUE',
      'Calendar.SubjectVisible': 'TRUE',
    });
    assert.deepEqual(properties(await ask('get-phone-presence')), { 'Phone.InPresence': 'FALSE' });
    assert.equal(properties(await ask('get-user-config'))['Phone.InPresence'], 'FALSE');
    fails(await ask('set-phone-presence', property('Calendar.InPresence', 'TRUE')), /no such property/);
  });

  it('gives the sections of get-all-config that are asked for, all when none is', async () => {
    await write('federateddomain', { domain: 'good.example', policy: 'allow', protocol: 'XMPP' });
    await write('federateddomain', { domain: 'bad.example', policy: 'block', protocol: 'SIP' });
    const names = (answer: Answer): string[] => elements(answer.payload).map(({ local }) => local);
    assert.equal(names(await ask('get-all-config')).length, 5);
    const two = await ask('get-all-config', '<user-config/><federated-domains auth-policy="allow"/>');
    assert.deepEqual(names(two), ['get-user-config-resp', 'get-federated-domains-resp']);
    assert.equal((two.text.match(/<e:federated-domain /g) ?? []).length, 1);
    assert.deepEqual(rows(await ask('get-federated-domains')), [
      { name: 'bad.example', 'auth-policy': 'block', protocol: 'SIP' },
      { name: 'good.example', 'auth-policy': 'allow', protocol: 'XMPP' },
    ]);
    assert.equal(rows(await ask('get-federated-domains', '', 'auth-policy="block"')).length, 1);
    assert.equal(faultNumber(await ask('get-federated-domains', '', 'auth-policy="x"')), '103');
  });

  it('keeps details of contacts, deletes those with empty text, and gives those asked for', async () => {
    const info = (user: string, inside: string, more = ''): string =>
      `<contact-info user="${user}" ${more}>${inside}</contact-info>`;
    succeeds(
      await ask(
        'set-contact-info',
        info('Bob', property('Title', 'Dr & Co'.replace('&', '&amp;')) + property('Email', 'b@x')) +
          info('x', property('Company', 'Łódź'), 'domain="Partner.example"'),
      ),
    );
    succeeds(await ask('set-contact-info', info('bob', property('Email', '') + property('HomeNumber', '1'))));
    const answer = await ask('get-contact-info');
    assert.deepEqual(
      elements(answer.payload).map((each) => [
        `${attribute(each, 'user')}@${attribute(each, 'domain')}`,
        ...elements(each).map((one) => `${attribute(one, 'name')}=${textOf(one)}`),
      ]),
      [
        [`Bob@${DOMAIN}`, 'HomeNumber=1', 'Title=Dr & Co'],
        ['x@partner.example', 'Company=Łódź'],
      ],
    );
    assert.equal(elements((await ask('get-contact-info', '<persona-id>BOB</persona-id>')).payload).length, 1);
    fails(await ask('set-contact-info', info('bob', property('Shoe', '1'))), /no such property/);
    fails(await ask('set-contact-info', info('', property('Title', '1'))), /must be a user id/);
  });

  it('keeps the access control list', async () => {
    const entry = (watcher: string, attributes: string): string => `<acl-entry ${attributes}>${watcher}</acl-entry>`;
    succeeds(
      await ask(
        'add-acl',
        entry('Otto@Partner.example', 'policy="allow"') + entry('bad.example', 'policy="deny" type="domain"'),
      ),
    );
    succeeds(await ask('add-acl', entry('otto@partner.example', 'policy="deny"')));
    assert.deepEqual(rows(await ask('get-acl')), [
      { policy: 'deny', type: 'domain', text: 'bad.example' },
      { policy: 'deny', type: 'user', text: 'otto@partner.example' },
    ]);
    for (const wrong of [
      entry('otto', 'policy="allow"'),
      entry('a@b', 'policy="allow" type="domain"'),
      entry('', 'policy="deny"'),
    ]) {
      fails(await ask('add-acl', entry('new@x.example', 'policy="allow"') + wrong), /watcher must be/);
    }
    assert.equal(faultNumber(await ask('add-acl', entry('a@b', ''))), '103');
    succeeds(await ask('delete-acl', entry('OTTO@partner.example', '') + entry('nobody@x', '')));
    assert.deepEqual(rows(await ask('get-acl')).length, 1);
  });

  it('keeps presence rules: replaces, reads in order, deletes some or all', async () => {
    const rule = (id: string, inside: string, more = ''): string => `<r:rule id="${id}" ${more}>${inside}</r:rule>`;
    const set = (...rules: readonly string[]): Promise<Answer> =>
      ask('set-presence-rules', `<r:presence-rules xmlns:r="${RULES}">${rules.join('')}</r:presence-rules>`);
    const watcher = (type: string, text = ''): string => `<r:watcher type="${type}">${text}</r:watcher>`;
    const policy = (word: string): string => `<r:policy>${word}</r:policy>`;
    succeeds(
      await set(
        rule(
          'b',
          watcher('user', 'Otto@x.example') + watcher('external') + policy('polite-block'),
          'name="Not &lt;me&gt;"',
        ),
        rule('a', watcher('any') + policy('allow'), 'enabled="0"'),
      ),
    );
    const answer = await ask('get-presence-rules');
    assert.match(
      answer.text,
      /<r:rule id="b" name="Not &lt;me&gt;" enabled="true"><r:watcher type="user">otto@x.example<\/r:watcher><r:watcher type="external"\/><r:policy>polite-block<\/r:policy><\/r:rule><r:rule id="a" enabled="false">/,
    );
    const seq = await world.test.changeFeed.lastSeq();
    succeeds(
      await set(
        rule(
          'b',
          watcher('user', 'Otto@x.example') + watcher('external') + policy('polite-block'),
          'name="Not &lt;me&gt;"',
        ),
      ),
    );
    assert.deepEqual(
      (await world.test.changeFeed.trace({ afterSeq: seq, limit: 10 })).map(({ op }) => op),
      ['d'],
    );
    fails(
      await set(rule('x', watcher('any') + policy('ask')), rule('x', watcher('any') + policy('ask'))),
      /the same id/,
    );
    fails(await set(rule('x', watcher('user', 'nobody') + policy('ask'))), /watcher must be/);
    fails(await set(rule('x', watcher('any', 'a@b') + policy('ask'))), /watcher must be/);
    for (const breach of [
      rule('x', policy('ask')),
      rule('x', watcher('any')),
      rule('x', watcher('any') + policy('maybe')),
      rule('x', policy('ask') + watcher('any')),
      rule('x', watcher('friends') + policy('ask')),
    ]) {
      assert.equal(faultNumber(await set(breach)), '103', breach);
    }
    succeeds(await set(rule('1', watcher('any') + policy('ask')), rule('2', watcher('any') + policy('ask'))));
    succeeds(await ask('delete-presence-rules', '<rule-id>1</rule-id><rule-id>none</rule-id>'));
    assert.match((await ask('get-presence-rules')).text, /id="2"/);
    succeeds(await ask('delete-presence-rules'));
    assert.doesNotMatch((await ask('get-presence-rules')).text, /id=/);
  });

  it('searches users by all that must match, with nothing special in % and _', async () => {
    const match = (name: string, value: string): string => `<match name="${name}">${value}</match>`;
    const ids = async (inside: string, attributes = ''): Promise<(string | undefined)[]> =>
      rows(await ask('search-users', inside, attributes)).map(({ id }) => id);
    assert.deepEqual(rows(await ask('search-users', match('Email', 'ALICE@'))), [
      { id: 'Alice', domain: DOMAIN, 'display-name': 'Alice Ämter', mail: 'alice@mail.example' },
    ]);
    assert.deepEqual(await ids(match('Any', 'bob')), ['bob']);
    assert.deepEqual(await ids(match('Any', '%')), ['carol']);
    assert.deepEqual(await ids(match('DisplayName', '%_')), ['carol']);
    assert.deepEqual(await ids(match('UserId', 'a') + match('DisplayName', 'Alice')), ['Alice']);
    assert.equal((await ids(match('UserId', ''), 'max="2"')).length, 2);
    assert.deepEqual(await ids(match('UserId', 'mallory')), []);
  });

  it('tells dial rules, licensed features and the nodes of the cluster', async () => {
    await write('dialrule', {
      pkid: '1',
      type: 'application',
      name: 'Outside',
      priority: 1,
      beginswith: '0',
      digits: 11,
      digitsremoved: 1,
      prepend: '9',
    });
    assert.deepEqual(rows(await ask('get-dial-rules')), [
      {
        type: 'application',
        name: 'Outside',
        priority: '1',
        'begins-with': '0',
        digits: '11',
        remove: '1',
        prepend: '9',
      },
    ]);
    assert.deepEqual(rows(await ask('get-licensed-features')), [
      { name: 'InstantMessagingAndPresence', enabled: 'true' },
      { name: 'CalendarPresence', enabled: 'false' },
      { name: 'PhonePresence', enabled: 'false' },
    ]);
    const nodes = rows(await ask('get-cluster-info'));
    assert.deepEqual(nodes[0], {
      name: 'imp1',
      address: 'imp1.acme.example',
      group: 'DefaultCUPSubcluster',
      role: 'publisher',
      version: '0.1.0',
    });
    assert.equal(nodes[1]?.role, 'subscriber');
    const application = keyOf(await world.call(loginRequest('appuser', 'secret', 'client-type="thirdpartyapp"')));
    assert.equal(
      (await world.call(`<get-cluster-info xmlns="${EPAS}"/>`, { key: application })).payload.local,
      'get-cluster-info-resp',
    );
  });
});

describe('every operation', () => {
  let world: CpaWorld;
  before(async () => {
    world = await openCpaWorld();
  });
  after(() => world[Symbol.asyncDispose]());

  it('needs a session, but for login, and only of an end user, but for three', async () => {
    const application = keyOf(await world.call(loginRequest('appuser', 'secret', 'client-type="thirdpartyapp"')));
    const anybody = ['login', 'get-cluster-info', 'logout'];
    assert.equal(OPERATIONS.size, 32);
    for (const name of OPERATIONS.keys()) {
      if (name === 'login') continue;
      const request = `<${name} xmlns="${EPAS}"/>`;
      assert.equal(faultNumber(await world.call(request)), '100', name);
      assert.equal(faultNumber(await world.call(request, { key: 'x' })), '101', name);
      if (!anybody.includes(name))
        assert.equal(faultNumber(await world.call(request, { key: application })), '140', name);
    }
  });
});

describe('sessions and the IDS', () => {
  let world: CpaWorld;
  beforeEach(async () => {
    world = await openCpaWorld();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const isOpen = async (key: string): Promise<boolean> => {
    await world.settle();
    return faultNumber(await world.call(LIST, { key })) !== '101';
  };
  const update = (user: string, values: Readonly<Record<string, unknown>>): Promise<unknown> =>
    world.test.ids.transaction('cucm', (trx) =>
      trx
        .updateTable('enduser')
        .set(values as never)
        .where('pkid', '=', `pkid-${user}`)
        .execute(),
    );

  it('ends the sessions of a user who is disabled, moved, renamed or removed, and of nobody else', async () => {
    for (const values of [
      { status: 0 },
      { enablecups: 0 },
      { primarynodeid: 2 },
      { primarynodeid: null },
      { userid: 'alicia' },
      { deletedat: 1 },
    ]) {
      const alice = await world.signIn('alice');
      const bob = await world.signIn('bob');
      await update('alice', { displayname: JSON.stringify(values) });
      assert.equal(await isOpen(alice), true);
      await update('alice', values);
      assert.equal(await isOpen(alice), false, JSON.stringify(values));
      assert.equal(await isOpen(bob), true);
      await update('alice', { status: 1, enablecups: 1, primarynodeid: 1, userid: 'Alice', deletedat: null });
      await world.settle();
    }
  });

  it('ends the sessions of an application user who is removed or leaves the group, and all it opened', async () => {
    const open = async (): Promise<string> => {
      const application = keyOf(await world.call(loginRequest('appuser', 'secret', 'client-type="thirdpartyapp"')));
      return keyOf(await world.call(loginByApplication('alice', application)));
    };
    const first = await open();
    await world.test.ids.transaction('cucm', (trx) =>
      trx.deleteFrom('applicationuserdirgroupmap').where('fkapplicationuser', '=', 'app-1').execute(),
    );
    assert.equal(await isOpen(first), false);
    await world.test.ids.transaction('cucm', (trx) =>
      trx.insertInto('applicationuserdirgroupmap').values({ fkapplicationuser: 'app-1', fkdirgroup: 'g-1' }).execute(),
    );
    const second = await open();
    await world.test.ids.transaction('cucm', (trx) =>
      trx.updateTable('applicationuser').set({ deletedat: 1 }).where('pkid', '=', 'app-1').execute(),
    );
    assert.equal(await isOpen(second), false);
  });

  it('ends sessions when the password turns out to be changed', async () => {
    const jabber = await world.signIn('alice');
    world.passwords.set('alice', 'new');
    await world.call(loginRequest('alice', 'guess'));
    assert.equal(await isOpen(jabber), true);
    await world.call(loginRequest('alice', 'secret'));
    assert.equal(await isOpen(jabber), false);
    const again = keyOf(await world.call(loginRequest('alice', 'new')));
    world.passwords.set('alice', 'newer');
    assert.ok(keyOf(await world.call(loginRequest('alice', 'newer', 'client-type="web"'))));
    assert.equal(await isOpen(again), false);
  });
});
