import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { OPERATIONS } from '../../../src/services/client-profile-agent/operations/index.ts';
import { createWsdlClient, WsdlCallError } from '../../../src/soap/wsdl-client.ts';
import { missing, pythonWith, runProgram } from '../../support/programs.ts';
import { type CpaHttps, openCpaHttps } from './cpa-https.ts';
import { EPAS, envelope, keyOf, loginRequest } from './messages.ts';

const DOMAIN = 'acme.example';
const LOGIN_FAILED = 'Login failed: the user name or the password is not valid';
const NOT_VALID = 'Invalid request: session key is not valid';
const script = (name: string): string => fileURLToPath(new URL(`clients/${name}`, import.meta.url));
const python = pythonWith('zeep');

/** What a client's program says it saw, one line of JSON. */
async function drive(command: string, ...args: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const { code, out, err } = await runProgram(command, args);
  assert.equal(code, 0, `${err}\n${out}`);
  return JSON.parse(out) as Readonly<Record<string, unknown>>;
}

describe('real clients, over verified TLS', () => {
  let world: CpaHttps;
  before(async () => {
    world = await openCpaHttps();
  });
  after(() => world[Symbol.asyncDispose]());
  /** Each client begins with an empty list. */
  const clear = async (): Promise<void> => {
    await world.test.ids.transaction('node', async (trx) => {
      await trx.deleteFrom('rosteritemgroup').execute();
      await trx.deleteFrom('rosteritem').execute();
      await trx.deleteFrom('rostergroup').execute();
    });
    await world.test.changeFeed.settled();
  };

  it('zeep, strict, from our WSDL', { skip: python === undefined && 'zeep is not on this machine' }, async () => {
    await clear();
    assert.deepEqual(await drive(python ?? '', script('zeep-client.py'), world.wsdl, world.caFile, 'secret'), {
      operations: [...OPERATIONS.keys()].sort(),
      versions: 14,
      backup: 'imp2.acme.example',
      refused: [LOGIN_FAILED, 114],
      domain: DOMAIN,
      password: 32,
      added: 200,
      list: {
        'Zoë & Łukasz': [
          ['bob', DOMAIN, 'Bobby <3'],
          ['otto', 'partner.example', null],
        ],
      },
      listAfter: { 'Zoë & Łukasz': [], Other: [['bob', DOMAIN, 'Bobby <3']] },
      rules: 'ask',
      acl: ['x.example'],
      found: ['Alice'],
      fault: [NOT_VALID, 's:Sender', ['{urn:cisco:epas:soap}invalid-session']],
      afterFault: ['Zoë & Łukasz', 'Other'],
    });
  });

  for (const version of ['1.1', '1.2'] as const) {
    it(`PHP SoapClient, SOAP ${version}`, {
      skip: missing('PHP SoapClient', 'php', '-r', 'exit(class_exists("SoapClient") ? 0 : 1);'),
    }, async () => {
      await clear();
      const bob = ['bob', DOMAIN, 'Bobby <3'];
      assert.deepEqual(await drive('php', script('php-client.php'), world.wsdl, world.caFile, 'secret', version), {
        operations: 32,
        backup: 'imp2.acme.example',
        refused: 114,
        domain: DOMAIN,
        password: 32,
        added: 200,
        list: { 'Zoë & Łukasz': [bob, ['otto', 'partner.example', null]] },
        deleted: 200,
        fault: [version === '1.1' ? 's:Client' : 's:Sender', NOT_VALID],
        afterFault: { 'Zoë & Łukasz': [bob] },
        out: 200,
      });
    });

    it(`Perl SOAP::Lite, SOAP ${version}`, {
      skip: missing('SOAP::Lite', 'perl', '-MSOAP::Lite', '-MLWP::Protocol::https', '-e', '1'),
    }, async () => {
      await clear();
      assert.deepEqual(await drive('perl', script('soap-lite-client.pl'), world.url, world.caFile, 'secret', version), {
        refused: LOGIN_FAILED,
        domain: DOMAIN,
        password: 32,
        added: '200',
        list: [['bob', 'Bobby <3']],
        fault: NOT_VALID,
        afterFault: [['bob', 'Bobby <3']],
      });
    });

    it(`npm soap, SOAP ${version}`, async () => {
      await clear();
      await using client = await createWsdlClient({ wsdl: world.wsdl, ca: world.ca, version });
      assert.deepEqual([...client.operations].sort(), [...OPERATIONS.keys()].sort());
      const header = (key: string) => ({ content: { 'session-key': key }, namespace: EPAS });
      const login = (password: string): Promise<unknown> =>
        client.call('login', { attributes: { 'client-type': 'CUPC', force: true }, username: 'alice', password });
      assert.equal(at(await login('wrong'), 'failure', 'reason'), LOGIN_FAILED);
      const key = String(at(await login('secret'), 'success', 'session-key'));
      const config = at(
        await client.call('get-all-config', { 'system-config': {} }, header(key)),
        'get-system-config-resp',
        'property',
      ) as readonly { readonly attributes: { readonly name: string }; readonly $value?: string }[];
      assert.equal(config.find(({ attributes }) => attributes.name === 'Presence.Domain')?.$value, DOMAIN);
      const group = [
        {
          attributes: { name: 'Zoë & Łukasz' },
          'persona-id': [{ attributes: { nickname: 'Bobby <3' }, $value: 'bob' }, { $value: 'otto@partner.example' }],
        },
      ];
      const added = await client.call('add-contact', { group }, header(key));
      assert.equal(at(added, 'success', 'attributes', 'code'), '200');
      await assert.rejects(client.call('get-contact-list', {}, header('no such key')), (error) => {
        assert.ok(error instanceof WsdlCallError);
        assert.equal(error.code, 'soap.fault');
        assert.match(error.message, /session key is not valid/);
        return true;
      });
      const list = await client.call('get-contact-list', {}, header(key));
      assert.deepEqual(at(list, 'group', '0', 'persona-id', '1'), {
        attributes: { domain: 'partner.example' },
        $value: 'otto',
      });
    });
  }

  it('curl, as scripts send it: no media type to speak of, any action', {
    skip: missing('curl', 'curl', '-V'),
  }, async () => {
    await clear();
    const curl = async (body: string, ...flags: readonly string[]): Promise<string> => {
      const args = ['--silent', '--show-error', '--cacert', world.caFile, ...flags, '--data-binary', '@-'];
      const { code, out, err } = await runProgram('curl', [...args, `${world.url}/latest?wsdl`], { input: body });
      assert.equal(code, 0, err);
      return out;
    };
    const login = await curl(envelope(loginRequest('alice', 'secret', 'client-type="CUPC" force="true"')));
    const key = /<e:session-key>([^<]+)</.exec(login)?.[1] ?? '';
    const named = ['-H', 'Content-Type: text/xml', '-H', 'SOAPAction: nonsense', '-u', 'admin:wrong'];
    const config = `<get-all-config xmlns="${EPAS}"><system-config/></get-all-config>`;
    assert.match(await curl(envelope(config, { key }), ...named), /<e:property name="Presence.Domain">acme\.example</);
    const add = `<add-contact xmlns="${EPAS}"><group name="A"><persona-id>bob</persona-id></group></add-contact>`;
    assert.match(await curl(` \n${envelope(add, { key })}`, '-H', 'Content-Type:'), /<e:success code="200"\/>/);
    assert.match(await curl('<a><b></a>', '-H', 'Expect: 100-continue'), /<e:error code="102">/);
    const list = envelope(`<get-contact-list xmlns="${EPAS}"/>`, { key });
    assert.match(await curl(list, '-H', 'Transfer-Encoding: chunked', '--http1.1'), />bob</);
  });

  it('.NET WSHttpBinding: addressing that must be understood', async () => {
    const namespace = 'http://www.w3.org/2005/08/addressing';
    const send = async (action: string, payload: string, key?: string) => {
      const header =
        `<a:Action xmlns:a="${namespace}" s:mustUnderstand="1">${action}</a:Action><a:MessageID xmlns:a="${namespace}">urn:uuid:7</a:MessageID>` +
        `<a:ReplyTo xmlns:a="${namespace}"><a:Address>${namespace}/anonymous</a:Address></a:ReplyTo><a:To xmlns:a="${namespace}" s:mustUnderstand="1">${world.url}/latest</a:To>`;
      const type = 'application/soap+xml; charset=utf-8';
      return await world.post(envelope(payload, { header, ...(key === undefined ? {} : { key }) }), {
        path: '/EPASSoap/service/latest',
        headers: { 'content-type': type },
      });
    };
    const action = (name: string): string => `${EPAS}/EpasSoapServiceInterface/${name}`;
    const login = await send(action('login'), loginRequest('alice', 'secret'));
    assert.ok(login.text.includes(`>${action('loginResponse')}</a:Action>`));
    const fault = await send(action('get_onetime_password'), `<get-onetime-password xmlns="${EPAS}"/>`, 'none');
    assert.match(fault.text, /<a:RelatesTo [^>]*>urn:uuid:7<\/a:RelatesTo>[\s\S]*<e:error code="101">/);
    const token = await send(action('get_onetime_password'), `<get-onetime-password xmlns="${EPAS}"/>`, keyOf(login));
    assert.match(token.text, /<e:success[^>]*><e:password>/);
  });
});

/** What stands at a path in an answer of the `soap` package. */
function at(answer: unknown, ...path: readonly string[]): unknown {
  let found: unknown = answer;
  for (const name of path) found = (found as Readonly<Record<string, unknown>> | undefined)?.[name];
  return found;
}
