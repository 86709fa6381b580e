import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createLog } from '../../src/platform/log.ts';
import { createFileStore } from '../../src/rpc/handover/file-store.ts';
import { createConfigurationLoader } from '../../src/rpc/handover/loader.ts';
import { createConfigurationReceiver } from '../../src/rpc/handover/receiver.ts';
import { createConfigurationWriter } from '../../src/rpc/handover/writer.ts';
import { SIP_PROXY_MAIN_FILE, sipProxyFormat } from '../../src/rpc/sip-proxy/format.ts';
import { temporaryFolder } from '../support/imp-process.ts';
import { createFailingFiles } from './support/failing-files.ts';
import { proxyConfiguration } from './support/proxy-configuration.ts';

const log = createLog({ level: 'silent' });
const writerOf = (folder: string, files?: ReturnType<typeof createFailingFiles>) =>
  createConfigurationWriter(sipProxyFormat, createFileStore(folder, files), log);
const receiverOf = (folder: string) =>
  createConfigurationReceiver({
    format: sipProxyFormat,
    store: createFileStore(folder),
    log,
    apply: () => [],
    onRefused: () => undefined,
    onRunning: () => undefined,
  });

/** The checksum as the documentation tells others to make it. */
function resealed(text: string): string {
  const zeros = text.replace(/ checksum="sha256:[0-9a-f]{64}"/, ` checksum="sha256:${'0'.repeat(64)}"`);
  const digits = createHash('sha256').update(zeros).digest('hex');
  return zeros.replace(/ checksum="sha256:0{64}"/, ` checksum="sha256:${digits}"`);
}

describe('a configuration folder', () => {
  it('gives a new version to new content only, and reads back what was written', async () => {
    await using folder = await temporaryFolder();
    const writer = writerOf(folder.path);
    const a = proxyConfiguration('a');
    assert.deepEqual(await writer.write(a, 0), { version: 1, change: 'new' });
    assert.deepEqual(await writer.write(proxyConfiguration('a'), 1), { version: 1, change: 'unchanged' });
    assert.deepEqual(await writer.write(proxyConfiguration('b'), 1), { version: 2, change: 'new' });
    assert.deepEqual(await writer.write(a, 2), { version: 3, change: 'new' });
    assert.deepEqual((await writer.current())?.content, a);
  });

  it('keeps the base file while only the dynamic part changes, and tidies up', async () => {
    await using folder = await temporaryFolder();
    const writer = writerOf(folder.path);
    const names = async (): Promise<string[]> => (await readdir(folder.path)).sort();
    await writer.write(proxyConfiguration('a'), 0);
    await writer.write(proxyConfiguration('b'), 0);
    assert.deepEqual(await names(), ['sip-proxy.base.1.xml', SIP_PROXY_MAIN_FILE, 'version.json']);
    await writer.write(proxyConfiguration('b', 'two'), 0);
    assert.deepEqual((await names()).slice(0, 2), ['sip-proxy.base.1.xml', 'sip-proxy.base.3.xml']);
    await writer.write(proxyConfiguration('b', 'three'), 0);
    await writer.write(proxyConfiguration('c', 'three'), 0);
    assert.ok(!(await names()).includes('sip-proxy.base.1.xml'));
  });

  it('puts right what was deleted, damaged, edited or rolled back, without going back', async () => {
    await using folder = await temporaryFolder();
    const writer = writerOf(folder.path);
    const main = join(folder.path, SIP_PROXY_MAIN_FILE);
    await writer.write(proxyConfiguration('a'), 0);
    const first = await readFile(main, 'utf8');
    const b = proxyConfiguration('b');
    await writer.write(b, 0);
    const whole = await readFile(main, 'utf8');
    const harm: Record<string, () => Promise<void>> = {
      deleted: () => rm(main),
      damaged: () => writeFile(main, whole.slice(0, 300)),
      edited: () => writeFile(main, whole.replace('b.example', 'c.example')),
      'rolled back': () => writeFile(main, first),
      'base deleted': async () => {
        for (const name of await readdir(folder.path)) if (name.includes('.base.')) await rm(join(folder.path, name));
      },
    };
    for (const [name, harmed] of Object.entries(harm)) {
      await harmed();
      assert.deepEqual(await writer.write(b, 0), { version: 2, change: 'repaired' }, name);
      assert.deepEqual((await writer.current())?.content, b, name);
    }
    await rm(join(folder.path, 'version.json'));
    assert.deepEqual(await writer.write(b, 0), { version: 2, change: 'unchanged' }, 'the counter is made anew');
    await rm(folder.path, { recursive: true });
    assert.deepEqual(await writer.write(b, 7), { version: 8, change: 'new' }, 'what runs counts when all is lost');
  });

  it('is whole and never goes back, wherever the write is cut off', async () => {
    await using folder = await temporaryFolder();
    const component = receiverOf(folder.path);
    const files = createFailingFiles();
    const writer = writerOf(folder.path, files);
    await writer.write(proxyConfiguration('start'), 0);
    /** Which content each version was ever seen with. */
    const seen = new Map<number, string>();
    let highest = 0;
    for (let cut = 0; cut < 40; cut += 1) {
      const next = proxyConfiguration(`mark${cut}`, `listener${cut % 3}`);
      files.left = cut % 20;
      files.code = cut % 2 === 0 ? 'ENOSPC' : 'EACCES';
      const failure = await writer.write(next, 0).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure !== undefined) assert.equal((failure as { code?: string }).code, 'configuration.write');
      files.left = -1;
      // A component that looks now sees a whole version, old or new.
      const answer = await component.look();
      assert.equal(answer.refused, null, `cut after ${cut % 20} steps`);
      const running = component.running;
      assert.ok(running && running.version >= highest);
      highest = running.version;
      const print = sipProxyFormat.fingerprint(running.content);
      assert.equal(seen.get(running.version) ?? print, print, 'a version stands for one content');
      seen.set(running.version, print);
      // The process comes up again, sometimes with other content.
      const after = cut % 3 === 0 ? proxyConfiguration(`other${cut}`) : next;
      const { version } = await writerOf(folder.path).write(after, 0);
      assert.equal((await component.configChanged(version)).version, version);
      seen.set(version, sipProxyFormat.fingerprint(after));
      highest = version;
    }
  });

  it('is parsed again only when its bytes are others', async () => {
    await using folder = await temporaryFolder();
    let loads = 0;
    const counting: typeof sipProxyFormat = {
      ...sipProxyFormat,
      load(read) {
        loads += 1;
        return sipProxyFormat.load(read);
      },
    };
    const loader = createConfigurationLoader(counting, createFileStore(folder.path));
    await writerOf(folder.path).write(proxyConfiguration('a'), 0);
    const first = await loader.load();
    assert.equal(await loader.load(), first);
    assert.equal(loads, 1);
    await writerOf(folder.path).write(proxyConfiguration('a', 'two'), 0);
    assert.equal((await loader.load()).version, 2);
    assert.equal(loads, 2);
    for (const name of await readdir(folder.path)) if (name.includes('.base.')) await rm(join(folder.path, name));
    await assert.rejects(loader.load(), { code: 'configuration.missing' });
  });

  it('refuses to write what the component would refuse', async () => {
    await using folder = await temporaryFolder();
    const good = proxyConfiguration('a');
    const bad = { ...good, dynamic: { ...good.dynamic, defaultDomain: 'elsewhere.example' } };
    await assert.rejects(writerOf(folder.path).write(bad, 0), {
      code: 'configuration.semantics',
      message: /^domains\/@default: /,
    });
    assert.deepEqual(await readdir(folder.path), []);
  });
});

