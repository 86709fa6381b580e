import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createLog } from '../../../src/platform/log.ts';
import { createFileStore } from '../../../src/rpc/handover/file-store.ts';
import { createConfigurationWriter } from '../../../src/rpc/handover/writer.ts';
import { sipProxyFormat } from '../../../src/rpc/sip-proxy/format.ts';

const SCRIPT = fileURLToPath(new URL('./write-forever.ts', import.meta.url));

/**
 * Kills a process that writes, again and again, each time a little later in its work; after each kill the folder holds
 * a whole version, not older than the last one that was said, and no version ever stands for two contents.
 */
export async function killWriter(folder: string, kills: number): Promise<void> {
  const said = new Map<number, string>();
  let highest = 0;
  for (let life = 0; life < kills; life += 1) {
    const child = spawn(process.execPath, [SCRIPT, folder, String(life)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    const lines = createInterface({ input: child.stdout });
    const wanted = 1 + (life % 4);
    let count = 0;
    lines.on('line', (line) => {
      const [version = '', mark = ''] = line.split(' ');
      assert.ok(Number(version) > highest, `version ${version} after ${highest}`);
      highest = Number(version);
      assert.equal(said.get(highest) ?? mark, mark);
      said.set(highest, mark);
      count += 1;
      // Busy for a moment that differs, so that the kill meets another step of the next write.
      if (count !== wanted) return;
      const until = performance.now() + ((life * 7) % 23) / 2;
      while (performance.now() < until);
      child.kill('SIGKILL');
    });
    await Promise.all([exited, once(lines, 'close')]);
    const store = createFileStore(folder);
    const found = await sipProxyFormat.load((name) => store.read(name));
    const mark = found.content.dynamic.domains[1]?.replace('.example', '') ?? '';
    assert.ok(found.version >= highest, `version ${found.version} lies there, ${highest} was said`);
    assert.equal(said.get(found.version) ?? mark, mark);
    said.set(found.version, mark);
    highest = found.version;
  }
  const writer = createConfigurationWriter(sipProxyFormat, createFileStore(folder), createLog({ level: 'silent' }));
  const content = (await writer.current())?.content ?? assert.fail('it is whole');
  const { version } = await writer.write({ ...content, dynamic: { ...content.dynamic, nodes: [] } }, 0);
  assert.ok(version > highest);
}
