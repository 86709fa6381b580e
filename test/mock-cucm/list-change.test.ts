import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createChangeQueue } from '../../src/mock-cucm/change-queue.ts';
import { attribute, element, elements, textOf, type XmlElement } from '../../src/xml/element.ts';
import { child, type MockWorld, startMock } from './mock-world.ts';

interface Place {
  readonly queueId: string;
  readonly next: number;
  readonly first: number;
  readonly last: number;
  readonly changes: readonly string[];
}

/** One line for each change: type, action, doGet, tags. */
function readPlace(response: XmlElement): Place {
  const list = element(response, 'changes');
  return {
    queueId: child(response, 'queueInfo', 'queueId'),
    next: Number(child(response, 'queueInfo', 'nextStartChangeId')),
    first: Number(child(response, 'queueInfo', 'firstChangeId')),
    last: Number(child(response, 'queueInfo', 'lastChangeId')),
    changes: (list ? elements(list, 'change') : []).map((change) => {
      const tags = element(change, 'changedTags');
      const told = (tags ? elements(tags) : []).map((tag) => `${attribute(tag, 'name')}=${textOf(tag)}`);
      return [
        attribute(change, 'type'),
        child(change, 'action'),
        child(change, 'doGet') === 'true' ? 'get' : '',
        ...told,
      ]
        .filter((part) => part !== '')
        .join(' ');
    }),
  };
}

const start = async (world: MockWorld): Promise<Place> => readPlace(await world.axl('listChange', ''));
const since = async (world: MockWorld, place: Place, filter = ''): Promise<Place> =>
  readPlace(
    await world.axl('listChange', `<startChangeId queueId="${place.queueId}">${place.next}</startChangeId>${filter}`),
  );

