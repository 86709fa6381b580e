import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { XmlDocument, XsdValidator } from 'libxml2-wasm';
import request from 'supertest';
import { ENVELOPE_NAMESPACE, type SoapVersion } from '../../src/soap/envelope.ts';
import { createWsdlClient, WsdlCallError } from '../../src/soap/wsdl-client.ts';
import { element, elements, textOf, type XmlElement } from '../../src/xml/element.ts';
import { parseXml } from '../../src/xml/parse.ts';
import { missing, pythonWith, runProgram } from '../support/programs.ts';
import { testCertificates } from '../support/test-certificates.ts';
import { type AdminWorld, openAdminWorld, PASSWORD, TOKEN } from './admin-world.ts';

const NS = 'http://schemas.cisco.com/ast/soap';
const PATH = '/controlcenterservice2/services/ControlCenterServices';
const WSDL = new URL('../../wsdl/control-center.wsdl', import.meta.url);

/** The judge of our answers: an independent parser with the schema of our WSDL. */
const validator = XsdValidator.fromDoc(
  XmlDocument.fromString(
    `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:tns="${NS}" ` +
      (/<xs:schema ([\s\S]*<\/xs:schema>)/.exec(readFileSync(WSDL, 'utf8'))?.[1] ?? ''),
  ),
);

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly fault: string;
  /** ReturnCode, ReasonCode, ReasonString. */
  readonly how: readonly string[];
  /** Name, state, reason code, its text, since when, seconds up. */
  readonly services: readonly (readonly string[])[];
}

