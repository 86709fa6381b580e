import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { XmlDocument, XsdValidator } from 'libxml2-wasm';
import { type Client, createClientAsync } from 'soap';
import request from 'supertest';
import { ENVELOPE_NAMESPACE, type SoapVersion } from '../../../src/soap/envelope.ts';
import { attribute, element, elements, type XmlElement } from '../../../src/xml/element.ts';
import { parseXml } from '../../../src/xml/parse.ts';
import { pythonWith, runProgram } from '../../support/programs.ts';
import { testCertificates } from '../../support/test-certificates.ts';
import { HARD, openRccWorld, type RccWorld, SOFT } from './rcc-world.ts';

const NS = 'urn:imp-gateway:rcc-device-selection';
const CAROL = 'tel:1003;phone-context=dialstring';
const PATH = '/rcc-device-selection/soap';
const PYTHON = pythonWith('zeep');

/** The judge of our answers: an independent parser with the schema of our WSDL. */
const validator = XsdValidator.fromDoc(
  XmlDocument.fromString(
    `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:tns="${NS}" ` +
      (/<xs:schema ([\s\S]*<\/xs:schema>)/.exec(
        readFileSync(new URL('../../../wsdl/rcc-device-selection.wsdl', import.meta.url), 'utf8'),
      )?.[1] ?? ''),
  ),
);

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly payload: XmlElement;
  /** Code of a fault. */
  readonly fault: string | undefined;
}

interface AskOptions {
  readonly key?: string;
  readonly version?: SoapVersion;
  readonly header?: string;
}

