import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect } from 'node:tls';
import { ensureCertificates, listCertificates, renewNode } from '../../src/platform/certificates.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createHttpsListener } from '../../src/platform/https-listener.ts';
import { createLog } from '../../src/platform/log.ts';
import { FakeClock } from '../support/fake-clock.ts';

const names = ['imp1', 'acme.example', 'localhost', '127.0.0.1', '::1'];

describe('certificates', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'imp-certs-'));
    await ensureCertificates(folder, names, systemClock);
  });
  after(() => rm(folder, { recursive: true }));

  it('makes an authority and a server certificate once, with keys for their owner only', async () => {
    const [first, again] = [
      await ensureCertificates(folder, names, systemClock),
      await ensureCertificates(folder, names, systemClock),
    ];
    assert.equal(first.node.cert, again.node.cert);
    for (const key of ['ca.key', 'node.key']) assert.equal((await stat(join(folder, key))).mode & 0o777, 0o600);
    const [, node] = await listCertificates(folder, systemClock);
    assert.deepEqual(node?.names.slice(0, 4), ['imp1', 'acme.example', 'localhost', '127.0.0.1']);
  });

  it('verifies for every name against the authority, and for no other', async () => {
    const { ca, node } = await ensureCertificates(folder, names, systemClock);
    const listener = createHttpsListener('test', node, createLog({ level: 'silent' }));
    await listener.listen('127.0.0.1', 0);
    const greet = async (servername: string): Promise<unknown> => {
      const socket = connect({ host: '127.0.0.1', port: listener.port, ca, servername });
      try {
        await once(socket, 'secureConnect');
        return socket.authorized;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code;
      } finally {
        socket.destroy();
      }
    };
    assert.equal(await greet('acme.example'), true);
    assert.equal(await greet('localhost'), true);
    assert.equal(await greet('else.example'), 'ERR_TLS_CERT_ALTNAME_INVALID');
    await listener.close();
  });

  it('makes a new server certificate when it runs out, when a name is missing, and when asked', async () => {
    const before = await readFile(join(folder, 'node.pem'), 'utf8');
    const later = new FakeClock(Date.now() + 380 * 24 * 3600 * 1000);
    const renewed = await ensureCertificates(folder, names, later);
    assert.notEqual(renewed.node.cert, before);
    const named = await ensureCertificates(folder, [...names, 'imp2'], systemClock);
    assert.notEqual(named.node.cert, renewed.node.cert);
    assert.equal(named.ca, renewed.ca);
    await renewNode(folder, names, systemClock);
    assert.notEqual(await readFile(join(folder, 'node.pem'), 'utf8'), named.node.cert);
  });

  it('makes anew what a crash or a person has left unusable', async () => {
    const other = await mkdtemp(join(tmpdir(), 'imp-certs-'));
    const good = async (): Promise<void> => {
      const { ca, node } = await ensureCertificates(other, names, systemClock);
      assert.ok(new X509Certificate(node.cert).verify(new X509Certificate(ca).publicKey));
      assert.ok(new X509Certificate(node.cert).checkPrivateKey(createPrivateKey(node.key)));
    };
    await good();
    await writeFile(join(other, 'node.key'), await readFile(join(folder, 'node.key')));
    await good();
    await writeFile(join(other, 'node.pem'), '');
    await good();
    await rm(join(other, 'ca.key'));
    await rm(join(other, 'ca.pem'));
    await good();
    await rm(other, { recursive: true });
  });

  it('refuses a key that does not belong to the certificate, in one sentence', async () => {
    const other = await mkdtemp(join(tmpdir(), 'imp-certs-'));
    await ensureCertificates(other, names, systemClock);
    await rm(join(other, 'ca.key'));
    await writeFile(join(other, 'node.key'), await readFile(join(folder, 'node.key')));
    await assert.rejects(() => ensureCertificates(other, names, systemClock), /the certificates in .* cannot be used/);
    await rm(other, { recursive: true });
  });
});
