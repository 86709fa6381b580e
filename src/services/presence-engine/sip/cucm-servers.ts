import { lookup as machineLookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Ids } from '../../../ids/ids.ts';
import { createNetworks } from '../../../platform/networks.ts';
import type { EngineConfiguration } from '../../../rpc/presence-engine/configuration.ts';
import type { ServerTransaction } from '../../../sip/transaction/server-transaction.ts';
import { bareHost } from '../../../sip/transport/flow.ts';

export interface CucmServersNeeds {
  readonly ids: Ids;
  readonly configuration: () => EngineConfiguration;
  /** Absent: the machine's. */
  readonly lookup?: (name: string) => Promise<readonly string[]>;
}

/** Which requests come from CUCM's SIP trunk. */
export interface CucmServers {
  /** By the address that sent it to the first node of ours, whatever it says of itself. */
  isSender(transaction: ServerTransaction): boolean;
  /** Learns the servers and their addresses anew: to be called once a minute. */
  refresh(): Promise<void>;
}

export const REFRESH_MS = 60_000;

/**
 * CUCM's servers are the presence gateways of that type, and those that CUCM lists itself. The latter give no right to
 * the loopback address or to the node's own: on either everybody of this machine would be CUCM.
 */
export function createCucmServers({ ids, configuration, lookup = lookupName }: CucmServersNeeds): CucmServers {
  const own = createNetworks(['127.0.0.0/8', '::1']);
  let servers: ReadonlySet<string> = new Set();
  let nodes: ReadonlySet<string> = new Set();

  const addressesOf = async (names: readonly string[]): Promise<readonly string[]> => {
    // A name that DNS does not know is nobody's, and that is no failure of ours.
    const found = await Promise.all(names.map((name) => (isIP(name) ? [name] : lookup(name).catch(() => []))));
    return found.flat();
  };

  return {
    isSender({ request, flow }) {
      // The topmost Via is that of the proxy which we trust; each proxy has noted where the one below it came from.
      const below = request.headers.list('via').slice(1);
      const senders = below.map(({ host, params }) => params.get('received') ?? bareHost(host));
      return servers.has(senders.find((address) => !nodes.has(address)) ?? flow.remote.address);
    },
    async refresh() {
      const { gateways } = configuration();
      const listed = await ids.read
        .selectFrom('processnode')
        .select('name')
        .where('role', '=', 'CUCM Voice/Video')
        .execute();
      const cluster = await ids.read.selectFrom('enterprisenode').select('address').execute();
      const ofNodes = new Set(await addressesOf(cluster.map(({ address }) => address)));
      const told = await addressesOf(gateways.filter(({ type }) => type === 'CUCM').map(({ address }) => address));
      const ofCucm = await addressesOf(listed.map(({ name }) => name));
      servers = new Set([...told, ...ofCucm.filter((address) => !own.has(address) && !ofNodes.has(address))]);
      nodes = ofNodes;
    },
  };
}

async function lookupName(name: string): Promise<readonly string[]> {
  return (await machineLookup(name, { all: true })).map(({ address }) => address);
}
