import assert from 'node:assert/strict';
import { it } from 'node:test';
import { admin, runImp, startImp, temporaryFolder } from '../../support/imp-process.ts';
import { openClient } from './csta-client.ts';

interface ServiceRow {
  readonly name: string;
  readonly state: string;
  readonly reasonCode: string;
  readonly detail: string;
}

it('is off on a new node, and drives a phone of the fixture once somebody activates it', async () => {
  await using folder = await temporaryFolder();
  await using imp = await startImp({ data: folder.path });
  const row = async (): Promise<ServiceRow | undefined> =>
    ((await admin(imp, 'GET', 'service/list')) as ServiceRow[]).find(({ name }) => name === 'rcc-device-selection');
  const off = await row();
  assert.deepEqual([off?.state, off?.reasonCode], ['Stopped', 'Service Not Activated']);
  const refused = await runImp(['rcc', 'list', 'carol', '--data', folder.path]);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /Cisco RCC Device Selection is not running/);

  await admin(imp, 'POST', 'service/activate', { name: 'rcc-device-selection' });
  const on = await row();
  assert.equal(on?.state, 'Started');
  const listed = await runImp(['rcc', 'list', 'carol', '--data', folder.path]);
  assert.equal(listed.code, 0, listed.err);
  assert.match(listed.out, /CSFCAROL +soft +1003/);
  assert.match(listed.out, /drives SEP001E7A0003EB \(hard-phone\)/);
  const chosen = await runImp(['rcc', 'select', 'carol', '--device', 'CSFCAROL', '--json', '--data', folder.path]);
  assert.equal((JSON.parse(chosen.out) as { next: { device: string } }).next.device, 'CSFCAROL');

  const port = Number(/on port (\d+)/.exec(on.detail)?.[1]);
  await using carol = await openClient({ port }, 'carol', 'tel:1003;phone-context=dialstring');
  assert.equal((await carol.signIn()).status, 200);
  await carol.monitor();
  await carol.call('1001');
  assert.equal((await carol.next()).name, 'OriginatedEvent');
  assert.equal((await carol.bye()).status, 200);
});
