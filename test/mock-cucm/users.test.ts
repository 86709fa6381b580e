import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { attribute, element, elements } from '../../src/xml/element.ts';
import { all, child, type MockWorld, startMock } from './mock-world.ts';

const NEW =
  '<user><lastName>Łęcka</lastName><userid>Izabela</userid><password>secret 1</password><pin>4711</pin><presenceGroupName>standard presence GROUP</presenceGroupName></user>';

describe('users', () => {
  let world: MockWorld;
  before(async () => {
    world = await startMock();
  });
  after(() => world[Symbol.asyncDispose]());
  const user = async (userid: string) => {
    const [found] = await world.rows('getUser', `<userid>${userid}</userid>`);
    assert.ok(found);
    return found;
  };

  it('of the fixture: names, phones, primary extension, groups with roles', async () => {
    const carol = await user('CAROL');
    assert.match(attribute(carol, 'uuid') ?? '', /^\{[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}\}$/);
    assert.deepEqual(all(carol, 'associatedDevices', 'device'), ['CSFCAROL', 'SEP001E7A0003EB']);
    assert.equal(child(carol, 'primaryExtension', 'pattern'), '1003');
    assert.deepEqual(all(carol, 'associatedGroups', 'userGroup', 'name'), [
      'Standard CCM End Users',
      'Standard CTI Enabled',
    ]);
    assert.equal(child(carol, 'presenceGroupName'), 'Standard Presence group');
    assert.equal(child(carol, 'imAndPresenceEnable'), 'true');
    assert.equal(child(carol, 'password') + child(carol, 'pin') + child(carol, 'digestCredentials'), '');
    assert.deepEqual(
      all(carol, 'lineAppearanceAssociationForPresences', 'lineAppearanceAssociationForPresence', 'laapDeviceName'),
      ['CSFCAROL', 'SEP001E7A0003EB'],
    );
    assert.equal(child(await user('mallory'), 'imAndPresenceEnable'), 'false');
    assert.equal(child(await user('trent'), 'status'), '0');
    assert.equal(child(await user('zoe'), 'firstName'), 'Zoë');
  });

  it('lists by wildcards, with just the tags that are asked, in schema order', async () => {
    const list = async (criteria: string, tags: string, page = '') =>
      world.rows('listUser', `<searchCriteria>${criteria}</searchCriteria><returnedTags>${tags}</returnedTags>${page}`);
    const ids = async (criteria: string) => (await list(criteria, '<userid/>')).map((row) => child(row, 'userid'));
    assert.deepEqual(await ids('<userid>A%</userid>'), ['alice']);
    assert.deepEqual(await ids('<userid>_o_</userid>'), ['bob', 'zoe']);
    assert.deepEqual(await ids('<userid>bob</userid><lastName>x%</lastName>'), []);
    assert.deepEqual(await ids('<firstName>ŁUKASZ</firstName>'), ['walter']);
    assert.deepEqual(await ids('<lastName>%Ő%</lastName>'), []);
    assert.equal((await ids('<customerName>%%</customerName>')).length, 20, '% matches the unset too');
    const [row] = await list('<userid>alice</userid>', '<telephoneNumber/><userid/><middleName/>');
    assert.ok(row);
    assert.deepEqual(
      elements(row).map((tag) => tag.local),
      ['middleName', 'userid', 'telephoneNumber'],
    );
    const [bare] = await list('<userid>alice</userid>', '');
    assert.ok(bare && attribute(bare, 'uuid'));
    assert.equal(elements(bare).length, 0);
    const pages = [];
    for (let skip = 0; skip < 21; skip += 7) {
      pages.push(...(await list('<userid>%</userid>', '<userid/>', `<skip>${skip}</skip><first>7</first>`)));
    }
    assert.equal(new Set(pages.map((each) => child(each, 'userid'))).size, 20);
    assert.equal(
      (await list('<userid>%</userid>', '<userid/>', '<skip>7</skip>')).length,
      20,
      'skip alone does not count',
    );
    assert.deepEqual(await list('<userid>nobody</userid>', '<userid/>'), []);
    const none = await world.fault('listUser', '<searchCriteria><userid/></searchCriteria><returnedTags/>');
    assert.equal(none.code, 5003);
    assert.equal(
      (await world.fault('listUser', '<searchCriteria><pin>1</pin></searchCriteria><returnedTags/>')).code,
      5003,
    );
    assert.equal(
      (
        await world.fault(
          'listUser',
          '<searchCriteria><userid>%</userid></searchCriteria><returnedTags/><first>x</first>',
        )
      ).code,
      5003,
    );
  });

  it('are added with the defaults of the schema, updated by what is sent, and removed', async () => {
    const added = await world.axl('addUser', NEW);
    const uuid = child(added, 'return');
    assert.match(uuid, /^\{[0-9A-F-]{36}\}$/);
    const fresh = await user('izabela');
    assert.equal(attribute(fresh, 'uuid'), uuid);
    const value = (tag: string): string => child(fresh, tag);
    assert.deepEqual(
      [
        'userid',
        'enableCti',
        'homeCluster',
        'calendarPresence',
        'imAndPresenceEnable',
        'maxDeskPickupWaitTime',
        'remoteDestinationLimit',
        'patternPrecedence',
        'status',
      ].map(value),
      ['Izabela', 'true', 'true', 'false', 'false', '10000', '4', 'Default', '1'],
    );
    const duplicate = await world.fault('addUser', NEW);
    assert.deepEqual([duplicate.code, duplicate.faultcode], [-239, 'soapenv:Client']);
    assert.match(duplicate.message, /duplicate value in a UNIQUE INDEX column/);
    const bare = uuid.slice(1, -1).toLowerCase();
    for (const [sent, shown] of [
      ['True', 'true'],
      ['t', 'true'],
      ['0', 'false'],
      ['1', 'true'],
      ['', 'false'],
    ]) {
      await world.axl('updateUser', `<uuid>${bare}</uuid><imAndPresenceEnable>${sent}</imAndPresenceEnable>`);
      assert.equal(child(await user('izabela'), 'imAndPresenceEnable'), shown);
    }
    await world.axl('updateUser', '<userid>izabela</userid><title>Boss</title><department>Łódź</department>');
    await world.axl(
      'updateUser',
      '<userid>izabela</userid><newUserid>iza</newUserid><title xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/><status>0</status>',
    );
    const renamed = await user('iza');
    assert.deepEqual(
      [child(renamed, 'title'), child(renamed, 'department'), child(renamed, 'status')],
      ['', 'Łódź', '1'],
    );
    assert.equal(child(await world.axl('removeUser', '<userid>iza</userid>'), 'return'), uuid);
    assert.equal((await world.fault('removeUser', `<uuid>${uuid}</uuid>`)).code, 5007);
  });

  it('refuse values that the schema does not know, and then do nothing', async () => {
    const refused = async (tags: string, code: number): Promise<void> => {
      const fault = await world.fault('updateUser', `<userid>dave</userid><title>changed</title>${tags}`);
      assert.equal(fault.code, code, tags);
      assert.equal(child(await user('dave'), 'title'), 'Engineer');
    };
    await refused('<remoteDestinationLimit>11</remoteDestinationLimit>', 5003);
    await refused('<maxDeskPickupWaitTime>x</maxDeskPickupWaitTime>', 5003);
    await refused('<enableCti>perhaps</enableCti>', 5003);
    await refused('<patternPrecedence>High</patternPrecedence>', 5003);
    await refused('<presenceGroupName>None</presenceGroupName>', 5007);
    await refused('<associatedDevices><device>SEPNONE</device></associatedDevices>', 5007);
    await refused('<associatedGroups><userGroup><name>None</name></userGroup></associatedGroups>', 5007);
    await refused('<primaryExtension><pattern>1001</pattern></primaryExtension>', 5003);
    await refused('<pin>12</pin>', 5003);
    await refused('<colour>red</colour>', 5003);
    await refused(`<lastName>${'x'.repeat(65)}</lastName>`, 5003);
    for (const tag of ['lastName', 'userid', 'presenceGroupName']) {
      const without = NEW.replace(new RegExp(`<${tag}>[^<]*</${tag}>`), '');
      assert.equal((await world.fault('addUser', without)).code, 5003, tag);
    }
  });

  it('replace their lists', async () => {
    await world.axl(
      'updateUser',
      '<userid>heidi</userid><associatedGroups><userGroup><name>standard cti enabled</name><userRoles><userRole>x</userRole></userRoles></userGroup></associatedGroups>',
    );
    assert.deepEqual(all(await user('heidi'), 'associatedGroups', 'userGroup', 'name'), ['Standard CTI Enabled']);
    await world.axl('updateUser', '<userid>heidi</userid><associatedGroups/>');
    assert.deepEqual(all(await user('heidi'), 'associatedGroups', 'userGroup'), []);
    await world.axl('updateUser', '<userid>heidi</userid><primaryExtension/><associatedDevices/>');
    const heidi = await user('heidi');
    assert.equal(child(heidi, 'primaryExtension', 'pattern'), '');
    assert.deepEqual(all(heidi, 'associatedDevices', 'device'), []);
    const [phone] = await world.rows(
      'listPhone',
      '<searchCriteria><name>SEP001E7A0003F0</name></searchCriteria><returnedTags><name/></returnedTags>',
    );
    assert.ok(phone, 'removing the association leaves the phone');
  });

  it('keep what the mock does not look into as it was sent', async () => {
    const fields =
      '<customUserFields><customUserField><fieldName>a&amp;b</fieldName><fieldValue>1</fieldValue></customUserField></customUserFields>';
    await world.axl('updateUser', `<userid>ivan</userid>${fields}`);
    const { body } = await world.ask(
      'getUser',
      '<userid>ivan</userid><returnedTags><customUserFields/></returnedTags>',
    );
    assert.ok(body.includes(fields));
    await world.axl('updateUser', '<userid>ivan</userid><customUserFields/>');
    assert.equal(element(await user('ivan'), 'customUserFields')?.children.length, 0);
  });

  it('have their password and PIN checked', async () => {
    const check = async (inside: string): Promise<string> => {
      const value = element(await world.axl('doAuthenticateUser', inside), 'return');
      assert.ok(value);
      return `${child(value, 'userAuthenticated')} ${child(value, 'code') === '0'}`;
    };
    assert.equal(await check('<userid>Alice</userid><password>Imp-demo-1</password>'), 'true true');
    assert.equal(await check('<userid>alice</userid><password>imp-demo-1</password>'), 'false false');
    assert.equal(await check('<userid>alice</userid><pin>12345</pin>'), 'true true');
    assert.equal(await check('<userid>appuser</userid><password>Imp-demo-1</password>'), 'true true');
    assert.equal(await check('<userid>appuser</userid><pin>12345</pin>'), 'false false');
    assert.equal(await check('<userid>nobody</userid><password>x</password>'), 'false false');
    assert.equal(await check('<userid>trent</userid><password>Imp-demo-1</password>'), 'false false', 'inactive');
    await world.axl('updateUser', '<userid>judy</userid><password> new one &amp; all </password><pin>987654</pin>');
    assert.equal(await check('<userid>judy</userid><password> new one &amp; all </password>'), 'true true');
    assert.equal(await check('<userid>judy</userid><pin>987654</pin>'), 'true true');
    await world.axl(
      'updateUser',
      '<userid>judy</userid><passwordCredentials><pwdCredLockedByAdministrator>true</pwdCredLockedByAdministrator></passwordCredentials>',
    );
    assert.equal(await check('<userid>judy</userid><password> new one &amp; all </password>'), 'false false', 'locked');
    assert.equal((await world.fault('doAuthenticateUser', '<userid>alice</userid>')).code, 5003);
  });

  it('of applications, and their groups', async () => {
    const [admin] = await world.rows('getAppUser', '<userid>administrator</userid>');
    assert.ok(admin);
    assert.deepEqual(all(admin, 'associatedGroups', 'userGroup', 'name'), [
      'Standard AXL API Access',
      'Standard CCM Super Users',
    ]);
    await world.axl(
      'addAppUser',
      '<appUser><userid>robot</userid><password>R2</password><associatedGroups><userGroup><name>Standard AXL API Access</name></userGroup></associatedGroups></appUser>',
    );
    assert.equal((await world.ask('getCCMVersion', '', { user: 'robot', password: 'R2' })).status, 200);
    await world.axl(
      'updateUserGroup',
      '<name>Standard AXL API Access</name><removeMembers><member><userId>robot</userId></member></removeMembers>',
    );
    assert.equal((await world.ask('getCCMVersion', '', { user: 'robot', password: 'R2' })).status, 403);
    const [group] = await world.rows('getUserGroup', '<name>admin-3rd party api</name>');
    assert.ok(group);
    assert.deepEqual(
      elements(group).map((tag) => tag.local),
      ['members', 'userRoles', 'name'],
    );
    assert.deepEqual(all(group, 'members', 'member', 'userId'), ['appuser']);
  });
});