describe('a component', () => {
  it('refuses what is damaged, older or another content of the same version, and keeps what it has', async () => {
    await using folder = await temporaryFolder();
    await using other = await temporaryFolder();
    const main = join(folder.path, SIP_PROXY_MAIN_FILE);
    const writer = writerOf(folder.path);
    const component = receiverOf(folder.path);
    assert.deepEqual(await component.look(), {
      version: null,
      restartNeeded: [],
      refused: {
        version: null,
        element: SIP_PROXY_MAIN_FILE,
        reason: component.answer().refused?.reason,
      },
    });
    await writer.write(proxyConfiguration('a'), 0);
    const first = await readFile(main, 'utf8');
    await writer.write(proxyConfiguration('b'), 0);
    assert.equal((await component.configChanged(2)).version, 2);
    const refusal = async (): Promise<string> => {
      const answer = await component.look();
      assert.equal(answer.version, 2);
      return answer.refused?.reason ?? 'accepted';
    };
    const second = await readFile(main, 'utf8');
    const cases: readonly (readonly [string, RegExp])[] = [
      [first, /version 1 is older than 2/],
      [second.replace('74*', '75*'), /checksum does not fit/],
      [second.slice(0, -20), /not XML/],
      [second.replace('<static-route ', '<static-rout '), /static-rout: unknown element/],
      [second.replace('priority="1"', 'priority="0"'), /static-route\[1\]\/@priority/],
      [second.replace('weight="1"', 'weight="1" colour="red"'), /static-route\[1\]\/@colour/],
      [second.replace('sip-proxy-configuration:1', 'sip-proxy-configuration:2'), /the root is not/],
      ['<!DOCTYPE a><a/>', /not XML that we read/],
    ];
    for (const [text, expected] of cases) {
      await writeFile(main, expected.source.includes('checksum') ? text : resealed(text));
      assert.match(await refusal(), expected);
    }
    await writerOf(other.path).write(proxyConfiguration('z'), 1);
    for (const name of await readdir(other.path)) {
      await writeFile(join(folder.path, name), await readFile(join(other.path, name)));
    }
    assert.match(await refusal(), /version 2 runs already with other content/);
    await writeFile(main, second);
    assert.equal(await refusal(), 'accepted');
    assert.match((await component.configChanged(9)).refused?.reason ?? '', /version 9 was announced, version 2 lies/);
  });
});
