import { isIP } from 'node:net';
import { SipError } from '../errors.ts';
import { bareHost, defaultPort, type Hop, type SipTransport, sipTransport } from '../transport/flow.ts';
import type { Uri } from '../values/uri.ts';
import { type SrvRecord, srvOrder } from './srv-order.ts';

/** What is asked of DNS; `Resolver` of `node:dns/promises` is one. */
export interface LocatorResolver {
  resolveNaptr(name: string): Promise<
    readonly {
      readonly service: string;
      readonly replacement: string;
      readonly order: number;
      readonly preference: number;
    }[]
  >;
  resolveSrv(name: string): Promise<readonly SrvRecord[]>;
  resolve4(name: string): Promise<readonly string[]>;
  resolve6(name: string): Promise<readonly string[]>;
}

export interface LocatorNeeds {
  readonly resolver: LocatorResolver;
  /** Asked for the addresses of names that DNS does not know: the machine's own hosts file. */
  readonly lookup: (name: string) => Promise<readonly string[]>;
  readonly random: () => number;
  /** What this endpoint can send over. */
  readonly transports: () => readonly SipTransport[];
  /** Address families that it can reach. */
  readonly families: readonly (4 | 6)[];
}

/** Finds the servers of a URI, in the order in which they are to be tried (RFC 3263 4). */
export interface Locator {
  /** @throws SipError `sip.unresolved`; for a scheme other than sip and sips with 416, for a transport we lack with 503 */
  locate(uri: Uri): Promise<readonly Hop[]>;
}

/** NAPTR services by the transport they stand for. */
const SERVICES: Readonly<Record<string, SipTransport>> = { 'SIP+D2U': 'UDP', 'SIP+D2T': 'TCP', 'SIPS+D2T': 'TLS' };
const SRV_PREFIX: Readonly<Record<SipTransport, string>> = { UDP: '_sip._udp.', TCP: '_sip._tcp.', TLS: '_sips._tcp.' };
/** The order of SRV queries without NAPTR; the better protected first. */
const SRV_ORDER: readonly SipTransport[] = ['TLS', 'TCP', 'UDP'];

interface Service {
  readonly transport: SipTransport;
  readonly name: string;
}

export function createLocator(needs: LocatorNeeds): Locator {
  /** Names that do not exist answer nothing; what went wrong otherwise is kept for the message. */
  const ask = async <T>(query: () => Promise<readonly T[]>, troubles: unknown[]): Promise<readonly T[]> => {
    try {
      return await query();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOTFOUND' && code !== 'ENODATA') troubles.push(error);
      return [];
    }
  };

  const addressesOf = async (name: string, troubles: unknown[]): Promise<readonly string[]> => {
    if (isIP(name) !== 0) return [name];
    const answers = await Promise.all(
      needs.families.map((family) =>
        ask(() => (family === 4 ? needs.resolver.resolve4(name) : needs.resolver.resolve6(name)), troubles),
      ),
    );
    const found = answers.flat();
    return found.length > 0 ? found : ask(() => needs.lookup(name), troubles);
  };

  const servicesOf = async (host: string, isSecure: boolean, troubles: unknown[]): Promise<readonly Service[]> => {
    const records = await ask(() => needs.resolver.resolveNaptr(host), troubles);
    const services = [...records]
      .sort((a, b) => a.order - b.order || a.preference - b.preference)
      .flatMap(({ service, replacement }) => {
        const transport = SERVICES[service.toUpperCase()];
        return transport === undefined ? [] : [{ transport, name: replacement }];
      });
    const all =
      services.length > 0
        ? services
        : SRV_ORDER.map((transport) => ({ transport, name: SRV_PREFIX[transport] + host }));
    return all.filter(({ transport }) => needs.transports().includes(transport) && (!isSecure || transport === 'TLS'));
  };

  const serversOf = async (
    { transport, name }: Service,
    host: string,
    troubles: unknown[],
  ): Promise<readonly Hop[]> => {
    const records = await ask(() => needs.resolver.resolveSrv(name), troubles);
    const hops: Hop[] = [];
    // RFC 2782: a single record with the target "." says that there is no such service.
    for (const record of srvOrder(
      records.filter((each) => each.name !== '.' && each.name !== ''),
      needs.random,
    )) {
      for (const address of await addressesOf(record.name, troubles)) {
        hops.push(hopTo(transport, address, record.port, host));
      }
    }
    return hops;
  };

  return {
    async locate(uri) {
      if (uri.kind !== 'sip') throw unresolved(`no way to a ${uri.scheme} URI`, 416, 'Unsupported URI Scheme');
      const isSecure = uri.scheme === 'sips';
      const host = bareHost(uri.params.get('maddr') ?? uri.host).replace(/\.$/, '');
      const asked = uri.params.get('transport');
      const named = asked === undefined ? undefined : sipTransport(asked);
      if (asked !== undefined && named === undefined)
        throw unresolved('a transport that is not spoken here', 503, 'Service Unavailable');
      const transport = isSecure && named !== undefined ? 'TLS' : named;
      const fallback = transport ?? (isSecure ? 'TLS' : 'UDP');
      const troubles: unknown[] = [];
      let hops: readonly Hop[] = [];
      if (isIP(host) === 0 && uri.port === undefined) {
        const services =
          transport === undefined
            ? await servicesOf(host, isSecure, troubles)
            : [{ transport, name: SRV_PREFIX[transport] + host }];
        for (const service of services) hops = [...hops, ...(await serversOf(service, host, troubles))];
      }
      if (hops.length === 0) {
        const port = uri.port ?? defaultPort(fallback);
        hops = (await addressesOf(host, troubles)).map((address) => ({
          ...hopTo(fallback, address, port, host),
          ...(transport === undefined ? { isTransportOpen: true } : {}),
        }));
      }
      const usable = hops.filter((hop) => needs.transports().includes(hop.transport));
      if (usable.length > 0) return usable;
      const why = hops.length > 0 ? `${host} is reached by no transport of ours` : `no server is known for ${host}`;
      throw unresolved(why, 503, 'Service Unavailable', troubles[0]);
    },
  };
}

function hopTo(transport: SipTransport, address: string, port: number, serverName: string): Hop {
  return transport === 'TLS' ? { transport, address, port, serverName } : { transport, address, port };
}

function unresolved(message: string, status: number, reason: string, cause?: unknown): SipError {
  return new SipError('sip.unresolved', message, { answer: { status, reason }, cause });
}