describe('the SOAP face of RCC Device Selection', () => {
  let world: RccWorld;
  let carol: string;
  beforeEach(async () => {
    world = await openRccWorld();
    carol = await world.sessionKey('carol');
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const post = async (body: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> => {
    const answer = await request(world.origin)
      .post(PATH)
      .set({ 'content-type': 'text/xml; charset=utf-8', ...headers })
      .buffer()
      .parse((response, done) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.on('end', () => done(null, text));
      })
      .send(body);
    const text: string = answer.body;
    const payload = elements(element(parseXml(text), 'Body') as XmlElement)[0] as XmlElement;
    const detail = /<r:error code="([^"]+)">[^<]*<\/r:error>/.exec(text);
    const inner = detail ? detail[0] : /<s:Body>(<r:.*>)<\/s:Body>/s.exec(text)?.[1];
    if (inner !== undefined) {
      const document = XmlDocument.fromString(inner.replace(/^<([\w:]+)(?: xmlns:r="[^"]*")?/, `<$1 xmlns:r="${NS}"`));
      validator.validate(document);
      document.dispose();
    }
    return { status: answer.status, type: answer.headers['content-type'] ?? '', payload, fault: detail?.[1] };
  };
  const ask = (
    operation: string,
    content = '',
    { key = carol, version = '1.1', header = '' }: AskOptions = {},
  ): Promise<Answer> => {
    const session = key === '' ? '' : `<session-key xmlns="${NS}">${key}</session-key>`;
    return post(
      `<s:Envelope xmlns:s="${ENVELOPE_NAMESPACE[version]}"><s:Header>${session}${header}</s:Header><s:Body><${operation} xmlns="${NS}">${content}</${operation}></s:Body></s:Envelope>`,
    );
  };
  const attributes = (
    parent: XmlElement,
    name: string,
    ...names: readonly string[]
  ): readonly (string | undefined)[] => {
    const found = element(parent, name);
    return names.map((each) => found && attribute(found, each));
  };

  it('lists the phones that may be driven', async () => {
    world.registrations.set(SOFT, true);
    await world.change((trx) =>
      trx.updateTable('device').set({ allowcticontrol: 0 }).where('name', '=', 'SEP001E7A0003E9').execute(),
    );
    const { status, payload } = await ask('listAppearances');
    assert.equal(status, 200);
    assert.deepEqual(
      elements(payload, 'appearance').map((each) =>
        ['device', 'line', 'partition', 'kind', 'registered', 'description'].map((name) => attribute(each, name)),
      ),
      [
        [SOFT, '1003', '', 'soft', 'true', 'Phone of carol <& Co>'],
        [HARD, '1003', '', 'hard', 'false', 'Phone of carol <& Co>'],
      ],
    );
    assert.equal(
      elements((await ask('listAppearances', '', { key: await world.sessionKey('alice') })).payload).length,
      0,
    );
  });

  it('stores a choice, tells what the next session would drive, and forgets it', async () => {
    const before = await ask('getSelection', `<lineUri>${CAROL}</lineUri>`);
    assert.equal(element(before.payload, 'chosen'), undefined);
    assert.deepEqual(attributes(before.payload, 'next', 'device', 'rule'), [HARD, 'hard-phone']);
    const set = await ask('setSelection', `<device>${SOFT.toLowerCase()}</device>`);
    assert.deepEqual(attributes(set.payload, 'chosen', 'device', 'line'), [SOFT, undefined]);
    const after = await ask('getSelection', `<lineUri>${CAROL}</lineUri>`);
    assert.deepEqual(attributes(after.payload, 'chosen', 'device'), [SOFT]);
    assert.deepEqual(attributes(after.payload, 'next', 'device', 'rule'), [SOFT, 'chosen']);
    const line = await ask('setSelection', `<device>${HARD}</device><line>1003</line><partition></partition>`);
    assert.deepEqual(attributes(line.payload, 'chosen', 'device', 'line', 'partition'), [HARD, '1003', '']);
    const { origin, table } = (await world.test.changeFeed.trace({ limit: 1 }))[0] ?? {};
    assert.deepEqual([table, origin], ['rccselection', 'client']);
    assert.equal((await ask('setSelection')).status, 200);
    assert.equal(element((await ask('getSelection')).payload, 'chosen'), undefined);
  });

  it('refuses with faults that tell what is wrong', async () => {
    const faultOf = async (...args: Parameters<typeof ask>): Promise<readonly [number, string | undefined]> => {
      const { status, fault } = await ask(...args);
      return [status, fault];
    };
    assert.deepEqual(await faultOf('listAppearances', '', { key: '' }), [500, 'rcc.no-session-key']);
    assert.deepEqual(await faultOf('listAppearances', '', { key: 'nonsense', version: '1.2' }), [
      400,
      'rcc.session-not-valid',
    ]);
    assert.deepEqual(await faultOf('listAppearances', '', { key: await world.sessionKey('appuser') }), [
      500,
      'rcc.end-user-needed',
    ]);
    assert.deepEqual(await faultOf('setSelection', '<device>SEP001E7A0003E9</device>'), [
      500,
      'rcc.unknown-appearance',
    ]);
    assert.deepEqual(await faultOf('setSelection', `<device>${SOFT}</device><line>1001</line>`), [
      500,
      'rcc.unknown-appearance',
    ]);
    assert.deepEqual(await faultOf('getSelection', '<lineUri>sip:x</lineUri>'), [500, 'rcc.line-uri']);
    assert.deepEqual(await faultOf('reboot'), [500, 'rcc.bad-request']);
    const header = `<h:Other xmlns:h="urn:h" s:mustUnderstand="1"/>`;
    assert.equal((await ask('listAppearances', '', { header })).payload.local, 'Fault');
    const broken = await post('<a', { 'content-type': 'application/soap+xml' });
    assert.deepEqual([broken.status, broken.fault], [500, 'rcc.bad-request']);
    const older = `<session-key xmlns="urn:cisco:epas:soap">${carol}</session-key>`;
    assert.equal((await ask('listAppearances', '', { key: '', header: older })).status, 200);
  });

  it('serves its WSDL, refuses other methods and paths, and says when it is off', async () => {
    const wsdl = await request(world.origin).get(`${PATH}?wsdl`).buffer();
    assert.match(wsdl.text, new RegExp(`location="https://127.0.0.1:\\d+${PATH}"`));
    assert.equal((await request(world.origin).get(PATH)).status, 405);
    assert.equal((await request(world.origin).post('/rcc-device-selection/other')).status, 404);
    await world.serving.close();
    const off = await ask('listAppearances');
    assert.deepEqual([off.status, off.fault], [503, 'rcc.stopped']);
  });
});

describe('real clients of RCC Device Selection', () => {
  let folder: string;
  let world: RccWorld;
  let ca: string;
  let wsdl: string;
  let key: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'imp-rcc-'));
    ({ ca } = await testCertificates());
    await writeFile(join(folder, 'ca.pem'), ca);
    world = await openRccWorld({ tls: (await testCertificates()).tls });
    wsdl = `${world.origin}${PATH}?wsdl`;
    key = await world.sessionKey('carol');
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  it('soap of npm: lists, chooses, forgets', async () => {
    const httpsAgent = new Agent({ ca });
    const client: Client = await createClientAsync(wsdl, { wsdl_options: { httpsAgent } });
    client.setSecurity({ addOptions: (options) => Object.assign(options, { httpsAgent }), toXML: () => '' });
    client.addSoapHeader({ 'session-key': key }, '', 'tns', NS);
    const call = async (operation: string, content: object): Promise<unknown> => {
      const run = client[`${operation}Async`] as (content: object) => Promise<[unknown]>;
      return (await run(content))[0];
    };
    assert.match(JSON.stringify(await call('listAppearances', {})), new RegExp(`${SOFT}.*${HARD}`));
    assert.match(JSON.stringify(await call('setSelection', { device: SOFT })), new RegExp(SOFT));
    assert.match(JSON.stringify(await call('getSelection', { lineUri: CAROL })), /"rule":"chosen"/);
    await assert.rejects(() => call('setSelection', { device: 'SEPX' }), /controls no such phone or line/);
    await call('setSelection', {});
    httpsAgent.destroy();
  });

  it('zeep: lists, chooses, forgets', { skip: PYTHON === undefined && 'zeep is not on this machine' }, async () => {
    const script = fileURLToPath(new URL('clients/zeep-client.py', import.meta.url));
    const { code, out, err } = await runProgram(PYTHON ?? '', [script, wsdl, join(folder, 'ca.pem'), key]);
    assert.equal(code, 0, err);
    assert.deepEqual(out.trim().split('\n'), [
      `${SOFT}:soft:False ${HARD}:hard:False`,
      `None ${HARD} hard-phone`,
      SOFT,
      `${SOFT} ${SOFT} chosen`,
      'carol controls no such phone or line',
      'None',
    ]);
  });
});
