import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import type { SipTlsOptions } from '../../../src/sip/transport/options.ts';
import { newRequest, openEndpoint } from '../../sip/sip-world.ts';
import { openProxyWorld } from './world.ts';

describe("the proxy's further listeners", () => {
  const host = '127.0.0.1';
  const listeners = (port = 0) => ({
    ...{ host, port: 0, tlsPort: 0 },
    further: [
      { name: 'peers', kind: 'peer-tls', host, port: 0 },
      { name: 'internal', kind: 'udp-and-tcp', host, port: 0 },
      { name: 'calls', kind: 'tcp', host, port },
    ] as const,
  });
  const portOf = (detail: string, name: string): number => Number(new RegExp(`${name} (\\d+)`).exec(detail)?.[1]);
  const options = () => ({ ...newRequest('OPTIONS'), uri: `sip:${host}` });

  it('answers over each of them, over TLS for peers only to whoever shows a certificate', async () => {
    await using world = await openProxyWorld({ needs: { listeners: listeners() } });
    const detail = world.proxy.detail();
    const ask = async (
      hop: { transport: 'UDP' | 'TCP' | 'TLS'; port: number },
      clientTls?: SipTlsOptions,
    ): Promise<number> => {
      await using phone = await openEndpoint({ tlsPort: null, ...(clientTls && { tls: clientTls }) });
      const named = hop.transport === 'TLS' ? { ...hop, serverName: 'localhost' } : hop;
      return (await phone.sip.send(options(), { hop: { ...named, address: host } })).status;
    };
    assert.equal(await ask({ transport: 'UDP', port: portOf(detail, 'internal') }), 200);
    assert.equal(await ask({ transport: 'TCP', port: portOf(detail, 'internal') }), 200);
    assert.equal(await ask({ transport: 'TCP', port: portOf(detail, 'calls') }), 200);
    const peer = { transport: 'TLS', port: portOf(detail, 'peers') } as const;
    assert.equal(await world.counter('NumSipdWorker'), 1);
    assert.ok((await world.counter('ServerLoadStatus')) <= 3);
    const { node, ca } = world.tls;
    assert.equal(await ask(peer, { ...node, ca, clientCertificates: 'none' }), 200);
    await assert.rejects(ask(peer, { key: '', cert: '', ca, clientCertificates: 'none' }));
  });

  it('does without one whose port is taken, and says so', async () => {
    const taken = createSocket('udp4').bind(0, host);
    await once(taken, 'listening');
    const { port } = taken.address();
    const given = listeners();
    const further = given.further.map((each) => (each.name === 'internal' ? { ...each, port } : each));
    await using world = await openProxyWorld({ needs: { listeners: { ...given, further } } });
    assert.deepEqual(world.alarms(), [`ESPSocketError: SIP cannot listen on UDP ${host}:${port}`]);
    assert.ok(portOf(world.proxy.detail(), 'calls') > 0);
    await new Promise<void>((resolve) => taken.close(() => resolve()));
    await world.clock.advanceUntil(() => world.alarms().length === 0);
    assert.equal(portOf(world.proxy.detail(), 'internal'), port);
  });
});
