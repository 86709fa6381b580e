import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import express from 'express';
import * as soap from 'soap';
import type { TlsMaterial } from '../../src/platform/https-listener.ts';

type Headers = { readonly 'session-key'?: string | { readonly $value?: string } } | null;

/** `get-contact-list` as one writes it with the `soap` package behind express: what a benchmark compares with. */
export async function listenAsUsual(
  tls: TlsMaterial,
  sessions: ReadonlyMap<string, string>,
  lists: ReadonlyMap<string, readonly { readonly user: string; readonly domain: string }[]>,
): Promise<{ readonly server: Server; readonly port: number }> {
  const wsdlFile = fileURLToPath(new URL('../../wsdl/client-profile-agent.wsdl', import.meta.url));
  const app = express();
  const server = createServer(tls, app);
  const service = {
    EpasSoapService: {
      EpasSoapServicePort: {
        'get-contact-list': (_args: unknown, _done: unknown, headers: Headers) => {
          const key = headers?.['session-key'];
          const user = sessions.get((typeof key === 'string' ? key : key?.$value) ?? '');
          if (user === undefined) throw new Error('no session');
          return {
            group: [
              {
                attributes: { name: 'Colleagues' },
                'persona-id': (lists.get(user) ?? []).map(({ user: id, domain }) => ({
                  attributes: { domain },
                  $value: id,
                })),
              },
            ],
          };
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
