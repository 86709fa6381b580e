import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import express from 'express';
import * as soap from 'soap';
import type { TlsMaterial } from '../../src/platform/https-listener.ts';

type Headers = { readonly 'session-key'?: string | { readonly $value?: string } } | null;

interface Contact {
  readonly user: string;
  readonly domain: string;
  readonly nickname: string;
}

/**
 * `get-contact-list` as one writes it with the `soap` package behind express, sessions and contacts in SQLite: what a
 * benchmark compares with.
 */
export async function listenAsUsual(
  tls: TlsMaterial,
  { key, user, list }: { readonly key: string; readonly user: string; readonly list: readonly Contact[] },
): Promise<{ readonly server: Server; readonly port: number }> {
  const db = new Database(':memory:');
  db.exec(`CREATE TABLE session (key TEXT PRIMARY KEY, user TEXT);
    CREATE TABLE contact (owner TEXT, user TEXT, domain TEXT, nickname TEXT, PRIMARY KEY (owner, user, domain))`);
  db.prepare('INSERT INTO session VALUES (?, ?)').run(key, user);
  const insert = db.prepare('INSERT INTO contact VALUES (?, ?, ?, ?)');
  for (const each of list) insert.run(user, each.user, each.domain, each.nickname);
  const findSession = db.prepare<[string], { user: string }>('SELECT user FROM session WHERE key = ?');
  const findContacts = db.prepare<[string], Contact>('SELECT user, domain, nickname FROM contact WHERE owner = ?');
  const wsdlFile = fileURLToPath(new URL('../../wsdl/client-profile-agent.wsdl', import.meta.url));
  const app = express();
  const server = createServer(tls, app);
  const service = {
    EpasSoapService: {
      EpasSoapServicePort: {
        'get-contact-list': (_args: unknown, _done: unknown, headers: Headers) => {
          const sent = headers?.['session-key'];
          const session = findSession.get((typeof sent === 'string' ? sent : sent?.$value) ?? '');
          if (!session) throw new Error('no session');
          const personas = findContacts
            .all(session.user)
            .map(({ user: $value, domain, nickname }) => ({ attributes: { domain, nickname }, $value }));
          return { group: [{ attributes: { name: 'Colleagues' }, 'persona-id': personas }] };
        },
      },
    },
  };
  await new Promise<void>((resolve, reject) => {
    soap.listen(app, {
      path: '/EPASSoap/service',
      services: service,
      xml: readFileSync(wsdlFile, 'utf8'),
      uri: wsdlFile,
      forceSoap12Headers: true,
      callback: (error: unknown) => (error ? reject(error) : resolve()),
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port };
}
