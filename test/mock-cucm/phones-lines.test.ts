import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { attribute, element, elements, type XmlElement } from '../../src/xml/element.ts';
import { all, child, type MockWorld, startMock } from './mock-world.ts';

/** The smallest phone of the vendor's sample, with nil where the schema wants a tag and has no value. */
const phone = (name: string, more = ''): string =>
  `<phone><name>${name}</name><product>Cisco Unified Client Services Framework</product><model>x</model><class>Phone</class>
   <protocol>SIP</protocol><protocolSide>User</protocolSide><devicePoolName>Default</devicePoolName>
   <commonPhoneConfigName>Standard Common Phone Profile</commonPhoneConfigName><locationName>Hub_None</locationName>
   <useTrustedRelayPoint>Default</useTrustedRelayPoint>${more}
   <phoneTemplateName xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/><primaryPhoneName/>
   <builtInBridgeStatus>Default</builtInBridgeStatus><packetCaptureMode>None</packetCaptureMode>
   <certificateOperation>No Pending Operation</certificateOperation><deviceMobilityMode>Default</deviceMobilityMode></phone>`;
const line = (index: number, pattern: string, more = ''): string =>
  `<line><index>${index}</index><label>L${index}</label><dirn><pattern>${pattern}</pattern><routePartitionName/></dirn>${more}</line>`;

