import { BlockList, isIP } from 'node:net';

/** Judges where applications may have themselves called. */
export interface CallbackTargets {
  isAllowed(address: string): boolean;
}

/**
 * Never called, whatever the configuration says: link-local addresses, behind which cloud machines keep their
 * credentials, and the addresses outside of that range at which some keep them.
 */
const NEVER: readonly string[] = [
  '169.254.0.0/16',
  'fe80::/10',
  'fd00:ec2::254/128',
  '100.100.100.200/32',
  '168.63.129.16/32',
  '192.0.0.192/32',
];

/** @param networks addresses and networks (`10.0.0.0/8`) that may be called; none given: all. */
export function createCallbackTargets(networks: readonly string[]): CallbackTargets {
  const never = toBlockList(NEVER);
  const allowed = networks.length === 0 ? undefined : toBlockList(networks);
  return {
    isAllowed(address) {
      const plain = withoutZone(address);
      const family = isIP(plain);
      if (family === 0) return false;
      const type = family === 6 ? 'ipv6' : 'ipv4';
      // BlockList looks through an IPv4 address that is written as IPv6.
      return !never.check(plain, type) && (allowed?.check(plain, type) ?? true);
    },
  };
}

function toBlockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const type = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, type);
    else list.addSubnet(address, Number(bits), type);
  }
  return list;
}

function withoutZone(address: string): string {
  const zone = address.indexOf('%');
  return zone < 0 ? address : address.slice(0, zone);
}

/** The IP address that a URL names; undefined when it names a host to be looked up. */
export function literalAddress(url: URL): string | undefined {
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  return isIP(host) === 0 ? undefined : host;
}
