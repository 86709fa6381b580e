import { BlockList, isIP } from 'node:net';
import type { AclEntry } from '../../../rpc/sip-proxy/configuration.ts';
import { bareHost } from '../../../sip/transport/flow.ts';

/** An access control list: who is on it is trusted (incoming), or may be sent to (outgoing). */
export interface AccessList {
  readonly isEmpty: boolean;
  /** Names whose addresses count as well, once they are known. */
  readonly names: readonly string[];
  /** A host as it is written: a name, or an address. */
  coversHost(host: string): boolean;
  /** An address of which names are known that lead to it; names of a verified certificate count as names. */
  coversAddress(address: string, namesOf: AddressBook, peerNames: readonly string[]): boolean;
}

/** Which addresses a name has, as far as that is known now. */
export type AddressBook = (name: string) => readonly string[];

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Entries that were generated from the server lists give no right to the loopback address or to the node's own: on
 * either everybody of this machine would be trusted. An administrator may still name them.
 * @param ownAddress of this node
 */
export function createAccessList(entries: readonly AclEntry[], ownAddress: string): AccessList {
  const set = new BlockList();
  const generated = new BlockList();
  const names = new Map<string, { isGenerated: boolean }>();
  let isAll = false;
  for (const { pattern, isGenerated } of entries) {
    const [address = '', bits] = pattern.split('/');
    const family = isIP(address);
    if (pattern === 'all') isAll = true;
    else if (family === 0) names.set(pattern.toLowerCase(), { isGenerated });
    else {
      const list = isGenerated ? generated : set;
      if (bits === undefined) list.addAddress(address, family === 6 ? 'ipv6' : 'ipv4');
      else list.addSubnet(address, Number(bits), family === 6 ? 'ipv6' : 'ipv4');
    }
  }
  const holds = (list: BlockList, address: string): boolean => {
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
  };
  const isOwn = (address: string): boolean => address === ownAddress || holds(LOOPBACK, address);
  return {
    isEmpty: entries.length === 0,
    names: [...names.keys()],
    coversHost(host) {
      const bare = bareHost(host).toLowerCase();
      return isAll || names.has(bare) || holds(set, bare) || holds(generated, bare);
    },
    coversAddress(address, namesOf, peerNames) {
      if (isAll || holds(set, address)) return true;
      if (holds(generated, address) && !isOwn(address)) return true;
      if (peerNames.some((name) => names.has(name.replace(/^(?:DNS|CN|IP Address):/, '').toLowerCase()))) return true;
      for (const [name, { isGenerated }] of names) {
        if (namesOf(name).includes(address) && !(isGenerated && isOwn(address))) return true;
      }
      return false;
    },
  };
}
