import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../../src/platform/clock.ts';
import { createDigestClient } from '../../../src/sip/digest/client.ts';
import type { Hop } from '../../../src/sip/transport/flow.ts';
import { newRequest, openEndpoint } from '../../sip/sip-world.ts';
import { startImp, temporaryFolder } from '../../support/imp-process.ts';
import { runProgram } from '../../support/programs.ts';

const LAUNCHER = fileURLToPath(new URL('../../../bin/imp.js', import.meta.url));

describe('SIP of a node', () => {
  it('has its fixture and generated users, and takes a password that an administrator sets', async () => {
    await using folder = await temporaryFolder();
    const data = join(folder.path, 'data');
    const endpointsFile = join(folder.path, 'endpoints.json');
    await using imp = await startImp({ data, flags: ['--mock-cucm', '--users', '3', '--endpoints', endpointsFile] });
    const { sip, ca } = JSON.parse(await readFile(endpointsFile, 'utf8')) as {
      ca: string;
      sip: { host: string; udp: number; tcp: number; tls: number };
    };
    assert.equal(sip.udp, sip.tcp);
    await using phone = await openEndpoint(
      { tls: { key: '', cert: '', ca: await readFile(ca, 'utf8'), clientCertificates: 'none' }, tlsPort: null },
      { clock: systemClock },
    );
    const hop = (transport: Hop['transport']): Hop => ({
      transport,
      address: sip.host,
      port: transport === 'UDP' ? sip.udp : transport === 'TCP' ? sip.tcp : sip.tls,
      ...(transport === 'TLS' && { serverName: 'localhost' }),
    });
    const register = async (transport: Hop['transport'], password: string, username = 'bob'): Promise<number> => {
      const digest = createDigestClient({ username, passwordFor: () => password });
      const request = newRequest('REGISTER', [['Contact', '<sip:me@127.0.0.1:9>']]);
      request.headers.set('To', `<sip:${username}@acme.example>`);
      const first = { ...request, uri: 'sip:acme.example' };
      const asked = await phone.sip.send(first, { hop: hop(transport) });
      assert.equal(asked.status, 401);
      const signed = digest.answer(first, asked) ?? assert.fail('it can be answered');
      return (await phone.sip.send(signed, { hop: hop(transport) })).status;
    };
    for (const transport of ['UDP', 'TCP', 'TLS'] as const) {
      assert.equal(await register(transport, 'Imp-demo-1'), 200, transport);
    }
    // Generated users have the fixture's password, and only those that there are.
    assert.equal(await register('UDP', 'Imp-demo-1', 'user000002'), 200);
    assert.equal(await register('UDP', 'imp-demo-1', 'user000002'), 403);
    assert.equal(await register('UDP', 'Imp-demo-1', 'user000004'), 403);
    const set = (user: string, input: string) =>
      runProgram(process.execPath, [LAUNCHER, '--data', data, 'user', 'sip-credential', user], { input });
    assert.deepEqual(await set('BOB', 'another one\n'), {
      ...{ code: 0, err: '' },
      out: 'bob signs in over SIP with the new password\n',
    });
    assert.equal((await set('nobody', 'x')).code, 1);
    assert.equal((await set('bob', '')).code, 2);
    assert.equal((await set('user000001', 'own\n')).code, 0);
    assert.equal(await register('UDP', 'own', 'user000001'), 200);
    assert.equal(await register('UDP', 'Imp-demo-1', 'user000001'), 403);
    assert.equal(await register('UDP', 'another one'), 200);
    assert.equal(await register('UDP', 'Imp-demo-1'), 403);
    assert.doesNotMatch(imp.log(), /another one/);
  });
});
