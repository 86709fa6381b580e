import type { Socket } from 'node:net';
import type { Metrics } from './metrics.ts';
import { plainAddress } from './networks.ts';

export interface ConnectionLimits {
  /** Connections that one address may hold open to all listeners together; those of exempt addresses have no cap. */
  readonly perAddress: number;
  /** Connections of everybody to all listeners together. */
  readonly total: number;
  readonly isExempt: (address: string) => boolean;
}

/** The cap on connections, one for all HTTP listeners of a node (docs/http.md). */
export interface ConnectionCap {
  /** Counts a connection until it closes; false: it is one too many, and is to be closed without a word. */
  admit(listener: string, socket: Socket): boolean;
}

export function createConnectionCap(limits: ConnectionLimits, metrics: Metrics): ConnectionCap {
  const open = metrics.gauge('http_connections', 'Connections open to an HTTP listener', ['listener']);
  const refused = metrics.counter(
    'http_connections_refused_total',
    'Connections refused since the start of the node: too many of one address, or of all',
    ['listener', 'limit'],
  );
  const perAddress = new Map<string, number>();
  let total = 0;
  return {
    admit(listener, socket) {
      const address = plainAddress(socket.remoteAddress ?? '');
      const held = perAddress.get(address) ?? 0;
      const isOneTooMany = held >= limits.perAddress && !limits.isExempt(address);
      if (isOneTooMany || total >= limits.total) {
        refused.labels(listener, isOneTooMany ? 'address' : 'total').inc();
        return false;
      }
      total += 1;
      perAddress.set(address, held + 1);
      open.labels(listener).inc();
      socket.once('close', () => {
        total -= 1;
        open.labels(listener).dec();
        const left = (perAddress.get(address) ?? 1) - 1;
        if (left > 0) perAddress.set(address, left);
        else perAddress.delete(address);
      });
      return true;
    },
  };
}
