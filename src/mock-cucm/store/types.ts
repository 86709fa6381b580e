/** Type tables: what CUCM stores as a number and AXL shows by name. */
export interface TypeRow {
  readonly enum: number;
  readonly name: string;
  readonly [column: string]: string | number | null;
}

const numbered = (names: readonly string[], from = 0): TypeRow[] =>
  names.map((name, index) => ({ enum: from + index, name }));

/** Model numbers, and whether the model speaks SIP or SCCP (docs/services/mock-cucm.md). */
const MODELS: readonly (readonly [number: number, name: string])[] = [
  [7, 'Cisco 7960'],
  [8, 'Cisco 7940'],
  [72, 'CTI Port'],
  [73, 'CTI Route Point'],
  [115, 'Cisco 7941'],
  [119, 'Cisco 7971'],
  [307, 'Cisco 7911'],
  [336, 'Third-party SIP Device (Basic)'],
  [348, 'Cisco 7931'],
  [369, 'Cisco 7906'],
  [374, 'Third-party SIP Device (Advanced)'],
  [404, 'Cisco 7962'],
  [431, 'Cisco 7937'],
  [434, 'Cisco 7942'],
  [435, 'Cisco 7945'],
  [436, 'Cisco 7965'],
  [437, 'Cisco 7975'],
  [493, 'Cisco 9971'],
  [495, 'Cisco 6921'],
  [496, 'Cisco 6941'],
  [497, 'Cisco 6961'],
  [503, 'Cisco Unified Client Services Framework'],
  [537, 'Cisco 9951'],
  [540, 'Cisco 8961'],
  [547, 'Cisco 6901'],
  [548, 'Cisco 6911'],
  [562, 'Cisco Dual Mode for iPhone'],
  [575, 'Cisco Dual Mode for Android'],
  [585, 'Cisco 8945'],
  [586, 'Cisco 8941'],
  [621, 'Cisco 7821'],
  [622, 'Cisco 7841'],
  [623, 'Cisco 7861'],
  [647, 'Cisco DX650'],
  [652, 'Cisco Jabber for Tablet'],
  [683, 'Cisco 8841'],
  [684, 'Cisco 8851'],
  [685, 'Cisco 8861'],
  [30006, 'Cisco 7970'],
  [30016, 'Cisco IP Communicator'],
  [30018, 'Cisco 7961'],
  [36213, 'Cisco 7811'],
  [36216, 'Cisco 8821'],
  [36217, 'Cisco 8811'],
  [36224, 'Cisco 8845'],
  [36225, 'Cisco 8865'],
];

export const SERVICES: readonly string[] = [
  'Enterprise Wide',
  'Cisco CallManager',
  'Cisco CTIManager',
  'Cisco Tftp',
  'Cisco AXL Web Service',
  'Cisco Database Layer Monitor',
  'Cisco Sync Agent',
  'Cisco XCP Router',
  'Cisco XCP Connection Manager',
  'Cisco XCP Authentication Service',
  'Cisco Presence Engine',
  'Cisco SIP Proxy',
  'Cisco Client Profile Agent',
  'Cisco Intercluster Sync Agent',
  'Cisco Config Agent',
  'Cisco Server Recovery Manager',
];

/** Phones are the devices of this class. */
export const PHONE_CLASS = 1;
/** Directory numbers are the patterns of this usage. */
export const DEVICE_USAGE = 2;

export const TYPE_TABLES: Readonly<Record<string, readonly TypeRow[]>> = {
  typemodel: MODELS.map(([number, name]) => ({ enum: number, name, tkclass: PHONE_CLASS })),
  typeproduct: MODELS.map(([number, name]) => ({ enum: number, name, tkmodel: number })),
  typeclass: [
    { enum: 1, name: 'Phone' },
    { enum: 2, name: 'Gateway' },
    { enum: 4, name: 'Conference Bridge' },
    { enum: 10, name: 'CTI Route Point' },
    { enum: 254, name: 'Device Profile' },
  ],
  typedeviceprotocol: [
    { enum: 0, name: 'SCCP' },
    { enum: 11, name: 'SIP' },
    { enum: 98, name: 'CTI Remote Device' },
  ],
  typedeviceprotocolside: [
    { enum: 0, name: 'Network' },
    { enum: 1, name: 'User' },
  ],
  typepatternusage: [
    { enum: 0, name: 'CallPark' },
    { enum: 1, name: 'Conference' },
    { enum: 2, name: 'Device' },
    { enum: 3, name: 'Translation' },
    { enum: 4, name: 'Call Pick Up Group' },
    { enum: 5, name: 'Route' },
    { enum: 6, name: 'Message Waiting' },
    { enum: 7, name: 'Hunt Pilot' },
    { enum: 8, name: 'Voice Mail Port' },
  ],
  typednd: numbered(['Ringer Off', 'Call Reject', 'Use Common Phone Profile Setting']),
  typenodeusage: numbered(['Publisher', 'Subscriber']),
  typeprocessnoderole: numbered(['CUCM Voice/Video', 'CUCM IM and Presence'], 1),
  typeservice: numbered(SERVICES),
  typeparam: numbered(['boolean', 'double', 'long', 'string', 'date/time', 'any digit', 'digits', 'timeout']),
  typeucservice: numbered(
    [
      'Voicemail',
      'MailStore',
      'Conferencing',
      'Directory',
      'IM and Presence',
      'CTI',
      'Video Conference Scheduling Portal',
      'Jabber Client Configuration (jabber-config.xml)',
    ],
    1,
  ),
  typeucproduct: numbered(
    [
      'Unity',
      'Unity Connection',
      'Exchange',
      'MeetingPlace Classic',
      'MeetingPlace Express',
      'WebEx (Conferencing)',
      'Directory',
      'Unified CM (IM and Presence)',
      'WebEx (IM and Presence)',
      'CTI',
      'Enhanced Directory',
      'Telepresence Management System',
      'Jabber',
    ],
    1,
  ),
  typeconnectprotocol: numbered(
    ['HTTP', 'HTTPS', 'TCP', 'TCP + UDP', 'UDP', 'SSL', 'TLS', 'SIP', 'OWA', 'SOAP', 'EWS', 'XMPP'],
    1,
  ),
};
