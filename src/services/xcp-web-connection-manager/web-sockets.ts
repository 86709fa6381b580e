import { WebSocketServer } from 'ws';
import type { Clock } from '../../platform/clock.ts';
import type { UpgradeHandler } from '../../platform/https-listener.ts';
import { plainAddress } from '../../platform/networks.ts';
import { type ClientIntake, createWebSocketTransport } from '../../xmpp/xmpp.ts';

export interface WebSocketsNeeds {
  readonly intake: ClientIntake;
  readonly clock: Clock;
  readonly isAllowedOrigin: (origin: string | undefined) => boolean;
  readonly onFailure: () => void;
}

/** XMPP over WebSocket (RFC 7395): the upgrade, and nothing but text frames behind it. */
export function createWebSockets(needs: WebSocketsNeeds, options: { readonly stanzaBytes: number }): UpgradeHandler {
  const { intake, clock } = needs;
  const server = new WebSocketServer({
    noServer: true,
    // Names the protocol only to a client that speaks it.
    handleProtocols: (protocols) => (protocols.has('xmpp') ? 'xmpp' : false),
    maxPayload: options.stanzaBytes,
    perMessageDeflate: false,
    clientTracking: false,
  });
  return (request, socket, head) => {
    const refuse = (status: string): void => {
      needs.onFailure();
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    };
    socket.on('error', () => undefined);
    // RFC 7395 3.1: a client must ask for the subprotocol.
    const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    if (!protocols.includes('xmpp')) return refuse('400 Bad Request');
    if (!needs.isAllowedOrigin(request.headers.origin)) return refuse('403 Forbidden');
    const address = plainAddress(request.socket.remoteAddress ?? '');
    const place = intake.admit(address);
    if (place === undefined) return refuse('503 Service Unavailable');
    socket.once('close', () => place[Symbol.dispose]());
    server.handleUpgrade(request, socket, head, (webSocket) => {
      intake.serve(createWebSocketTransport(webSocket, { clock, isSecure: true }), address, false);
    });
  };
}
