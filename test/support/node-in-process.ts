import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import type { Endpoints } from '../../src/node/endpoints.ts';
import { createNode } from '../../src/node/node.ts';
import { parseNodeFile } from '../../src/node/node-config.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';

/** A whole node in this process, with a mock CUCM of its own. */
export interface NodeInProcess extends AsyncDisposable {
  readonly endpoints: Endpoints;
  /** Verifies the node's certificates. */
  readonly agent: Agent;
  /** PEM of its authority. */
  readonly ca: string;
  /** Asks its JSON API; rejects when it refuses. */
  admin(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown>;
  /** One AXL request to its mock CUCM. */
  axl(operation: string, inside: string): Promise<string>;
}

/** @param name of a fixture in `fixtures/cucm`, and of the node; resolves when it is ready */
export async function startNode(dataFolder: string, name: string): Promise<NodeInProcess> {
  await using stack = new AsyncDisposableStack();
  const node = stack.use(
    await createNode({
      config: parseNodeFile(`node: ${name}\n`, 'node file'),
      cucmPassword: undefined,
      dataFolder,
      baseFolder: dataFolder,
      mockCucm: {
        fixtureFile: fileURLToPath(new URL(`../../fixtures/cucm/${name}.json`, import.meta.url)),
        users: 0,
        userPrefix: 'user',
      },
      hasEphemeralPorts: true,
      version: '0.0.0',
      pid: process.pid,
      clock: systemClock,
      log: createLog({ level: 'silent' }),
    }),
  );
  await node.start();
  stack.defer(() => node.stop());
  const ready = new Promise<void>((resolve) => node.onReadiness((isReady) => isReady && resolve()));
  node.run();
  await ready;
  const endpoints = node.endpoints();
  const ca = await readFile(endpoints.ca, 'utf8');
  const token = (await readFile(endpoints.adminToken, 'utf8')).trim();
  const agent = new Agent({ connect: { ca } });
  stack.defer(() => agent.destroy());
  const parts = stack.move();
  return {
    endpoints,
    agent,
    ca,
    async admin(method, path, body) {
      const answer = await request(`${endpoints.admin}/api/${path}`, {
        method,
        dispatcher: agent,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: body === undefined ? null : JSON.stringify(body),
      });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`${path}: HTTP ${answer.statusCode} ${text}`);
      return JSON.parse(text) as unknown;
    },
    async axl(operation, inside) {
      const mock = endpoints.mockCucm;
      if (!mock) throw new Error('the node has no mock CUCM');
      const answer = await request(mock.axl, {
        method: 'POST',
        dispatcher: agent,
        headers: {
          authorization: `Basic ${Buffer.from(`${mock.user}:${mock.password}`).toString('base64')}`,
          'content-type': 'text/xml; charset=utf-8',
          soapaction: `"CUCM:DB ver=14.0 ${operation}"`,
        },
        body:
          '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ns="http://www.cisco.com/AXL/API/14.0">' +
          `<soapenv:Body><ns:${operation}>${inside}</ns:${operation}></soapenv:Body></soapenv:Envelope>`,
      });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`${operation}: HTTP ${answer.statusCode} ${text}`);
      return text;
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
