import { SipError } from '../errors.ts';
import type { StreamListener, Streams } from './streams.ts';
import { openUdp, type UdpListener, type UdpOptions } from './udp.ts';

const ATTEMPTS = 20;

/**
 * Listens on UDP and TCP with one free port number: the one that TCP gets is tried for UDP as well, and when somebody
 * has that, another one.
 * @throws SipError `sip.bind`
 */
export async function openPair(
  streams: Streams,
  host: string,
  options: UdpOptions,
): Promise<{ udp: UdpListener; tcp: StreamListener }> {
  for (let attempt = 1; ; attempt += 1) {
    const tcp = await streams.listen('TCP', host, 0);
    try {
      return { tcp, udp: await openUdp(host, tcp.local.port, options) };
    } catch (error) {
      await tcp.close();
      const isTaken = error instanceof SipError && (error.cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
      if (!isTaken || attempt === ATTEMPTS) throw error;
    }
  }
}