describe('phones and lines', () => {
  let world: MockWorld;
  before(async () => {
    world = await startMock();
  });
  after(() => world[Symbol.asyncDispose]());
  const get = async (name: string): Promise<XmlElement> => {
    const [found] = await world.rows('getPhone', `<name>${name}</name>`);
    assert.ok(found);
    return found;
  };
  const patterns = async (name: string): Promise<string[]> => all(await get(name), 'lines', 'line', 'dirn', 'pattern');

  it('a phone is added with what it needs; its lines are created', async () => {
    const enduser = '<associatedEndusers><enduser><userId>bob</userId></enduser></associatedEndusers>';
    const lines = `<lines>${line(1, '5001', `<maxNumCalls>4</maxNumCalls><callInfoDisplay><callerNumber>true</callerNumber></callInfoDisplay>${enduser}`)}${line(2, '5002')}</lines>`;
    await world.axl('addPhone', phone('CSFNEW', lines));
    const made = await get('csfnew');
    assert.equal(child(made, 'model'), 'Cisco Unified Client Services Framework');
    assert.equal(child(made, 'dndOption'), 'Ringer Off');
    assert.match(attribute(element(made, 'devicePoolName') as XmlElement, 'uuid') ?? '', /^\{/);
    const first = elements(element(made, 'lines') as XmlElement)[0] as XmlElement;
    assert.deepEqual(
      [
        child(first, 'index'),
        child(first, 'label'),
        child(first, 'maxNumCalls'),
        child(first, 'busyTrigger'),
        child(first, 'callInfoDisplay', 'callerNumber'),
      ],
      ['1', 'L1', '4', '1', 'true'],
    );
    assert.deepEqual(all(first, 'associatedEndusers', 'enduser', 'userId'), ['bob']);
    const [created] = await world.rows('getLine', '<pattern>5002</pattern>');
    assert.ok(created);
    assert.deepEqual([child(created, 'usage'), child(created, 'routePartitionName')], ['Device', '']);
    assert.deepEqual(all(created, 'associatedDevices', 'device'), ['CSFNEW']);
    const [presence] = await world.rows(
      'getUser',
      '<userid>bob</userid><returnedTags><lineAppearanceAssociationForPresences/></returnedTags>',
    );
    assert.ok(
      presence &&
        all(
          presence,
          'lineAppearanceAssociationForPresences',
          'lineAppearanceAssociationForPresence',
          'laapDirectory',
        ).includes('5001'),
    );
  });

  it('its lines are replaced, added to and taken from', async () => {
    await world.axl('addPhone', phone('CSFLINES', `<lines>${line(1, '5101')}${line(2, '5102')}</lines>`));
    await world.axl('updatePhone', `<name>CSFLINES</name><addLines>${line(3, '5103')}</addLines>`);
    assert.deepEqual(await patterns('CSFLINES'), ['5101', '5102', '5103']);
    await world.axl('updatePhone', `<name>CSFLINES</name><removeLines>${line(2, '5102')}</removeLines>`);
    assert.deepEqual(await patterns('CSFLINES'), ['5101', '5103']);
    await world.axl(
      'updatePhone',
      '<name>CSFLINES</name><lines><lineIdentifier><directoryNumber>5109</directoryNumber><routePartitionName/></lineIdentifier></lines>',
    );
    assert.deepEqual(await patterns('CSFLINES'), ['5109']);
    await world.axl('updatePhone', '<name>CSFLINES</name><newName>CSFOTHER</newName><description/><lines/>');
    assert.deepEqual(await patterns('CSFOTHER'), []);
    assert.equal((await world.fault('getPhone', '<name>CSFLINES</name>')).code, 5007);
  });

  it('an add that fails leaves nothing behind', async () => {
    const bad = phone('CSFBAD', `<lines>${line(1, '5201')}</lines><ownerUserName>nobody</ownerUserName>`);
    assert.equal((await world.fault('addPhone', bad)).code, 5007);
    assert.equal((await world.fault('getLine', '<pattern>5201</pattern>')).code, 5007);
    assert.equal(
      (await world.fault('addPhone', phone('CSFBAD').replace('Default</devicePoolName>', '</devicePoolName>'))).code,
      5003,
    );
    assert.equal((await world.fault('addPhone', phone('C SF'))).code, 5003);
    assert.equal((await world.fault('addPhone', phone('CSFCAROL'))).code, -239);
  });

  it('refers by name in any case, or by uuid', async () => {
    const alice = attribute((await world.rows('getUser', '<userid>alice</userid>'))[0] as XmlElement, 'uuid') ?? '';
    await world.axl(
      'addPhone',
      phone('CSFOWN', `<ownerUserName uuid="${alice}">somebody else</ownerUserName>`).replace(
        '>Hub_None<',
        '>hub_none<',
      ),
    );
    const made = await get('CSFOWN');
    assert.equal(child(made, 'ownerUserName'), 'alice');
    assert.equal(child(made, 'locationName'), 'Hub_None');
    await world.axl('updatePhone', '<name>CSFOWN</name><ownerUserName/>');
    const { body } = await world.ask('getPhone', '<name>CSFOWN</name><returnedTags><ownerUserName/></returnedTags>');
    assert.match(body, /<ownerUserName\/>/);
    await world.axl('updatePhone', '<name>CSFOWN</name><ownerUserName>ALICE</ownerUserName>');
    await world.axl('removeUser', '<userid>alice</userid>');
    assert.equal(child(await get('CSFOWN'), 'ownerUserName'), '', 'the phone stays, its owner does not');
  });

  it('lists phones and lines by their own criteria', async () => {
    const list = async (operation: string, criteria: string, tag: string): Promise<string[]> =>
      (
        await world.rows(
          operation,
          `<searchCriteria>${criteria}</searchCriteria><returnedTags><${tag}/></returnedTags>`,
        )
      ).map((row) => child(row, tag));
    assert.deepEqual(
      await list(
        'listPhone',
        '<name>CSFC%</name><protocol>SIP</protocol><devicePoolName>def%</devicePoolName>',
        'name',
      ),
      ['CSFCAROL'],
    );
    assert.deepEqual(
      await list('listLine', '<pattern>100_</pattern><usage>Device</usage>', 'pattern'),
      Array.from({ length: 9 }, (_, index) => String(1001 + index)),
    );
    assert.deepEqual(await list('listLine', '<description>carol%</description>', 'pattern'), ['1003']);
  });

  it('a line in a partition is another line', async () => {
    await world.axl(
      'addRoutePartition',
      '<routePartition><name>Internal</name><description>inside</description></routePartition>',
    );
    const add =
      '<line><pattern>1001</pattern><usage>Device</usage><routePartitionName>internal</routePartitionName><callForwardAll><destination>2000</destination></callForwardAll></line>';
    await world.axl('addLine', add);
    assert.equal((await world.fault('addLine', add)).code, -239);
    const [inside] = await world.rows(
      'getLine',
      '<pattern>1001</pattern><routePartitionName>Internal</routePartitionName>',
    );
    const [outside] = await world.rows('getLine', '<pattern>1001</pattern>');
    assert.ok(inside && outside);
    assert.notEqual(attribute(inside, 'uuid'), attribute(outside, 'uuid'));
    assert.equal(child(inside, 'callForwardAll', 'destination'), '2000');
    await world.axl(
      'updateLine',
      '<pattern>1001</pattern><routePartitionName>Internal</routePartitionName><newPattern>1999</newPattern><callForwardAll><forwardToVoiceMail>t</forwardToVoiceMail></callForwardAll>',
    );
    const [moved] = await world.rows(
      'getLine',
      '<pattern>1999</pattern><routePartitionName>Internal</routePartitionName>',
    );
    assert.ok(moved);
    assert.deepEqual(
      [child(moved, 'callForwardAll', 'destination'), child(moved, 'callForwardAll', 'forwardToVoiceMail')],
      ['2000', 'true'],
    );
    await world.axl('removeLine', '<pattern>1999</pattern><routePartitionName>Internal</routePartitionName>');
    assert.equal((await world.rows('getLine', '<pattern>1001</pattern>')).length, 1);
  });

  it('do not disturb is set for all phones of a user', async () => {
    const dnd = async (name: string): Promise<string> => child(await get(name), 'dndStatus');
    assert.equal(
      child(await world.axl('doChangeDNDStatus', '<userID>carol</userID><dndStatus>True</dndStatus>'), 'return'),
      'true',
    );
    assert.deepEqual(
      [await dnd('CSFCAROL'), await dnd('SEP001E7A0003EB'), await dnd('SEP001E7A0003EA')],
      ['true', 'true', 'false'],
    );
    await world.axl(
      'updatePhone',
      '<name>CSFCAROL</name><dndStatus>false</dndStatus><dndOption>call reject</dndOption>',
    );
    assert.deepEqual([await dnd('CSFCAROL'), child(await get('CSFCAROL'), 'dndOption')], ['false', 'Call Reject']);
    assert.equal(
      (await world.fault('doChangeDNDStatus', '<userID>nobody</userID><dndStatus>true</dndStatus>')).code,
      5007,
    );
  });
});
