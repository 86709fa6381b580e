import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type MockWorld, startMock } from './mock-world.ts';

const run = promisify(execFile);
const SCHEMA = join(dirname(createRequire(import.meta.url).resolve('cisco-axl')), 'schema');
const client = (name: string): string => fileURLToPath(new URL(`./clients/${name}`, import.meta.url));
const PYTHON = '/usr/bin/python3';
const works = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;
const hasZeep = works(PYTHON, '-c', 'import zeep');
const hasPhp = works('php', '-r', 'exit(class_exists("SoapClient") ? 0 : 1);');
const FAULT = 'Item not valid: The specified User was not found';
/** Generating code from the vendor's schema takes these clients many seconds. */
const TIMEOUT_MS = 300_000;

describe('clients as their users run them', () => {
  let world: MockWorld;
  let folder: string;
  let ca: string;
  before(async () => {
    world = await startMock();
    folder = await mkdtemp(join(tmpdir(), 'imp-clients-'));
    ca = join(folder, 'ca.pem');
    await writeFile(ca, world.ca);
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  const seenBy = async (
    command: string,
    args: readonly string[],
    env: Record<string, string> = {},
  ): Promise<Record<string, unknown>> => {
    const { stdout } = await run(command, args, {
      env: { PATH: process.env.PATH ?? '', ...env },
      maxBuffer: 64 * 1024 * 1024,
      timeout: TIMEOUT_MS,
    });
    return JSON.parse(stdout) as Record<string, unknown>;
  };

  for (const version of ['12.5', '14.0']) {
    it(`the npm client cisco-axl, schema ${version}`, { timeout: TIMEOUT_MS }, async () => {
      const seen = await seenBy(process.execPath, [client('cisco-axl-client.cjs'), String(world.mock.port), version], {
        NODE_EXTRA_CA_CERTS: ca,
      });
      assert.deepEqual(seen.users, [['carol', '1003']]);
      assert.match(String(seen.added), /^\{[0-9A-F-]{36}\}$/);
      assert.deepEqual(seen.sql, [{ name: 'CSFCAROL', tkclass: '1' }]);
      assert.deepEqual(seen.devices, ['CSFCAROL', 'SEP001E7A0003EB']);
      assert.equal(seen.fault, FAULT);
    });
  }

  it('Python zeep with the vendor’s WSDL', {
    skip: hasZeep ? false : 'python3-zeep is not installed',
    timeout: TIMEOUT_MS,
  }, async () => {
    const seen = await seenBy(PYTHON, [
      client('zeep-client.py'),
      join(SCHEMA, '14.0', 'AXLAPI.wsdl'),
      `${world.base}/axl/`,
      ca,
    ]);
    assert.equal(seen.users, 20);
    assert.deepEqual((seen.zoe as unknown[]).slice(0, 4), ['Zoë', 'true', '1018', 'Standard Service Profile']);
    assert.deepEqual(seen.added, ['zeep', 'true', 'false', ['CSFZEEP'], '7777']);
    assert.deepEqual(seen.phone, ['Cisco Unified Client Services Framework', 'zeep', '7777', 'Ringer Off']);
    assert.deepEqual(seen.line, ['CSFZEEP']);
    assert.deepEqual(seen.sql, [['zeep', 't']]);
    assert.equal(seen.rows, 1);
    assert.ok((seen.changes as string[][]).some(([type, action]) => type === 'Phone' && action === 'a'));
    assert.ok([true, 'true'].includes(seen.authenticated as string));
    assert.deepEqual(seen.nodes, ['cucm1', 'EnterpriseWideData', 'imp1']);
    assert.equal(seen.dnd, 'true');
    assert.equal(seen.fault, FAULT);
  });

  it('PHP SoapClient with the vendor’s WSDL', {
    skip: hasPhp ? false : 'php-soap is not installed',
    timeout: TIMEOUT_MS,
  }, async () => {
    const seen = await seenBy('php', [
      client('soap-client.php'),
      join(SCHEMA, '14.0', 'AXLAPI.wsdl'),
      `${world.base}/axl/`,
      ca,
    ]);
    assert.deepEqual(seen.user, ['carol', 'Nováková']);
    assert.match(String(seen.added), /^\{[0-9A-F-]{36}\}$/);
    assert.deepEqual(seen.flags, ['false', 'true']);
    assert.equal(seen.fault, FAULT);
  });
});