describe('listChange', () => {
  it('tells nothing at first, then every change once', async () => {
    await using world = await startMock();
    const begin = await start(world);
    assert.match(begin.queueId, /^[A-Za-z0-9]{8}$/);
    assert.deepEqual([begin.first, begin.last, begin.next, begin.changes.length], [0, 0, 1, 0]);
    const { body } = await world.ask('listChange', '');
    assert.ok(!body.includes('<return'), 'this reply has no return');
    await world.axl(
      'updateUser',
      '<userid>alice</userid><telephoneNumber>4242</telephoneNumber><imAndPresenceEnable>false</imAndPresenceEnable><serviceProfile/>',
    );
    await world.axl(
      'addUser',
      '<user><lastName>N</lastName><userid>new</userid><presenceGroupName>Standard Presence group</presenceGroupName></user>',
    );
    await world.axl('removeUser', '<userid>new</userid>');
    await world.axl('doChangeDNDStatus', '<userID>bob</userID><dndStatus>true</dndStatus>');
    await world.axl('updateUser', '<userid>dave</userid><associatedDevices/><primaryExtension/>');
    const told = await since(world, begin);
    assert.deepEqual(told.changes, [
      'User u imAndPresenceEnable=false serviceProfile= telephoneNumber=4242',
      'User a get',
      'User r',
      'Phone u dndStatus=true',
      'User u get',
    ]);
    assert.deepEqual([told.first, told.last, told.next], [1, 5, 6]);
    assert.deepEqual((await since(world, told)).changes, []);
    assert.deepEqual((await start(world)).changes, [], 'a call without a place never tells changes');
  });

  it('tells what phones, lines, groups, parameters and assignments do, and filters by type', async () => {
    await using world = await startMock();
    const begin = await start(world);
    await world.axl(
      'updatePhone',
      '<name>SEP001E7A0003E9</name><description>desk</description><lines><line><index>1</index><dirn><pattern>1888</pattern></dirn></line></lines>',
    );
    await world.axl('updateLine', '<pattern>1002</pattern><alertingName>Bob!</alertingName>');
    await world.axl('updateUserGroup', '<name>Admin-3rd Party API</name><members/>');
    await world.axl(
      'updateServiceParameter',
      '<processNodeName>EnterpriseWideData</processNodeName><name>ClusterID</name><service>Enterprise Wide</service><value>C2</value>',
    );
    await world.axl('assignPresenceUser', '<userid>bob</userid><server>imp1</server>');
    const told = (await since(world, begin)).changes;
    for (const expected of [
      'Phone u get',
      'Line a get',
      'Line u alertingName=Bob!',
      'AppUser u get',
      'ServiceParameter u value=C2',
      'AssignedPresenceUsers u get',
    ]) {
      assert.ok(told.includes(expected), `${expected} in ${told.join('; ')}`);
    }
    const lines = await since(world, begin, '<objectList><object>Line</object></objectList>');
    assert.deepEqual(lines.changes, ['Line a get', 'Line u alertingName=Bob!']);
    assert.equal(lines.next, lines.last + 1, 'the place moves past what was filtered');
  });

  it('one record for each object that a removal touches, none for a change that changes nothing or fails', async () => {
    await using world = await startMock();
    const begin = await start(world);
    await world.axl('updateUser', '<userid>alice</userid><title>Engineer</title>');
    await world.fault(
      'updateUser',
      '<userid>alice</userid><title>X</title><presenceGroupName>None</presenceGroupName>',
    );
    assert.deepEqual((await since(world, begin)).changes, []);
    await world.axl('removeServiceProfile', '<name>Standard Service Profile</name>');
    const told = (await since(world, begin)).changes;
    assert.equal(told.filter((change) => change === 'User u serviceProfile=').length, 20);
    assert.equal(told.filter((change) => change === 'ServiceProfile r').length, 1);
  });

  it('SQL shows like anything else', async () => {
    await using world = await startMock();
    const begin = await start(world);
    await world.axl(
      'executeSQLUpdate',
      '<sql>update enduser set department = "Öl" where userid in ("alice", "bob")</sql>',
    );
    await world.axl(
      'executeSQLUpdate',
      "<sql>insert into dnddynamic (fkdevice, dndstatus) select pkid, 't' from device where name = 'CSFCAROL'</sql>",
    );
    await world.axl('executeSQLUpdate', "<sql>delete from enduser where userid = 'zoe'</sql>");
    const told = (await since(world, begin)).changes;
    assert.deepEqual(
      told.filter((change) => !change.startsWith('Phone u ownerUserName')),
      ['User u department=Öl', 'User u department=Öl', 'Phone u dndStatus=true', 'User r'],
    );
  });

  it('loses places by a restart and by a reset, and says so', async () => {
    await using world = await startMock();
    const begin = await start(world);
    const lost = async (): Promise<void> => {
      const fault = await world.fault('listChange', `<startChangeId queueId="${begin.queueId}">1</startChangeId>`);
      assert.deepEqual([fault.code, fault.faultcode], [5007, 'soapenv:Server']);
      assert.match(fault.message, /^The queueId value does not match the server\./);
    };
    await world.setFaults({ 'queue-reset': 'now' });
    await lost();
    await world.restart();
    await lost();
    assert.equal((await world.fault('listChange', '<startChangeId>1</startChangeId>')).code, 5003);
    const now = await start(world);
    const beyond = await since(world, { ...now, next: 50 });
    assert.deepEqual([beyond.changes, beyond.next], [[], 50]);
  });

  it('is answered in pieces when there is much', async () => {
    await using world = await startMock({ users: 10_500 });
    const begin = await start(world);
    await world.axl('executeSQLUpdate', "<sql>update enduser set title = 'T' where userid like 'user%'</sql>");
    const first = await since(world, begin);
    assert.equal(first.changes.length, 10_000);
    assert.ok(first.last >= first.next);
    const second = await since(world, first);
    assert.equal(first.changes.length + second.changes.length, 10_500);
    assert.equal(second.next, second.last + 1);
  });

  it('needs the service parameter', async () => {
    await using world = await startMock();
    const key =
      '<processNodeName>EnterpriseWideData</processNodeName><name>AXLChangeNotification</name><service>Cisco Database Layer Monitor</service>';
    await world.axl('updateServiceParameter', `${key}<value>F</value>`);
    assert.equal((await world.fault('listChange', '')).code, 5003);
  });
});

describe('the change queue', () => {
  const change = (pkid: string) => ({ type: 'User', pkid, action: 'u', doGet: true, tags: [] }) as const;

  it('drops the oldest beyond its capacity', () => {
    const queue = createChangeQueue(3);
    queue.append(['a', 'b', 'c', 'd', 'e'].map(change));
    assert.deepEqual([queue.firstId, queue.lastId], [3, 5]);
    assert.deepEqual(
      [...queue.from(1)].map((each) => each.pkid),
      ['c', 'd', 'e'],
    );
    assert.deepEqual(
      [...queue.from(5)].map((each) => each.id),
      [5],
    );
    const before = queue.queueId;
    queue.reset();
    assert.notEqual(queue.queueId, before);
    assert.deepEqual([queue.firstId, queue.lastId, [...queue.from(0)]], [0, 0, []]);
  });
});
