import { z } from 'zod';
import type { Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import { describeError, ImpError } from '../../platform/errors.ts';
import type { TlsMaterial } from '../../platform/https-listener.ts';
import type { Log } from '../../platform/log.ts';
import type { Scope } from '../../platform/service.ts';
import { createRpcClient, type RpcClient } from '../../rpc/client.ts';
import { createRpcServer, type RpcServer, rpcMethod } from '../../rpc/server.ts';

export interface HeartbeatNeeds {
  readonly service: string;
  readonly nodeName: string;
  readonly tls: { readonly node: TlsMaterial; readonly ca: string };
  /** Where this node listens, and the port at which the others do. */
  readonly host: string;
  readonly port: number;
  readonly alarms: Alarms;
  readonly clock: Clock;
  readonly log: Log;
}

export interface OtherNode {
  readonly name: string;
  readonly address: string;
}

export interface Heartbeats {
  /** Opens the port once there is another node, and calls each of the others. */
  beat(others: readonly OtherNode[]): Promise<void>;
  /** `hears imp2`; '' while the node is alone. */
  detail(): string;
  renewTls(tls: HeartbeatNeeds['tls']): void;
}

/** Calls without an answer before the network is said to be out. */
const MISSED = 3;
const TIMEOUT_MS = 3_000;
const OUTAGE = 'EspConfigAgentNetworkOutage';
const RESTORED = 'EspConfigAgentNetworkRestored';

interface Other {
  readonly client: RpcClient;
  address: string;
  missed: number;
}

/** Config Agents of a cluster call each other, so that each knows of a network that is out (docs/services/config-agent.md). */
export function createHeartbeats(needs: HeartbeatNeeds, scope: Scope): Heartbeats {
  const { alarms, clock, log, service } = needs;
  const known = new Map<string, Other>();
  let server: RpcServer | undefined;
  let silent = '';

  const listen = async (): Promise<void> => {
    const made = createRpcServer({
      ...{ name: 'the heartbeat port of the Config Agent', tls: needs.tls, clock, log },
      methods: {
        heartbeat: rpcMethod({
          params: z.strictObject({ node: z.string() }),
          handle: async () => ({ node: needs.nodeName }),
        }),
      },
    });
    await made.listen(needs.host, needs.port);
    scope.defer(() => made.close());
    server = made;
  };

  const otherOf = ({ name, address }: OtherNode): Other => {
    const found = known.get(name);
    if (found) {
      found.address = address;
      return found;
    }
    const made: Other = {
      client: createRpcClient({
        ...{ tls: needs.tls, clock, log, timeoutMs: TIMEOUT_MS },
        address: () => ({ host: made.address, port: needs.port }),
      }),
      address,
      missed: 0,
    };
    scope.defer(async () => void (await made.client[Symbol.asyncDispose]()));
    known.set(name, made);
    return made;
  };

  const call = async (other: OtherNode): Promise<void> => {
    const state = otherOf(other);
    try {
      await state.client.call('heartbeat', { node: needs.nodeName }, scope.signal);
      state.missed = 0;
    } catch (error) {
      if (scope.signal.aborted) return;
      state.missed += 1;
      log.debug({ node: other.name, missed: state.missed, err: describeError(error) }, 'heartbeat not answered');
    }
  };

  const report = (trouble: string): void => {
    if (trouble !== '') alarms.raise(service, OUTAGE, 4, trouble);
    else if (silent !== '') {
      alarms.clear(service, OUTAGE);
      // An event: it stands in the history, and asks nobody for anything.
      alarms.raise(service, RESTORED, 4, `over: ${silent}`);
      alarms.clear(service, RESTORED);
    }
    silent = trouble;
  };

  return {
    async beat(others) {
      for (const name of known.keys()) if (!others.some((each) => each.name === name)) known.delete(name);
      // Port 0 is one that nobody else could know.
      if (others.length === 0 || needs.port === 0) {
        report('');
        return;
      }
      let closed = '';
      try {
        if (server === undefined) await listen();
      } catch (error) {
        if (!(error instanceof ImpError)) throw error;
        closed = error.message;
      }
      await Promise.all(others.map(call));
      const away = others.filter(({ name }) => (known.get(name)?.missed ?? 0) >= MISSED);
      const names = away.map(({ name, address }) => `${name} (${address}) does not answer on port ${needs.port}`);
      report([...(closed === '' ? [] : [closed]), ...names].join('; '));
    },
    detail() {
      const heard = [...known].filter(([, { missed }]) => missed < MISSED).map(([name]) => name);
      if (known.size === 0) return '';
      return heard.length === 0 ? 'hears no other node' : `hears ${heard.join(', ')}`;
    },
    renewTls: (tls) => server?.renew(tls),
  };
}
