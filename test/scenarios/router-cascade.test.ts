import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { admin, type ImpProcess, startImp, temporaryFolder } from '../support/imp-process.ts';

interface ServiceView {
  readonly name: string;
  readonly isXcp: boolean;
  readonly state: string;
  readonly reasonCode: string;
  readonly reason: string;
  readonly isActivated: boolean;
  readonly startedAt: string | null;
}

const ROUTER = 'xcp-router';

/** The product's own sentences about the XCP Router. */
describe('Cisco XCP Router', () => {
  let imp: ImpProcess;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let endpointsFile: string;
  before(async () => {
    folder = await temporaryFolder();
    endpointsFile = join(folder.path, 'endpoints.json');
    imp = await startImp({ data: join(folder.path, 'data'), flags: ['--mock-cucm', '--endpoints', endpointsFile] });
  });
  after(async () => {
    await imp[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const services = async (): Promise<ServiceView[]> => (await admin(imp, 'GET', 'service/list')) as ServiceView[];
  const others = async (): Promise<ServiceView[]> =>
    (await services()).filter(({ isXcp, isActivated, name }) => isXcp && isActivated && name !== ROUTER);
  const told = async (word: string, name: string): Promise<ServiceView> =>
    (await admin(imp, 'POST', `service/${word}`, { name })) as ServiceView;
  const startTimes = async (): Promise<ReadonlyMap<string, string | null>> =>
    new Map((await others()).map(({ name, startedAt }) => [name, startedAt]));

  it('after IM and Presence Service installation, the system turns on Cisco XCP Router by default', async () => {
    const router = (await services()).find(({ name }) => name === ROUTER);
    assert.equal(router?.state, 'Started');
    assert.ok((await others()).length >= 2);
    for (const each of await others()) assert.equal(each.state, 'Started', each.name);
    const { xmpp } = JSON.parse(await readFile(endpointsFile, 'utf8')) as { xmpp?: { port: number } };
    assert.ok(xmpp !== undefined && xmpp.port > 0);
  });

  it('if you restart the Cisco XCP Router, IM and Presence Service automatically restarts all active XCP services', async () => {
    await told('stop', 'xcp-connection-manager');
    const before = await startTimes();
    assert.equal((await told('restart', ROUTER)).state, 'Started');
    for (const { name, state, startedAt } of await others()) {
      if (name === 'xcp-connection-manager') {
        assert.equal(state, 'Stopped', 'one that was stopped by hand is not active');
        continue;
      }
      assert.equal(state, 'Started', name);
      assert.notEqual(startedAt, before.get(name), `${name} was restarted`);
    }
    assert.equal((await told('start', 'xcp-connection-manager')).state, 'Started');
  });

  it('if you turn off the Cisco XCP Router, IM and Presence Service stops all other XCP services', async () => {
    assert.equal((await told('stop', ROUTER)).state, 'Stopped');
    for (const each of await others()) {
      assert.equal(each.state, 'Stopped', each.name);
      assert.equal(each.reasonCode, 'Commanded Out of Service');
      assert.equal(each.reason, 'XCP Router stopped');
    }
    const untouched = (await services()).filter(({ isXcp, isActivated }) => !isXcp && isActivated);
    for (const { name, state } of untouched) assert.equal(state, 'Started', name);
  });

  it('when you turn on the XCP router, IM and Presence Service does not automatically turn on the other XCP services; you need to manually turn on the other XCP services', async () => {
    assert.equal((await told('start', ROUTER)).state, 'Started');
    for (const { name, state } of await others()) assert.equal(state, 'Stopped', name);
    assert.equal((await told('start', 'xcp-authentication-service')).state, 'Started');
    assert.equal((await told('start', 'xcp-connection-manager')).state, 'Started');
  });
});
