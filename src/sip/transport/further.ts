import { openPair } from './bind.ts';
import type { Streams } from './streams.ts';
import { openUdp, type UdpListener, type UdpOptions } from './udp.ts';

/** A listener beside the three that Via names: what comes in there is answered there, what we send does not name it. */
export interface FurtherListener {
  readonly name: string;
  /** `peer-tls`: peers must show a certificate that the authorities verify. */
  readonly kind: 'udp-and-tcp' | 'tcp' | 'peer-tls';
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
}

/** One that is open. Streams are closed together with the others of the endpoint. */
export interface OpenedFurther {
  readonly name: string;
  readonly port: number;
  readonly udp: UdpListener | undefined;
}

/** @throws SipError `sip.bind` naming transport, address and port */
export async function openFurther(
  { name, kind, host, port }: FurtherListener,
  streams: Streams,
  udpOptions: UdpOptions,
): Promise<OpenedFurther> {
  if (kind === 'udp-and-tcp') {
    if (port === 0) {
      const { udp } = await openPair(streams, host, udpOptions);
      return { name, port: udp.local.port, udp };
    }
    const udp = await openUdp(host, port, udpOptions);
    try {
      await streams.listen('TCP', host, port);
    } catch (error) {
      await udp.close();
      throw error;
    }
    return { name, port, udp };
  }
  const { local } =
    kind === 'tcp' ? await streams.listen('TCP', host, port) : await streams.listen('TLS', host, port, 'required');
  return { name, port: local.port, udp: undefined };
}
