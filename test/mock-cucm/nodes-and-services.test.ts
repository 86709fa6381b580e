import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { attribute, elements } from '../../src/xml/element.ts';
import { all, child, type MockWorld, startMock } from './mock-world.ts';

describe('nodes, services, parameters, profiles', () => {
  let world: MockWorld;
  before(async () => {
    world = await startMock({ nodes: ['imp1', 'imp2', 'imp3'] });
  });
  after(() => world[Symbol.asyncDispose]());
  const list = async (operation: string, criteria: string, ...tags: string[]): Promise<string[]> =>
    (
      await world.rows(
        operation,
        `<searchCriteria>${criteria}</searchCriteria><returnedTags>${tags.map((tag) => `<${tag}/>`).join('')}</returnedTags>`,
      )
    ).map((row) => tags.map((tag) => child(row, tag)).join(' | '));

  it('process nodes: the publisher, ours, and the virtual one with its fixed id', async () => {
    assert.deepEqual(await list('listProcessNode', '<name>%</name>', 'name', 'nodeUsage', 'processNodeRole'), [
      'cucm1 | Publisher | CUCM Voice/Video',
      'EnterpriseWideData | Subscriber | CUCM Voice/Video',
      'imp1 | Publisher | CUCM IM and Presence',
      'imp2 | Subscriber | CUCM IM and Presence',
      'imp3 | Subscriber | CUCM IM and Presence',
    ]);
    assert.equal((await list('listProcessNode', '<processNodeRole>%Presence</processNodeRole>', 'name')).length, 3);
    const [virtual] = await world.rows('getProcessNode', '<name>EnterpriseWideData</name>');
    assert.equal(virtual && attribute(virtual, 'uuid'), '{00000000-1111-0000-0000-000000000000}');
    const [ours] = await world.rows('getProcessNode', '<name>imp1</name>');
    assert.equal(ours && child(ours, 'cupDomain'), 'acme.example');
  });

  it('services of nodes', async () => {
    const services = await list(
      'listProcessNodeService',
      '<processNodeName>imp1</processNodeName>',
      'service',
      'isActive',
    );
    assert.ok(services.includes('Cisco Sync Agent | true'));
    assert.ok(
      (await list('listProcessNodeService', '<processNodeName>cucm1</processNodeName>', 'service')).includes(
        'Cisco AXL Web Service',
      ),
    );
  });

  it('enterprise parameters are those of the virtual node', async () => {
    const key =
      '<processNodeName>EnterpriseWideData</processNodeName><name>UserAssignmentModeForPresenceServer</name><service>Enterprise Wide</service>';
    const value = async (): Promise<string> =>
      child((await world.rows('getServiceParameter', key))[0] ?? assert.fail(), 'value');
    assert.equal(await value(), 'Balanced');
    await world.axl('updateServiceParameter', `${key}<value>None</value>`);
    assert.equal(await value(), 'None');
    const all = await list(
      'listServiceParameter',
      '<processNodeName>Enterprise%</processNodeName><service>Enterprise Wide</service>',
      'name',
      'value',
    );
    assert.ok(all.includes('OrganizationTopLevelDomain | acme.example'), all.join());
  });

  it('service profiles and UC services', async () => {
    await world.axl(
      'addUcService',
      '<ucService><serviceType>CTI</serviceType><productType>CTI</productType><name>CTI 1</name><hostnameorip>cti.acme.example</hostnameorip><port>2748</port><protocol>TCP</protocol><ucServiceXml>&lt;a b="c"/&gt;</ucServiceXml></ucService>',
    );
    const [cti] = await world.rows('getUcService', '<name>cti 1</name>');
    assert.ok(cti);
    assert.deepEqual(
      [child(cti, 'port'), child(cti, 'protocol'), child(cti, 'ucServiceXml')],
      ['2748', 'TCP', '<a b="c"/>'],
    );
    const info =
      '<serviceProfileInfos><serviceProfileInfo><profileName>CTI</profileName><primary>CTI 1</primary><secondary/></serviceProfileInfo></serviceProfileInfos>';
    await world.axl(
      'addServiceProfile',
      `<serviceProfile><name>P2</name><isDefault>true</isDefault>${info}</serviceProfile>`,
    );
    const [profile] = await world.rows('getServiceProfile', '<name>P2</name>');
    assert.ok(profile);
    assert.deepEqual(all(profile, 'serviceProfileInfos', 'serviceProfileInfo', 'primary'), ['CTI 1']);
    assert.deepEqual(await list('listServiceProfile', '<name>%</name>', 'name', 'isDefault'), [
      'P2 | true',
      'Standard Service Profile | false',
    ]);
    assert.equal(
      (
        await world.fault(
          'addServiceProfile',
          `<serviceProfile><name>P3</name>${info.replace('CTI 1', 'None')}</serviceProfile>`,
        )
      ).code,
      5007,
    );
  });

  it('redundancy groups, and which node serves whom', async () => {
    assert.deepEqual(
      await list(
        'listPresenceRedundancyGroup',
        '<name>%</name>',
        'name',
        'server1',
        'server2',
        'haEnabled',
        'numUsers',
      ),
      ['DefaultCUPSubcluster | imp1 | imp2 | false | 0'],
    );
    assert.deepEqual(await list('listAssignedPresenceServers', '<name>%</name>', 'name'), ['imp1', 'imp2']);
    assert.deepEqual(await list('listUnassignedPresenceServers', '<name>%</name>', 'name'), ['imp3']);
    await world.axl(
      'addPresenceRedundancyGroup',
      '<presenceRedundancyGroup><name>G2</name><server1>imp3</server1></presenceRedundancyGroup>',
    );
    const waiting = await list('listUnassignedPresenceUsers', '<userid>%</userid>', 'userid');
    assert.equal(waiting.length, 19, 'mallory is not enabled');
    await world.axl('assignPresenceUser', '<userid>bob</userid><server>imp3</server>');
    assert.deepEqual(
      await list(
        'listAssignedPresenceUsers',
        '<userid>%</userid><presenceRedundancyGroup>G2</presenceRedundancyGroup>',
        'userid',
        'server',
        'presenceRedundancyGroup',
      ),
      ['bob | imp3 | G2'],
    );
    assert.equal((await world.fault('assignPresenceUser', '<userid>mallory</userid><server>imp3</server>')).code, 5003);
    assert.equal((await world.fault('assignPresenceUser', '<userid>bob</userid><server>cucm1</server>')).code, 5007);
    await world.axl('unassignPresenceUser', '<userid>bob</userid>');
    assert.deepEqual(await list('listAssignedPresenceUsers', '<userid>%</userid>', 'userid'), []);
  });

  it('licences and the directory', async () => {
    assert.deepEqual(await list('listLicensedUser', '<userId>carol</userId>', 'userId', 'deviceCount', 'licenseType'), [
      'carol | 2 | Enhanced',
    ]);
    await world.axl(
      'updateLdapAuthentication',
      '<authenticateEndUsers>true</authenticateEndUsers><ldapPassword>s3cret</ldapPassword><userSearchBase>dc=acme</userSearchBase><servers><server><hostName>ldap1</hostName><ldapPortNumber>636</ldapPortNumber><sslEnabled>true</sslEnabled></server></servers>',
    );
    const [ldap] = await world.rows('getLdapAuthentication', '');
    assert.ok(ldap);
    assert.deepEqual(
      elements(ldap).map((tag) => tag.local),
      ['authenticateEndUsers', 'distinguishedName', 'ldapPassword', 'userSearchBase', 'servers'],
    );
    assert.deepEqual(
      [child(ldap, 'authenticateEndUsers'), child(ldap, 'ldapPassword'), child(ldap, 'servers', 'server', 'hostName')],
      ['true', '', 'ldap1'],
    );
  });
});
