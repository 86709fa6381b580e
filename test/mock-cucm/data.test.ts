import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { loadFixture } from '../../src/mock-cucm/fixture.ts';
import { matchesWildcard } from '../../src/mock-cucm/store/wildcard.ts';
import { attribute } from '../../src/xml/element.ts';
import { child, type MockWorld, startMock } from './mock-world.ts';

const TAGS = '<returnedTags><userid/><firstName/><lastName/><telephoneNumber/></returnedTags>';
const generated = async (world: MockWorld): Promise<string[]> =>
  (await world.rows('listUser', `<searchCriteria><userid>user%</userid></searchCriteria>${TAGS}`)).map((row) =>
    [
      attribute(row, 'uuid'),
      ...['userid', 'firstName', 'lastName', 'telephoneNumber'].map((tag) => child(row, tag)),
    ].join(' '),
  );

async function folder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'imp-mock-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

describe('what the mock holds', () => {
  it('generated users are the same for a seed, with phones, lines, groups and passwords', async () => {
    await using one = await startMock({ users: 50 });
    await using two = await startMock({ users: 50 });
    await using other = await startMock({ users: 50, seed: 2 });
    const users = await generated(one);
    assert.equal(one.mock.userCount, 70);
    assert.equal(users.length, 50);
    assert.deepEqual(await generated(two), users);
    assert.notDeepEqual(await generated(other), users);
    const orphans = await one.rows(
      'executeSQLQuery',
      `<sql>select u.userid from enduser u where not exists (select 1 from enduserdevicemap m, devicenumplanmap d, endusernumplanmap e
        where m.fkenduser = u.pkid and d.fkdevice = m.fkdevice and e.fkenduser = u.pkid and e.fknumplan = d.fknumplan)</sql>`,
    );
    assert.deepEqual(orphans, []);
    await one.axl('doAuthenticateUser', '<userid>user000050</userid><pin>12345</pin>');
    // A write meets all rules: what was generated obeys them.
    await one.axl('updateUser', '<userid>user000007</userid><title>x</title>');
    await one.axl('removeUser', '<userid>user000008</userid>');
  });

  it('many generated users have all their rows and indexes', async () => {
    await using world = await startMock({ users: 2_500, userPrefix: 'load_' });
    assert.equal(world.mock.userCount, 2_520);
    const [count] = await world.rows('executeSQLQuery', '<sql>select count(*) from credential</sql>');
    assert.equal(count && child(count, 'count'), String(2_500 * 2 + 20 * 3 + 4));
    const [last] = await world.rows('getUser', '<userid>LOAD_002500</userid>');
    assert.ok(last);
    assert.equal(
      (await world.fault('addLine', '<line><pattern>2002500</pattern><usage>Device</usage></line>')).code,
      -239,
    );
  });

  it('a generated user that was removed or renamed does not come back, nor stand in the way of the next start', async () => {
    await using data = await folder();
    {
      await using world = await startMock({ users: 20, dataDir: data.path });
      await world.axl('removeUser', '<userid>user000020</userid>');
      await world.axl('updateUser', '<userid>user000019</userid><newUserid>renamed</newUserid>');
    }
    await using world = await startMock({ users: 22, dataDir: data.path });
    const users = (await generated(world)).map((user) => user.split(' ')[1]);
    assert.deepEqual(users.slice(-4), ['user000017', 'user000018', 'user000021', 'user000022']);
  });

  it('data survive a restart; users are generated once, and more when more are wanted', async () => {
    await using data = await folder();
    let alice = '';
    {
      await using world = await startMock({ dataDir: data.path, users: 10 });
      await world.axl('updateUser', '<userid>alice</userid><title>kept</title>');
      await world.axl('executeSQLUpdate', "<sql>update enduser set title = 'kept too' where userid = 'bob'</sql>");
      await world.axl('removeUser', '<userid>user000003</userid>');
      alice = attribute((await world.rows('getUser', '<userid>alice</userid>'))[0] ?? assert.fail(), 'uuid') ?? '';
    }
    await using world = await startMock({ dataDir: data.path, users: 12 });
    const title = async (userid: string): Promise<string> =>
      child((await world.rows('getUser', `<userid>${userid}</userid>`))[0] ?? assert.fail(), 'title');
    assert.deepEqual([await title('alice'), await title('bob')], ['kept', 'kept too']);
    assert.equal(attribute((await world.rows('getUser', '<userid>alice</userid>'))[0] ?? assert.fail(), 'uuid'), alice);
    const users = await generated(world);
    assert.equal(users.length, 11, 'the removed one stays removed');
    assert.ok(users.at(-1)?.includes('user000012'));
  });

  it('a fixture that is wrong is refused with file and key', async () => {
    await using data = await folder();
    const file = join(data.path, 'f.json');
    const credentials = { password: 'x', pin: '12345', digestCredentials: 'x' };
    const cases: readonly (readonly [unknown, RegExp])[] = [
      ['{', /is no JSON/],
      [{ domain: 'a.example' }, /f\.json: credentials: /],
      [{ domain: 'a', credentials, endUsers: [{ userid: 'a' }] }, /endUsers\.0\.lastName/],
      [
        { domain: 'a', credentials, endUsers: [{ userid: 'a', lastName: 'b', colour: 'red' }] },
        /endUsers\.0: .*colour/,
      ],
      [{ domain: 'a', credentials, endUsers: [{ userid: 'a', lastName: 'b\u0001' }] }, /endUsers\.0\.lastName: .*XML/],
      [{ domain: 'a', credentials, endUsers: [{ userid: 'a', lastName: 'b', phones: ['X'] }] }, /there is no phone X/],
    ];
    for (const [content, message] of cases) {
      await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
      await assert.rejects(loadFixture(file), { name: 'FixtureError', message });
    }
    await assert.rejects(loadFixture(join(data.path, 'none.json')), { code: 'fixture.unreadable' });
  });

  it('the other fixtures load', async () => {
    for (const [name, users] of [
      ['acme-east', 'anna ben clara dirk'],
      ['acme-west', 'wanda wes will xena'],
    ] as const) {
      const fixture = await loadFixture(new URL(`../../fixtures/cucm/${name}.json`, import.meta.url).pathname);
      assert.equal(fixture.endUsers.map((user) => user.userid).join(' '), users);
      await using world = await startMock({ fixture });
      assert.equal(world.mock.userCount, 4);
    }
  });
});

describe('wildcards', () => {
  /** LIKE as a regular expression, the slow and obvious way. */
  const obvious = (pattern: string, value: string): boolean => {
    const source = Array.from(pattern.normalize('NFC').toLowerCase(), (each) =>
      each === '%' ? '[\\s\\S]*' : each === '_' ? '[\\s\\S]' : each.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'),
    ).join('');
    return new RegExp(`^${source}$`, 'u').test(value.normalize('NFC').toLowerCase());
  };

  it('match as LIKE does', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'B', 'é', 'Ł', '%', '_', '.', '😀'), maxLength: 8 });
    fc.assert(
      fc.property(letters, letters, (pattern, value) =>
        assert.equal(matchesWildcard(pattern, value), obvious(pattern, value)),
      ),
      {
        numRuns: 3_000,
      },
    );
  });

  it('do not grow steep', () => {
    const began = performance.now();
    assert.equal(matchesWildcard('%a'.repeat(2_000), 'a'.repeat(1_999)), false);
    assert.ok(performance.now() - began < 5_000);
  });
});
