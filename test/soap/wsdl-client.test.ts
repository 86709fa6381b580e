import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createWsdlClient, WsdlCallError, type WsdlClient } from '../../src/soap/wsdl-client.ts';

const WSDL = fileURLToPath(new URL('../../wsdl/client-profile-agent.wsdl', import.meta.url));
const LIST = 'get-contact-list';

describe('WSDL client', () => {
  let server: Server;
  let endpoint: string;
  let answer: { status: number; body: string };
  before(async () => {
    server = createServer((request, response) => {
      request.resume();
      if (answer.status === 0) response.destroy();
      else response.writeHead(answer.status).end(answer.body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  const open = (): Promise<WsdlClient> => createWsdlClient({ wsdl: WSDL, endpoint, maxBytes: 10_000 });
  const fails = async (code: string, status: number, body: string): Promise<void> => {
    answer = { status, body };
    await using client = await open();
    await assert.rejects(client.call(LIST, {}), (error) => error instanceof WsdlCallError && error.code === code);
  };

  it('tells faults, other answers and silence apart', async () => {
    const fault =
      '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Server</faultcode><faultstring>No</faultstring></s:Fault></s:Body></s:Envelope>';
    await fails('soap.fault', 500, fault);
    await fails('soap.fault', 200, fault);
    await fails('soap.http', 502, '<html>gateway</html>');
    await fails('soap.unreachable', 0, '');
    await fails('soap.unreachable', 200, 'x'.repeat(20_000));
  });

  it('is not made from what is no WSDL, and has no operation but those of the WSDL', async () => {
    await assert.rejects(createWsdlClient({ wsdl: `${WSDL}.none` }), { code: 'soap.unreachable' });
    answer = { status: 200, body: '<html/>' };
    await assert.rejects(createWsdlClient({ wsdl: `${endpoint}/?wsdl` }), { code: 'soap.unreachable' });
    await using client = await open();
    assert.equal(client.operations.length, 32);
    await assert.rejects(client.call('describe-nothing', {}), /no operation/);
  });
});
