import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { restore } from '../../src/node/backup/restore.ts';
import { writeTar } from '../../src/node/backup/tar.ts';
import { admin, runImp, startImp, temporaryFolder } from '../support/imp-process.ts';
import { missing, runProgram } from '../support/programs.ts';

describe('imp backup and imp restore', () => {
  it('bring a node back as it was, backed up while it ran', async () => {
    await using folder = await temporaryFolder();
    const data = join(folder.path, 'data');
    const file = join(folder.path, 'node.backup.tar.gz');
    const token = await (async () => {
      await using imp = await startImp({ data });
      await admin(imp, 'POST', 'parameter/set', { service: 'presence-engine', name: 'maximumContacts', value: '77' });
      const made = await runImp(['backup', file, '--data', data, '--json']);
      assert.equal(made.code, 0, made.err);
      assert.ok(Object.keys((JSON.parse(made.out) as { files: object }).files).includes('ids/ids.db'));
      const bundle = join(folder.path, 'support.tar.gz');
      const bundled = await runImp(['support-bundle', bundle, '--data', data]);
      assert.equal(bundled.code, 0, bundled.err);
      assert.match(bundled.out, /status\.json, .*diagnose\.json, .*counters\.json/);
      const text = gunzipSync(await readFile(bundle)).toString('latin1');
      assert.match(text, /Every enabled and active user has a home node/);
      assert.ok(!text.includes('Imp-demo-1') && !text.includes('alice@acme.example'));
      await rm(bundle);
      return await readFile(join(data, 'admin.token'), 'utf8');
    })();
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.deepEqual((await readdir(folder.path)).sort(), ['data', 'node.backup.tar.gz']);
    const again = await runImp(['backup', file, '--data', data]);
    assert.match(again.err, /is there already/);
    const onto = await runImp(['restore', file, '--data', data]);
    assert.match(onto.err, /is not empty: move it away/);

    const other = join(folder.path, 'restored');
    const restored = await runImp(['restore', file, '--data', other]);
    assert.equal(restored.code, 0, restored.err);
    assert.match(restored.out, /as it was at 20\d\d-/);
    assert.equal(await readFile(join(other, 'admin.token'), 'utf8'), token);
    await using imp = await startImp({ data: other });
    const parameters = (await admin(imp, 'GET', 'parameter/list')) as readonly { name: string; value: string }[];
    assert.equal(parameters.find(({ name }) => name === 'maximumContacts')?.value, '77');
  });

  it('write what every tar reads', { skip: missing('tar', 'tar', '--version') }, async () => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, 'in'));
    for (const size of [0, 1, 511, 512, 513, 100_000]) {
      await writeFile(join(folder.path, 'in', String(size)), 'x'.repeat(size));
    }
    const names = (await readdir(join(folder.path, 'in'))).sort();
    const pieces: Buffer[] = [];
    for await (const piece of writeTar(names.map((name) => ({ name, path: join(folder.path, 'in', name) })))) {
      pieces.push(piece);
    }
    await writeFile(join(folder.path, 'a.tar'), Buffer.concat(pieces));
    await mkdir(join(folder.path, 'out'));
    const { code, err } = await runProgram('tar', ['xf', '../a.tar'], { cwd: join(folder.path, 'out') });
    assert.equal(code, 0, err);
    for (const name of names) assert.equal((await stat(join(folder.path, 'out', name))).size, Number(name));
  });

  it('refuse what is damaged, and what would reach outside; nothing is left behind', async () => {
    await using folder = await temporaryFolder();
    const data = join(folder.path, 'data');
    const evil = join(folder.path, 'evil');
    await writeFile(evil, 'evil');
    const archive = async (...names: readonly string[]): Promise<string> => {
      const pieces: Buffer[] = [];
      for await (const piece of writeTar(names.map((name) => ({ name, path: evil })))) pieces.push(piece);
      const file = join(folder.path, 'made.tar.gz');
      await writeFile(file, gzipSync(Buffer.concat(pieces)));
      return file;
    };
    for (const name of ['../outside', '/etc/passwd', 'certs/../../x', 'certs/a/b', 'lock', 'certs/.hidden']) {
      await assert.rejects(async () => restore(await archive(name), data), /does not belong into it/, name);
    }
    await assert.rejects(async () => restore(await archive('admin.token', 'admin.token'), data), /does not belong/);
    await assert.rejects(async () => restore(await archive('admin.token'), data), /does not say what it holds/);
    const whole = await archive('admin.token', 'ids/ids.db');
    const bytes = await readFile(whole);
    for (const broken of [bytes.subarray(0, 40), Buffer.from('no gzip'), gzipSync(Buffer.alloc(1_000, 1))]) {
      await writeFile(whole, broken);
      await assert.rejects(() => restore(whole, data), /the backup is damaged/);
    }
    assert.equal(existsSync(data), false);
    assert.deepEqual((await readdir(folder.path)).sort(), ['evil', 'made.tar.gz']);
  });
});
