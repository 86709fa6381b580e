import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type ImpProcess, startImp, temporaryFolder } from '../../support/imp-process.ts';
import { pythonWith, runProgram } from '../../support/programs.ts';

const script = (name: string): string => fileURLToPath(new URL(`clients/${name}`, import.meta.url));
const python = pythonWith('slixmpp');

describe('real XMPP clients at a node', () => {
  let imp: ImpProcess;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let xmpp: { host: string; port: number };
  before(async () => {
    folder = await temporaryFolder();
    const file = join(folder.path, 'endpoints.json');
    imp = await startImp({ data: join(folder.path, 'data'), flags: ['--mock-cucm', '--endpoints', file] });
    xmpp = (JSON.parse(await readFile(file, 'utf8')) as { xmpp: typeof xmpp }).xmpp;
  });
  after(async () => {
    await imp[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  it('slixmpp: STARTTLS, PLAIN, contacts, chat, carbons, discovery, cards, blocking', {
    skip: python === undefined && 'slixmpp is not on this machine',
  }, async () => {
    const { ca } = imp.endpoints;
    const args = [script('slixmpp-client.py'), '127.0.0.1', String(xmpp.port), ca, 'Imp-demo-1'];
    const { code, out, err } = await runProgram(python ?? '', args);
    assert.equal(code, 0, `${err}\n${out}`);
    assert.deepEqual(JSON.parse(out), {
      mechanism: 'PLAIN',
      managed: true,
      roster: 'to',
      heard: 'Zoë & 李',
      carbon: 'Zoë & 李',
      ping: true,
      identity: [['server', 'im']],
      card: 'Bob Baker',
      blocked: 'service-unavailable',
      wrong: 'not-authorized',
    });
  });
});
