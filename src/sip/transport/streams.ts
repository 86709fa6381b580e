import {
  type AddressInfo,
  connect as connectTcp,
  createServer as createTcpServer,
  isIP,
  type Server,
  type Socket,
} from 'node:net';
import {
  connect as connectTls,
  createServer as createTlsServer,
  type TLSSocket,
  type Server as TlsServer,
} from 'node:tls';
import type { Clock } from '../../platform/clock.ts';
import { SipError } from '../errors.ts';
import type { SipStatistics } from '../statistics.ts';
import { type Connection, type ConnectionHandlers, createConnection } from './connection.ts';
import { type Hop, plainAddress, type SocketAddress } from './flow.ts';
import type { ClientCertificates, ConnectionLimits, SipTlsOptions } from './options.ts';
import { checkSipIdentity } from './peer-identity.ts';

export interface StreamsNeeds extends ConnectionHandlers {
  readonly clock: Clock;
  readonly limits: ConnectionLimits;
  readonly statistics: SipStatistics;
  readonly tls: SipTlsOptions | undefined;
  /** Addresses that no cap per address counts. */
  readonly isExempt: (address: string) => boolean;
  readonly onTrouble: (what: string, error: Error) => void;
}

export interface StreamListener {
  readonly local: SocketAddress;
  /** Stops listening; connections go on. */
  close(): Promise<void>;
}

/** All TCP and TLS connections of an endpoint, those that came in and those that we made. */
export interface Streams {
  /**
   * @param certificates what is asked of clients over TLS; default: what the options of TLS say
   * @throws SipError `sip.bind`
   */
  listen(
    transport: 'TCP' | 'TLS',
    host: string,
    port: number,
    certificates?: ClientCertificates,
  ): Promise<StreamListener>;
  /** The open connection to the hop, or a new one. @throws SipError `sip.unreachable`, `sip.certificate`, `sip.timeout` */
  connect(hop: Hop): Promise<Connection>;
  find(id: string): Connection | undefined;
  /** Uses a connection that came in for requests to the address that its peer advertises (RFC 5923 5). */
  alias(connection: Connection, port: number): void;
  /** New key and certificate for connections to come. */
  renew(tls: SipTlsOptions): void;
  sweep(): void;
  /** Stops listening, ends every connection and waits for it. */
  close(): Promise<void>;
}

const keyOf = (transport: string, address: string, port: number, serverName = ''): string =>
  `${transport} ${address} ${port} ${serverName}`;

