import { BlockList, isIP } from 'node:net';

/** A set of addresses and networks. */
export interface Networks {
  /** Whether an address is in it; what is no IP address is not. */
  has(address: string): boolean;
}

/** @param networks addresses and networks (`10.0.0.0/8`), IPv4 and IPv6. */
export function createNetworks(networks: readonly string[]): Networks {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return {
    has(address) {
      const plain = plainAddress(address);
      const family = isIP(plain);
      return family !== 0 && list.check(plain, family === 6 ? 'ipv6' : 'ipv4');
    },
  };
}

/** An IPv4 client on a dual-stack socket shows as `::ffff:a.b.c.d`; it is the same client as on another. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
