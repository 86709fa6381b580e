import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../../support/imp-process.ts';
import { missing, runProgram } from '../../support/programs.ts';
import { openRccWorld } from './rcc-world.ts';

const SCENARIO = fileURLToPath(new URL('clients/rcc.xml', import.meta.url));

describe('sipp', { skip: missing('sipp', 'sh', '-c', 'command -v sipp') }, () => {
  for (const [name, mode] of [
    ['UDP', 'u1'],
    ['TCP', 't1'],
  ] as const) {
    it(`signs in, makes and clears a call, and signs out, ten times over ${name}`, async () => {
      await using world = await openRccWorld();
      await using folder = await temporaryFolder();
      const run = await runProgram(
        'sipp',
        [
          ...[`127.0.0.1:${world.port}`, '-sf', SCENARIO, '-m', '10', '-l', '1', '-r', '20', '-t', mode],
          ...['-i', '127.0.0.1', '-nostdin', '-timeout', '20', '-timeout_error'],
        ],
        { cwd: folder.path, env: { TERM: 'xterm' } },
      );
      assert.equal(run.code, 0, `${run.out.slice(-3_000)}${run.err}`);
      assert.equal(await world.metric('CTIGWSignIns{outcome="ok"'), '10');
      assert.equal(await world.metric('CTIGWCstaEvents{event="cleared"'), '10');
      assert.equal(await world.metric('CTIGWActiveSessions'), '0');
    });
  }
});
