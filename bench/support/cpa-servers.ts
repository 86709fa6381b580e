/** One of the servers that the Client Profile Agent is measured beside, in a process of its own. */
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ensureCertificates } from '../../src/platform/certificates.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { TlsMaterial } from '../../src/platform/https-listener.ts';
import { openCpaHttps } from '../../test/services/client-profile-agent/cpa-https.ts';
import { DOMAIN } from '../../test/services/client-profile-agent/cpa-parts.ts';
import {
  EPAS,
  envelope,
  keyOf,
  loginByApplication,
  loginRequest,
} from '../../test/services/client-profile-agent/messages.ts';
import { temporaryFolder } from '../../test/support/imp-process.ts';
import { openTestIds } from '../../test/support/test-ids.ts';
import { listenAsUsual } from '../../test/support/usual-soap-server.ts';
import { nicknameOf, userIdOf, userOf } from './cpa-rosters.ts';

export type ServerKind = 'bare' | 'agent' | 'soap + express';

export interface Wanted {
  readonly kind: ServerKind;
  readonly sessions: number;
  readonly contacts: number;
  /** Folder of the IDS that holds users and rosters. */
  readonly folder: string;
  /** What the bare server says. */
  readonly answer: string;
}

export interface Ready {
  readonly port: number;
  readonly ca: string;
  /** The sessions' keys; all get equally long answers. */
  readonly keys: readonly string[];
  /** Before, with the sessions open, and with every list read once. */
  readonly memory: readonly [Memory, Memory, Memory];
}

/** Octets that are in use, and octets that the process has from the system, which holds on to more than is in use. */
export interface Memory {
  readonly used: number;
  readonly rss: number;
}

const NO_MEMORY: Memory = { used: 0, rss: 0 };

function memory(): Memory {
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { used: heapUsed + external, rss };
}

async function serveAgent(wanted: Wanted): Promise<Ready> {
  const { post, port, ca } = await openCpaHttps({}, await openTestIds({ folder: wanted.folder }));
  const application = keyOf(await post(envelope(loginRequest('appuser', 'secret', 'client-type="thirdpartyapp"'))));
  // The Route Datastore has heard of everybody when it has of the last one.
  const last = envelope(loginByApplication(userIdOf(wanted.sessions - 1), application));
  while (!(await post(last)).text.includes('session-key')) await setTimeout(100);
  const before = memory();
  const keys: string[] = [];
  for (let index = 0; index < wanted.sessions; index += 1) {
    keys.push(keyOf(await post(envelope(loginByApplication(userIdOf(index), application)))));
  }
  const open = memory();
  const list = `<get-contact-list xmlns="${EPAS}"/>`;
  for (const key of keys) await post(envelope(list, { key }));
  return { port, ca, keys, memory: [before, open, memory()] };
}

/** The least that a server can do: it takes the whole body and answers the same octets every time. */
async function serveBare(tls: TlsMaterial, answer: string): Promise<number> {
  const body = Buffer.from(answer);
  const server = createServer({ ...tls, keepAliveTimeout: 600_000 }, (request, response) => {
    request.resume();
    request.on('end', () => {
      response.writeHead(200, {
        'content-type': 'application/soap+xml; charset=utf-8',
        'content-length': body.length,
      });
      response.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function serve(wanted: Wanted): Promise<Ready> {
  if (wanted.kind === 'agent') return await serveAgent(wanted);
  const folder = await temporaryFolder();
  const { node, ca } = await ensureCertificates(join(folder.path, 'certs'), ['localhost'], systemClock);
  await folder[Symbol.asyncDispose]();
  const key = '6f0c1de2-55c4-4c0e-9f6e-0f4f0a8f3f10';
  const rest = { ca, keys: [key], memory: [NO_MEMORY, NO_MEMORY, NO_MEMORY] } as const;
  if (wanted.kind === 'bare') return { port: await serveBare(node, wanted.answer), ...rest };
  const list = Array.from({ length: wanted.contacts }, (_, contact) => ({
    user: userOf(contact),
    domain: DOMAIN,
    nickname: nicknameOf(contact),
  }));
  const { port } = await listenAsUsual(node, { key, user: 'alice', list });
  return { port, ...rest };
}

process.on('message', (message: Wanted | 'cpu') => {
  if (message === 'cpu') {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuSeconds: (user + system) / 1e6 });
    return;
  }
  serve(message).then(
    (ready) => process.send?.(ready),
    (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
      process.disconnect();
    },
  );
});
// Goes with the benchmark, however that ends.
process.on('disconnect', () => process.exit());
