/** One of the servers that the Client Profile Agent is measured beside, in a process of its own. */
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { ensureCertificates } from '../../src/platform/certificates.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { TlsMaterial } from '../../src/platform/https-listener.ts';
import { openCpaHttps } from '../../test/services/client-profile-agent/cpa-https.ts';
import {
  contactRequest,
  envelope,
  keyOf,
  loginRequest,
  persona,
} from '../../test/services/client-profile-agent/messages.ts';
import { temporaryFolder } from '../../test/support/imp-process.ts';
import { listenAsUsual } from '../../test/support/usual-soap-server.ts';

export type ServerKind = 'bare' | 'agent' | 'soap + express';

export interface Ready {
  readonly port: number;
  readonly ca: string;
  readonly key: string;
}

const DOMAIN = 'acme.example';
const CONTACTS = Array.from({ length: 100 }, (_, index) => `colleague${String(index).padStart(4, '0')}`);

const nicknameOf = (user: string): string => `Colleague ${user.slice(-4)}`;

async function serveAgent(): Promise<Ready> {
  const { post, port, ca } = await openCpaHttps();
  const key = keyOf(await post(envelope(loginRequest('alice', 'secret'))));
  const contacts = contactRequest('add-contact', {
    Colleagues: CONTACTS.map((user) => persona(user, `nickname="${nicknameOf(user)}"`)),
  });
  await post(envelope(contacts, { key }));
  return { port, ca, key };
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

async function serve(kind: ServerKind, answer: string): Promise<Ready> {
  if (kind === 'agent') return await serveAgent();
  const folder = await temporaryFolder();
  const { node, ca } = await ensureCertificates(join(folder.path, 'certs'), ['localhost'], systemClock);
  await folder[Symbol.asyncDispose]();
  const key = '6f0c1de2-55c4-4c0e-9f6e-0f4f0a8f3f10';
  if (kind === 'bare') return { port: await serveBare(node, answer), ca, key };
  const list = CONTACTS.map((user) => ({ user, domain: DOMAIN, nickname: nicknameOf(user) }));
  const { port } = await listenAsUsual(node, { key, user: 'alice', list });
  return { port, ca, key };
}

process.on('message', (message: { kind: ServerKind; answer: string } | 'cpu') => {
  if (message === 'cpu') {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuSeconds: (user + system) / 1e6 });
    return;
  }
  serve(message.kind, message.answer).then(
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
