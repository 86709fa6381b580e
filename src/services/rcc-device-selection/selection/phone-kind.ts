/** Products of CUCM that are programs on a computer, tablet or mobile phone. */
const SOFT_PRODUCTS: ReadonlySet<string> = new Set(
  [
    'Cisco Unified Client Services Framework',
    'Cisco Unified Personal Communicator',
    'Cisco IP Communicator',
    'Cisco Dual Mode for Android',
    'Cisco Dual Mode for iPhone',
    'Cisco Jabber for Tablet',
  ].map((product) => product.toLowerCase()),
);

/** Whether a device is a program or a telephone, by its product. */
export function phoneKind(product: string): 'soft' | 'hard' {
  return SOFT_PRODUCTS.has(product.toLowerCase()) ? 'soft' : 'hard';
}
