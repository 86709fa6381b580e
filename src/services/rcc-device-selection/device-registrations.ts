import type { SipBinding, SipRegistrationDatastore } from '../sip-registration-datastore/sip-registration-datastore.ts';

/** Which phones are registered now. */
export interface DeviceRegistrations {
  /** @param device name, in any case */
  isRegistered(device: string): boolean;
  /** Hears the name of each phone that has come or gone, in upper case. */
  onChange(listener: (device: string) => void): Disposable;
}

/** The parameter of Contact in which phones of CUCM tell their name. */
const DEVICE_NAME = '+u.sip!devicename.ccm.cisco.com';
/** RFC 5626 4.1: a phone without a clock or a disk makes its UUID of its MAC address. */
const MAC_AT_END = /^<urn:uuid:00000000-0000-[0-9a-f]{4}-[0-9a-f]{4}-([0-9a-f]{12})>$/i;

/**
 * Registrations as the SIP Registration Datastore hears them. What is there before the first call of it is not seen, so
 * it is made before the store is filled.
 */
export function createSipDeviceRegistrations(
  store: Pick<SipRegistrationDatastore, 'watch'>,
): DeviceRegistrations & Disposable {
  const bindings = new Map<string, Set<string>>();
  const listeners = new Set<(device: string) => void>();
  const watch = store.watch(({ kind, binding }) => {
    const device = deviceOf(binding);
    if (device === null) return;
    const before = bindings.get(device);
    const held = before ?? new Set<string>();
    const key = `${binding.address} ${binding.contact}`;
    if (kind === 'removed' || kind === 'expired') held.delete(key);
    else held.add(key);
    if (held.size === 0) bindings.delete(device);
    else bindings.set(device, held);
    if ((before === undefined) !== (held.size === 0)) for (const listener of listeners) listener(device);
  });
  return {
    isRegistered: (device) => bindings.has(device.toUpperCase()),
    onChange(listener) {
      const own = (device: string): void => listener(device);
      listeners.add(own);
      return { [Symbol.dispose]: () => void listeners.delete(own) };
    },
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}

/** The phone that a binding stands for: by name, or by the MAC address of its instance; null for other clients. */
export function deviceOf({ params, outbound }: Pick<SipBinding, 'params' | 'outbound'>): string | null {
  const name = params[DEVICE_NAME];
  if (name !== undefined && name !== '') return name.toUpperCase();
  const mac = MAC_AT_END.exec(outbound?.instance ?? params['+sip.instance'] ?? '')?.[1];
  return mac === undefined ? null : `SEP${mac.toUpperCase()}`;
}
