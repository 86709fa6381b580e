import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../../support/imp-process.ts';
import { missing, runProgram } from '../../support/programs.ts';
import { openUserAgent } from './user-agent.ts';
import { openProxyWorld, PASSWORD, type ProxyWorld } from './world.ts';

const noSipsak = missing('sipsak', 'sh', '-c', 'command -v sipsak');
const noSipp = missing('sipp', 'sh', '-c', 'command -v sipp');
const REGISTER = fileURLToPath(new URL('clients/register.xml', import.meta.url));

/** sipsak writes four digits of a port and no more. */
async function openWithShortPort(): Promise<ProxyWorld> {
  for (let port = 9_900; port > 9_000; port -= 7) {
    const isFree = await new Promise<boolean>((resolve) => {
      const probe = createServer();
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (isFree) return await openProxyWorld({ needs: { listeners: { host: '127.0.0.1', port, tlsPort: 0 } } });
  }
  throw new Error('no port of four digits is free');
}

describe('sipsak', { skip: noSipsak }, () => {
  it('asks for OPTIONS, registers with digest, and is refused with a wrong password', async () => {
    await using world = await openWithShortPort();
    const uri = (user: string): string => `sip:${user}127.0.0.1:${world.hop().port}`;
    const options = await runProgram('sipsak', ['-vv', '-s', uri('')]);
    assert.equal(options.code, 0, options.out + options.err);
    const register = (password: string) =>
      runProgram('sipsak', [
        ...['-U', '-i', '-vv', '-x', '600', '-C', 'sip:alice@127.0.0.1:9', '-u', 'alice', '-a', password],
        ...['-s', uri('alice@')],
      ]);
    const wrong = await register('wrong');
    assert.match(wrong.out + wrong.err, /SIP\/2\.0 403/);
    assert.equal(await world.registrations.size(), 0);
    const right = await register(PASSWORD);
    assert.equal(right.code, 0, right.out + right.err);
    const [binding] = await world.registrations.bindingsOf('alice@acme.example');
    assert.equal(binding?.contact, 'sip:alice@127.0.0.1:9');
  });
});

describe('sipp', { skip: noSipp }, () => {
  for (const [name, mode] of [
    ['UDP', 'u1'],
    ['TCP', 't1'],
  ] as const) {
    it(`registers a hundred times with digest over ${name}`, async () => {
      await using world = await openProxyWorld();
      await using folder = await temporaryFolder();
      const users = join(folder.path, 'users.csv');
      await writeFile(
        users,
        `SEQUENTIAL\n${['alice', 'bob', 'carol'].map((user) => `${user};[authentication username=${user} password=${PASSWORD}]`).join('\n')}\n`,
      );
      const run = await runProgram(
        'sipp',
        [
          ...[`127.0.0.1:${world.hop().port}`, '-sf', REGISTER, '-inf', users, '-m', '100', '-r', '200'],
          ...['-t', mode, '-i', '127.0.0.1', '-nostdin', '-timeout', '20', '-timeout_error'],
        ],
        { cwd: folder.path, env: { TERM: 'xterm' } },
      );
      assert.equal(run.code, 0, `${run.out.slice(-2_000)}${run.err}`);
      assert.equal(await world.registrations.size(), 3);
      assert.equal(await world.counter('SIPClientRegistered'), 100);
    });
  }

  it('calls through the proxy, and hangs up', async () => {
    await using world = await openProxyWorld({ dynamic: { incomingAcl: [{ pattern: 'all', isGenerated: false }] } });
    await using folder = await temporaryFolder();
    await using bob = await openUserAgent(world, 'bob');
    const port = 20_000 + (process.pid % 20_000);
    await bob.register([['Contact', `<sip:bob@127.0.0.1:${port}>`]]);
    const common = ['-i', '127.0.0.1', '-nostdin', '-m', '20', '-timeout', '20'];
    const env = { TERM: 'xterm' };
    const callee = runProgram('sipp', ['-sn', 'uas', '-p', String(port), ...common], { cwd: folder.path, env });
    const caller = await runProgram(
      'sipp',
      [`127.0.0.1:${world.hop().port}`, '-sn', 'uac', '-s', 'bob', '-r', '50', '-d', '10', ...common],
      { cwd: folder.path, env },
    );
    assert.equal(caller.code, 0, `${caller.out.slice(-2_000)}${caller.err}`);
    assert.equal((await callee).code, 0);
  });
});
