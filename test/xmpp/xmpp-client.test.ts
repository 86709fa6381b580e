import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { turn } from '../support/fake-clock.ts';
import { PASSWORD, startLiveServer, type TestCertificates, testCertificates } from './live-server.ts';

/** What the test needs of the npm package `@xmpp/client`. */
interface XmppElement {
  is(name: string): boolean;
  getChildText(name: string): string | null;
}
interface XmppClient {
  on(event: 'stanza', listener: (stanza: XmppElement) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  start(): Promise<{ toString(): string }>;
  stop(): Promise<unknown>;
  send(element: unknown): Promise<void>;
}
interface XmppPackage {
  client(options: Record<string, unknown>): XmppClient;
  xml(name: string, attributes: Record<string, string>, ...children: readonly unknown[]): unknown;
}

const PACKAGE = '@xmpp/client';

async function load(): Promise<XmppPackage | undefined> {
  try {
    return (await import(PACKAGE)) as XmppPackage;
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

const found = await load();

function trust(certificates: TestCertificates): void {
  setDefaultCACertificates([...getCACertificates('default'), certificates.ca]);
}

const skip = found === undefined ? 'the package @xmpp/client is not installed' : false;

describe('the npm package @xmpp/client', () => {
  for (const [name, service, mechanisms] of [
    ['STARTTLS and SCRAM-SHA-1', 'xmpp', ['scram']],
    ['STARTTLS and PLAIN', 'xmpp', ['checkPassword']],
    ['direct TLS', 'xmpps', ['scram', 'checkPassword']],
  ] as const) {
    it(`signs in by ${name} and has its message back`, { skip }, async () => {
      assert.ok(found !== undefined);
      const certificates = await testCertificates();
      trust(certificates);
      await using server = await startLiveServer({
        certificates,
        mechanisms,
        tls: service === 'xmpp' ? 'starttls' : 'direct',
      });
      const client = found.client({
        service: `${service}://localhost:${server.port}`,
        domain: 'acme.example',
        username: 'alice',
        password: PASSWORD,
        resource: 'desk',
      });
      client.on('error', (error) => assert.fail(error));
      const echoed = new Promise<string | null>((resolve) => {
        client.on('stanza', (stanza) => {
          if (stanza.is('message')) resolve(stanza.getChildText('body'));
        });
      });
      const address = await client.start();
      assert.equal(address.toString(), 'alice@acme.example/desk');
      await client.send(found.xml('message', { type: 'chat' }, found.xml('body', {}, 'Zoë & 李')));
      assert.equal(await echoed, 'Zoë & 李');
      await client.stop();
      while (server.ends.length === 0) await turn();
      assert.equal(server.ends[0]?.isOrderly, true);
    });
  }
});
