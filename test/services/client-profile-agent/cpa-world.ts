import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import supertest from 'supertest';
import type { HttpHandler, HttpsListener } from '../../../src/platform/https-listener.ts';
import type { ClientProfileAgentOptions } from '../../../src/services/client-profile-agent/client-profile-agent.ts';
import type { LoginThrottleOptions } from '../../../src/sign-in/login-throttle.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { type CpaParts, openCpaParts, PASSWORD } from './cpa-parts.ts';
import {
  type Answer,
  type CallOptions,
  envelope,
  keyOf,
  loginRequest,
  type PostOptions,
  payloadOf,
} from './messages.ts';
import { validateAnswer } from './schema.ts';

export { DOMAIN, userRow } from './cpa-parts.ts';
export * from './messages.ts';

/** A Client Profile Agent on a real IDS and real datastores; CUCM alone is played by a table of passwords. */
export interface CpaWorld extends CpaParts {
  /** Port of the agent on the loopback address, without TLS. */
  readonly port: number;
  readonly app: HttpHandler;
  readonly clock: FakeClock;
  /** CUCM cannot be asked while this is set. */
  isCucmAway: boolean;
  /** Password checks so far. */
  checks: number;
  /** Sends a body, as it is. Every answer is checked against our schema. */
  post(body: string, options?: PostOptions): Promise<Answer>;
  /** Sends a payload in an envelope, with a session key if there is one. */
  call(payload: string, options?: CallOptions): Promise<Answer>;
  /** Signs an end user in and gives the key. */
  signIn(user: string, attributes?: string): Promise<string>;
  /** Everything committed so far has been handled by those who follow. */
  settle(): Promise<void>;
}

/** Catches what a service mounts, so that no port is needed. */
export function createFakeListener(): HttpsListener & { readonly handler: HttpHandler } {
  const mounts: HttpHandler[] = [];
  return {
    name: 'test',
    mount(_prefix, handler) {
      mounts.push(handler);
      return { [Symbol.dispose]: () => void mounts.splice(mounts.indexOf(handler), 1) };
    },
    mountUpgrade: () => ({ [Symbol.dispose]: () => undefined }),
    listen: () => Promise.resolve(),
    port: 8443,
    renew: () => undefined,
    close: () => Promise.resolve(),
    handler: (request, response) => {
      const handler = mounts.at(-1);
      if (handler) handler(request, response);
      else response.writeHead(404).end();
    },
  };
}

export async function openCpaWorld(
  options: Partial<ClientProfileAgentOptions> = {},
  throttle: Partial<LoginThrottleOptions> = {},
): Promise<CpaWorld> {
  const clock = new FakeClock();
  const listener = createFakeListener();
  const parts = await openCpaParts({
    clock,
    listener,
    host: 'imp1.acme.example',
    options,
    throttle,
    isCucmAway: () => world.isCucmAway,
    onCheck: () => {
      world.checks += 1;
    },
  });
  const app: HttpHandler = listener.handler;
  const server: Server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const base = `http://127.0.0.1:${port}`;

  const world: CpaWorld = {
    ...parts,
    port,
    app,
    clock,
    isCucmAway: false,
    checks: 0,
    async post(body, { path = '/EPASSoap/service/v80', headers = {} } = {}) {
      const response = await supertest(base)
        .post(path)
        .set({ 'content-type': 'application/soap+xml; charset=utf-8', ...headers })
        .buffer(true)
        .parse(asText)
        .send(body);
      const text = String(response.body);
      await validateAnswer(text);
      const { status } = response;
      return { status, headers: response.headers as Record<string, string>, text, payload: payloadOf(text) };
    },
    call: (payload, callOptions = {}) => world.post(envelope(payload, callOptions), callOptions),
    async signIn(user, attributes = 'client-type="CUPC"') {
      const answer = await world.call(loginRequest(user, PASSWORD, attributes));
      return keyOf(answer);
    },
    settle: () => parts.test.changeFeed.settled(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await parts[Symbol.asyncDispose]();
    },
  };
  return world;
}

function asText(response: supertest.Response, done: (error: Error | null, body: string) => void): void {
  // What superagent hands to a parser is the message as it arrives.
  const stream = response as unknown as NodeJS.ReadableStream;
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text += chunk;
  });
  stream.on('end', () => done(null, text));
}