describe('the Control Center over SOAP', () => {
  let world: AdminWorld;
  beforeEach(async () => {
    world = await openAdminWorld();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const post = async (body: string, auth: readonly [string, string] | undefined = ['operator', PASSWORD]) => {
    const sent = request(world.origin).post(PATH).set({ 'content-type': 'text/xml; charset=utf-8' });
    if (auth) sent.auth(...auth);
    const { status, headers, body: text } = await sent.send(body).buffer(true).parse(asText);
    return { status, headers, text: text as string };
  };
  const ask = async (
    operation: string,
    content: string,
    options: { readonly auth?: readonly [string, string]; readonly version?: SoapVersion } = {},
  ): Promise<Answer> => {
    const body =
      `<soapenv:Envelope xmlns:soapenv="${ENVELOPE_NAMESPACE[options.version ?? '1.1']}" xmlns:soap="${NS}">` +
      `<soapenv:Header/><soapenv:Body><soap:${operation}>${content}</soap:${operation}></soapenv:Body></soapenv:Envelope>`;
    const answer = await post(body, options.auth);
    const envelope = answer.text.startsWith('<?xml') ? parseXml(answer.text) : undefined;
    const payload = envelope && (elements(element(envelope, 'Body') as XmlElement)[0] as XmlElement);
    if (payload?.uri === NS) validate(/<s:Body>(.*)<\/s:Body>/s.exec(answer.text)?.[1] ?? '');
    const returned = payload && elements(payload)[0];
    const list = returned && element(returned, 'ServiceInfoList');
    return {
      ...answer,
      fault: payload?.local === 'Fault' ? textOf(payload) : '',
      how: returned && list ? elements(returned).slice(0, 3).map(textOf) : [],
      services: list ? elements(list).map((item) => elements(item).map(textOf)) : [],
    };
  };
  const control = (type: string, names: readonly string[], node = ''): Promise<Answer> =>
    ask(
      'soapDoControlServices',
      `<soap:ControlServiceRequest><soap:NodeName>${node}</soap:NodeName><soap:ControlType>${type}</soap:ControlType>` +
        `<soap:ServiceList>${names.map((name) => `<soap:item>${name}</soap:item>`).join('')}</soap:ServiceList></soap:ControlServiceRequest>`,
    );

  it('tells every service when none is named, and those that are', async () => {
    await world.clock.advance(90_000);
    const all = await ask('soapGetServiceStatus', '<soap:ServiceStatus></soap:ServiceStatus>');
    assert.equal(all.status, 200);
    assert.equal(all.headers['content-type'], 'text/xml; charset=utf-8');
    assert.deepEqual(all.how, ['0', '-1', '']);
    assert.deepEqual(all.services, [
      ['Cisco Sync Agent', 'Started', '-1', '', 'Tue Nov 24 08:05:09 2026', '90'],
      ['Cisco XCP Router', 'Started', '-1', '', 'Tue Nov 24 08:05:09 2026', '90'],
      ['Cisco XCP Directory Service', 'Started', '-1', '', 'Tue Nov 24 08:05:09 2026', '90'],
      ['Cisco Presence Engine', 'Stopped', '-1068', 'Service Not Activated', '', '-1'],
      ['Cisco SIP Proxy', 'Starting', '-1041', 'Dependencies still pending', '', '-1'],
    ]);
    assert.deepEqual((await ask('soapGetServiceStatus', '')).services, all.services);
    const some = await ask(
      'soapGetServiceStatus',
      '<soap:ServiceStatus>Cisco XCP Router</soap:ServiceStatus><soap:ServiceStatus>Cisco Tftp</soap:ServiceStatus>',
    );
    assert.deepEqual(some.services, [all.services[1], ['Cisco Tftp', 'Stopped', '-1010', 'No such service', '', '-1']]);
  });

  it('answers SOAP 1.2 in 1.2', async () => {
    const answer = await ask('soapGetServiceStatus', '', { version: '1.2' });
    assert.equal(answer.headers['content-type'], 'application/soap+xml; charset=utf-8');
    assert.equal(answer.services.length, 5);
  });

  it('stops, starts and restarts; the router takes its own along; what was done is audited', async () => {
    const stopped = await control('Stop', ['Cisco XCP Router'], 'imp1');
    assert.deepEqual(stopped.how, ['0', '-1', '']);
    assert.deepEqual(stopped.services[0]?.slice(0, 4), [
      'Cisco XCP Router',
      'Stopped',
      '-1069',
      'Commanded Out of Service',
    ]);
    const directory = '<soap:ServiceStatus>Cisco XCP Directory Service</soap:ServiceStatus>';
    assert.equal((await ask('soapGetServiceStatus', directory)).services[0]?.[3], 'Commanded Out of Service');
    const started = await control('Start', ['Cisco XCP Router', 'xcp-directory-service'], '127.0.0.1');
    assert.deepEqual(
      started.services.map((each) => each.slice(0, 2)),
      [
        ['Cisco XCP Router', 'Started'],
        ['Cisco XCP Directory Service', 'Started'],
      ],
    );
    assert.equal((await control('restart', ['Cisco XCP Router'])).services[0]?.[1], 'Started');
    assert.deepEqual(
      (await world.audit()).map(({ by, face, action, arguments: given, outcome }) => [
        by,
        face,
        action,
        given,
        outcome,
      ]),
      [
        ['operator', 'soap', 'service stop', { name: 'Cisco XCP Router' }, 'done'],
        ['operator', 'soap', 'service start', { name: 'Cisco XCP Router' }, 'done'],
        ['operator', 'soap', 'service start', { name: 'xcp-directory-service' }, 'done'],
        ['operator', 'soap', 'service restart', { name: 'Cisco XCP Router' }, 'done'],
      ],
    );
    assert.equal(world.supervisor.statusOf('xcp-router').changedBy, 'operator');
  });

  it('says what could not be done, and does the rest', async () => {
    const answer = await control('Start', ['Cisco Presence Engine', 'Cisco Tftp', 'Cisco Sync Agent']);
    assert.deepEqual(answer.how, ['1', '-1007', 'Cisco Presence Engine is not activated']);
    assert.deepEqual(
      answer.services.map((each) => each.slice(0, 3)),
      [
        ['Cisco Presence Engine', 'Stopped', '-1068'],
        ['Cisco Tftp', 'Stopped', '-1010'],
        ['Cisco Sync Agent', 'Started', '-1'],
      ],
    );
    assert.deepEqual((await control('Stop', ['nothing'])).how.slice(0, 2), ['1', '-1010']);
  });

  it('activates and deactivates feature services, and only those', async () => {
    const deploy = (type: string, name: string): Promise<Answer> =>
      ask(
        'soapDoServiceDeployment',
        `<soap:DeploymentServiceRequest><soap:NodeName>imp1</soap:NodeName><soap:DeployType>${type}</soap:DeployType>` +
          `<soap:ServiceList><soap:item>${name}</soap:item></soap:ServiceList></soap:DeploymentServiceRequest>`,
      );
    assert.equal((await deploy('Deploy', 'Cisco Presence Engine')).services[0]?.[1], 'Started');
    const off = await deploy('UnDeploy', 'Cisco Presence Engine');
    assert.deepEqual([off.how[0], off.services[0]?.[3]], ['0', 'Service Not Activated']);
    const network = await deploy('UnDeploy', 'Cisco XCP Router');
    assert.deepEqual(network.how.slice(0, 2), ['1', '-1007']);
    assert.match(network.how[2] ?? '', /network service/);
    assert.equal(network.services[0]?.[1], 'Started');
  });

  it('lists services with what they depend on, and the product', async () => {
    const list = await ask('soapGetStaticServiceList', '<soap:ServiceInformationResponse/>');
    assert.match(
      list.text,
      /<ns1:ServiceName>Cisco XCP Directory Service<\/ns1:ServiceName><ns1:ServiceType>Service<\/ns1:ServiceType><ns1:Deployable>true<\/ns1:Deployable><ns1:GroupName>IM and Presence Services<\/ns1:GroupName><ns1:DependentServices><ns1:Service>Cisco XCP Router<\/ns1:Service>/,
    );
    const products = await ask('getProductInformationList', '<soap:ServiceInfo></soap:ServiceInfo>');
    assert.match(products.text, /<ns1:ActiveServerVersion>1\.2\.3<.*<ns1:PrimaryNode>imp1<.*<ns1:Deployable>false</);
  });

  it('refuses in faults: an empty list, another node, an unknown operation, what is no SOAP', async () => {
    assert.match((await control('Stop', [])).fault, /the list of services is empty/);
    assert.match((await control('Stop', ['Cisco XCP Router'], 'imp2')).fault, /imp2 is not this node, which is imp1/);
    assert.match((await control('Explode', ['Cisco XCP Router'])).fault, /ControlType must be one of Start, Stop/);
    const unknown = await ask('soapDoEverything', '');
    assert.equal(unknown.status, 500);
    assert.match(unknown.fault, /Client.*no such operation/);
    assert.match((await post('<a/>')).text, /not a SOAP envelope/);
    assert.match((await post('<!DOCTYPE a []><a/>')).text, /cannot be taken/);
    assert.equal((await post(' '.repeat(1_100_000))).status, 413);
    assert.equal(world.supervisor.statusOf('xcp-router').state, 'Started');
  });

  it('lets nobody in without the right, and asks before it reads', async () => {
    const attempt = async (auth?: readonly [string, string]): Promise<readonly [number, string | undefined]> => {
      const { status, headers } = await post('<a/>', auth);
      return [status, headers['www-authenticate']];
    };
    const challenge = 'Basic realm="imp-gateway"';
    const nobody = await request(world.origin).post(PATH).send('<a/>');
    assert.deepEqual([nobody.status, nobody.headers['www-authenticate']], [401, challenge]);
    assert.deepEqual(await attempt(['operator', 'wrong']), [401, challenge]);
    assert.deepEqual(await attempt(['stranger', PASSWORD]), [403, undefined]);
    assert.deepEqual(await attempt(['norole', PASSWORD]), [403, undefined]);
    assert.deepEqual(await attempt(['admin-token', 'wrong']), [401, challenge]);
    assert.equal((await ask('soapGetServiceStatus', '', { auth: ['admin-token', TOKEN] })).status, 200);
    world.isCucmAway = true;
    assert.deepEqual(await attempt(['operator', PASSWORD]), [500, undefined]);
    world.isCucmAway = false;
    for (let each = 0; each < 20; each += 1) await attempt(['operator', 'wrong']);
    assert.deepEqual(await attempt(['operator', PASSWORD]), [429, undefined]);
    const { action, outcome, error, by } = (await world.audit()).at(-1) ?? {};
    assert.deepEqual([action, outcome, error, by], ['sign-in', 'refused', 'admin.too-many-attempts', 'operator']);
  });

  it('shows a reader everything and changes nothing for one', async () => {
    const auth = ['reader', PASSWORD] as const;
    assert.equal((await ask('soapGetServiceStatus', '', { auth })).services.length, 5);
    const refused = await ask(
      'soapDoControlServices',
      '<soap:ControlServiceRequest><soap:ControlType>Stop</soap:ControlType><soap:ServiceList><soap:item>Cisco XCP Router</soap:item></soap:ServiceList></soap:ControlServiceRequest>',
      { auth },
    );
    assert.match(refused.fault, /"service stop" needs the right to operate/);
    assert.equal(world.supervisor.statusOf('xcp-router').state, 'Started');
    assert.equal((await world.audit()).at(-1)?.outcome, 'refused');
  });

  it('serves its WSDL to anybody, with the address that clients reach', async () => {
    const { text, status } = await request(world.origin).get(`${PATH}?wsdl`);
    assert.equal(status, 200);
    const port = new URL(world.origin).port;
    assert.match(text, new RegExp(`location="https://127.0.0.1:${port}${PATH}"`));
    assert.equal((await request(world.origin).get(PATH)).status, 405);
    assert.equal((await request(world.origin).post('/controlcenterservice2/else')).status, 404);
  });
});

describe('real clients of the Control Center, over verified TLS', () => {
  let world: AdminWorld;
  let folder: string;
  let caFile: string;
  let ca: string;
  const script = (name: string): string => fileURLToPath(new URL(`clients/${name}`, import.meta.url));
  const python = pythonWith('zeep');
  before(async () => {
    const certificates = await testCertificates();
    ca = certificates.ca;
    folder = await mkdtemp(join(tmpdir(), 'imp-control-center-'));
    caFile = join(folder, 'ca.pem');
    await writeFile(caFile, ca);
    world = await openAdminWorld({ tls: certificates.tls });
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const SEEN = {
    states: {
      'Cisco Sync Agent': 'Started',
      'Cisco XCP Router': 'Started',
      'Cisco XCP Directory Service': 'Started',
      'Cisco Presence Engine': 'Stopped',
      'Cisco SIP Proxy': 'Starting',
    },
    reason: 'Service Not Activated',
    restarted: ['Cisco XCP Router', 'Started'],
    deployed: ['0', 'Started'],
    undeployed: 'Service Not Activated',
    depends: ['Cisco XCP Router'],
    product: 'IM and Presence Service',
    fault: 'the list of services is empty',
  };

  const drive = async (command: string, name: string): Promise<void> => {
    const { code, out, err } = await runProgram(command, [script(name), world.origin + PATH, caFile, PASSWORD]);
    assert.equal(code, 0, `${err}\n${out}`);
    assert.deepEqual(JSON.parse(out), SEEN);
  };

  it(
    'zeep, strict, from the WSDL that is served',
    { skip: python === undefined && 'zeep is not on this machine' },
    () => drive(python ?? '', 'control-center.py'),
  );

  it(
    'PHP SoapClient',
    {
      skip: missing('PHP SoapClient', 'php', '-r', 'exit(class_exists("SoapClient") ? 0 : 1);'),
    },
    () => drive('php', 'control-center.php'),
  );

  it('npm soap', async () => {
    const authorization = `Basic ${Buffer.from(`operator:${PASSWORD}`).toString('base64')}`;
    await using client = await createWsdlClient({
      wsdl: `${world.origin}${PATH}?wsdl`,
      ca,
      version: '1.1',
      headers: { authorization },
    });
    const answer = (await client.call('soapGetServiceStatus', { ServiceStatus: ['Cisco XCP Router'] })) as {
      readonly soapGetServiceStatusReturn: { readonly ServiceInfoList: { readonly item: readonly object[] } };
    };
    const [item] = answer.soapGetServiceStatusReturn.ServiceInfoList.item;
    assert.equal((item as { readonly ServiceStatus: string }).ServiceStatus, 'Started');
    await assert.rejects(
      () => client.call('soapDoControlServices', { ControlServiceRequest: { ControlType: 'Stop', ServiceList: {} } }),
      (error) => error instanceof WsdlCallError && error.code === 'soap.fault',
    );
  });
});

function validate(xml: string): void {
  using document = XmlDocument.fromString(xml);
  validator.validate(document);
}

function asText(response: request.Response, done: (error: Error | null, body: string) => void): void {
  let text = '';
  response.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  response.on('end', () => done(null, text));
}
