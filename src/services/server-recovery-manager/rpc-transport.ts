import type { Clock } from '../../platform/clock.ts';
import type { TlsMaterial } from '../../platform/https-listener.ts';
import type { Log } from '../../platform/log.ts';
import { createRpcClient, type RpcClient } from '../../rpc/client.ts';
import { RpcError } from '../../rpc/errors.ts';
import { createRpcServer, rpcMethod } from '../../rpc/server.ts';
import { beatSchema, goodbyeSchema, type PeerAddress, type PeerTransport, requestSchema } from './beat.ts';

/** A node that does not answer a heartbeat within this has missed it. */
const CALL_TIMEOUT_MS = 5_000;

export interface RpcTransportNeeds {
  readonly tls: { readonly node: TlsMaterial; readonly ca: string };
  readonly bind: string;
  /** The Service Port: of this node, and of the others. */
  readonly port: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Heartbeats and requests as JSON-RPC lines over mutual TLS: only nodes with a certificate of our authority are heard. */
export function createRpcTransport(needs: RpcTransportNeeds): PeerTransport & AsyncDisposable {
  const clients = new Map<string, RpcClient>();
  const { tls, clock, log, port } = needs;
  const clientOf = (to: PeerAddress): RpcClient => {
    const known = clients.get(to.address);
    if (known) return known;
    const client = createRpcClient({
      address: () => ({ host: to.address, port }),
      tls,
      clock,
      log,
      timeoutMs: CALL_TIMEOUT_MS,
    });
    clients.set(to.address, client);
    return client;
  };
  return {
    async listen(handlers) {
      const server = createRpcServer({
        name: 'server recovery manager',
        tls,
        clock,
        log,
        methods: {
          beat: rpcMethod({ params: beatSchema, handle: (beat) => handlers.beat(beat) }),
          goodbye: rpcMethod({ params: goodbyeSchema, handle: async (goodbye) => handlers.goodbye(goodbye) }),
          request: rpcMethod({ params: requestSchema, handle: (request) => handlers.request(request) }),
        },
      });
      await server.listen(needs.bind, port);
      return { [Symbol.asyncDispose]: () => server.close() };
    },
    async beat(to, beat) {
      const answer = beatSchema.safeParse(await clientOf(to).call('beat', beat));
      if (!answer.success) throw new RpcError('rpc.bad-answer', `${to.name} does not answer heartbeats as it should`);
      return answer.data;
    },
    async goodbye(to, goodbye) {
      await clientOf(to).call('goodbye', goodbye);
    },
    async request(to, request) {
      await clientOf(to).call('request', request);
    },
    async [Symbol.asyncDispose]() {
      const open = [...clients.values()];
      clients.clear();
      await Promise.all(open.map((client) => client[Symbol.asyncDispose]()));
    },
  };
}