export function createStreams(needs: StreamsNeeds): Streams {
  const { clock, limits, statistics } = needs;
  const servers: { readonly server: Server | TlsServer; readonly closed: Promise<void> }[] = [];
  const connections = new Map<string, Connection>();
  const perAddress = new Map<string, number>();
  /** Connections by where they lead, so that they are used again. */
  const routes = new Map<string, Promise<Connection>>();
  let tls = needs.tls;
  let count = 0;
  let isClosing = false;

  const adopt = (socket: Socket | TLSSocket, transport: 'TCP' | 'TLS'): Connection => {
    count += 1;
    socket.setNoDelay(true);
    const connection = createConnection(socket, transport, `c${count}`, needs);
    connections.set(connection.id, connection);
    statistics.connections = connections.size;
    connection.onClose(() => {
      connections.delete(connection.id);
      statistics.connections = connections.size;
    });
    return connection;
  };

  /** Counted from the first packet on, so that a handshake which never ends counts as well. */
  const admit = (socket: Socket): boolean => {
    const address = plainAddress(socket.remoteAddress);
    const held = perAddress.get(address) ?? 0;
    const total = connections.size;
    if (isClosing || total >= limits.total || (held >= limits.perAddress && !needs.isExempt(address))) {
      statistics.connectionsRefused += 1;
      socket.destroy();
      return false;
    }
    perAddress.set(address, held + 1);
    socket.once('close', () => {
      const left = (perAddress.get(address) ?? 1) - 1;
      if (left > 0) perAddress.set(address, left);
      else perAddress.delete(address);
    });
    return true;
  };

  const createServer = (transport: 'TCP' | 'TLS', certificates: ClientCertificates | undefined): Server | TlsServer => {
    if (transport === 'TCP') {
      return createTcpServer((socket) => {
        if (admit(socket)) adopt(socket, 'TCP');
      });
    }
    if (tls === undefined) throw new SipError('sip.bind', 'SIP cannot listen with TLS: there is no certificate');
    const server = createTlsServer({ ...tlsServerOptions(tls, certificates), handshakeTimeout: limits.messageMs });
    server.on('connection', admit);
    server.on('secureConnection', (socket) => adopt(socket, 'TLS'));
    server.on('tlsClientError', (error) => needs.onTrouble('TLS handshake failed', error));
    return server;
  };

  const open = (hop: Hop): Promise<Connection> =>
    new Promise((resolve, reject) => {
      const where = `${hop.address}:${hop.port}`;
      const socket = hop.transport === 'TLS' ? openTls(hop, tls) : connectTcp({ host: hop.address, port: hop.port });
      const timer = clock.schedule(limits.connectMs, () => {
        socket.destroy(new SipError('sip.timeout', `${where} does not take the connection in time`));
      });
      const onError = (error: Error): void => {
        timer[Symbol.dispose]();
        reject(error instanceof SipError ? error : connectError(error, where));
      };
      socket.once('error', onError);
      socket.once(hop.transport === 'TLS' ? 'secureConnect' : 'connect', () => {
        timer[Symbol.dispose]();
        socket.off('error', onError);
        if (isClosing) {
          socket.destroy();
          reject(new SipError('sip.closed', 'the SIP endpoint is closing'));
        } else resolve(adopt(socket, hop.transport === 'TLS' ? 'TLS' : 'TCP'));
      });
    });

  const remember = (key: string, connection: Connection): void => {
    const known = Promise.resolve(connection);
    routes.set(key, known);
    connection.onClose(() => {
      if (routes.get(key) === known) routes.delete(key);
    });
  };

  return {
    async listen(transport, host, port, certificates) {
      const server = createServer(transport, certificates);
      await new Promise<void>((resolve, reject) => {
        server.once('error', (cause) => {
          reject(new SipError('sip.bind', `SIP cannot listen on ${transport} ${host}:${port}`, { cause }));
        });
        server.listen({ host, port, exclusive: true }, () => {
          server.removeAllListeners('error');
          resolve();
        });
      });
      server.on('error', (error) => needs.onTrouble('a listener failed', error));
      const closed = new Promise<void>((resolve) => server.once('close', () => resolve()));
      servers.push({ server, closed });
      const { address, port: bound } = server.address() as AddressInfo;
      return {
        local: { address, port: bound },
        close() {
          server.close();
          return closed;
        },
      };
    },
    async connect(hop) {
      if (isClosing) throw new SipError('sip.closed', 'the SIP endpoint is closing');
      const key = keyOf(hop.transport, hop.address, hop.port, hop.transport === 'TLS' ? hop.serverName : '');
      const known = routes.get(key);
      if (known !== undefined) {
        const connection = await known;
        if (connection.isOpen) return connection;
        routes.delete(key);
      }
      const opening = open(hop);
      routes.set(key, opening);
      try {
        const connection = await opening;
        if (routes.get(key) === opening) remember(key, connection);
        return connection;
      } catch (error) {
        if (routes.get(key) === opening) routes.delete(key);
        throw error;
      }
    },
    find: (id) => connections.get(id),
    alias(connection, port) {
      for (const name of ['', ...connection.peerNames.map((each) => each.replace(/^[^:]*:(?:sips?:)?/i, ''))]) {
        remember(keyOf(connection.transport, connection.remote.address, port, name), connection);
      }
    },
    renew(renewed) {
      tls = renewed;
      for (const { server } of servers) {
        if ('setSecureContext' in server) server.setSecureContext(tlsServerOptions(renewed));
      }
    },
    sweep() {
      for (const connection of connections.values()) connection.sweep();
    },
    async close() {
      isClosing = true;
      for (const { server } of servers) server.close();
      const ends = [...connections.values()].map(
        (connection) => new Promise<void>((resolve) => connection.onClose(() => resolve())),
      );
      for (const connection of connections.values()) connection.end();
      await Promise.all([...ends, ...servers.map(({ closed }) => closed)]);
    },
  };
}

function tlsServerOptions(tls: SipTlsOptions, certificates: ClientCertificates = tls.clientCertificates) {
  return {
    key: tls.key,
    cert: tls.cert,
    ca: tls.ca,
    minVersion: 'TLSv1.2' as const,
    requestCert: certificates !== 'none',
    rejectUnauthorized: certificates === 'required',
  };
}

function openTls(hop: Hop, tls: SipTlsOptions | undefined): TLSSocket {
  if (tls === undefined) throw new SipError('sip.certificate', 'there are no authorities to verify a TLS peer with');
  const name = hop.serverName ?? hop.address;
  return connectTls({
    host: hop.address,
    port: hop.port,
    ca: tls.ca,
    key: tls.key,
    cert: tls.cert,
    minVersion: 'TLSv1.2',
    // Server Name Indication carries no addresses (RFC 6066 3).
    ...(isIP(name) === 0 ? { servername: name } : {}),
    checkServerIdentity: (_host, certificate) => checkSipIdentity(name, certificate),
  });
}

function connectError(cause: Error, where: string): SipError {
  const code = String((cause as NodeJS.ErrnoException).code ?? '');
  if (/CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(code)) {
    return new SipError('sip.certificate', `the certificate of ${where} is refused`, { cause });
  }
  return new SipError('sip.unreachable', `${where} cannot be reached`, { cause });
}
