/** Header fields that are known by name, as RFCs write them. */
const NAMES = [
  'Accept',
  'Accept-Contact',
  'Accept-Encoding',
  'Accept-Language',
  'Alert-Info',
  'Allow',
  'Allow-Events',
  'Authentication-Info',
  'Authorization',
  'Call-ID',
  'Call-Info',
  'Contact',
  'Content-Disposition',
  'Content-Encoding',
  'Content-Language',
  'Content-Length',
  'Content-Type',
  'CSeq',
  'Date',
  'Error-Info',
  'Event',
  'Expires',
  'Flow-Timer',
  'From',
  'In-Reply-To',
  'Max-Forwards',
  'MIME-Version',
  'Min-Expires',
  'Organization',
  'P-Asserted-Identity',
  'P-Preferred-Identity',
  'Path',
  'Priority',
  'Privacy',
  'Proxy-Authenticate',
  'Proxy-Authorization',
  'Proxy-Require',
  'RAck',
  'Reason',
  'Record-Route',
  'Refer-To',
  'Referred-By',
  'Reject-Contact',
  'Replaces',
  'Reply-To',
  'Request-Disposition',
  'Require',
  'Retry-After',
  'Route',
  'RSeq',
  'Server',
  'Service-Route',
  'Session-Expires',
  'SIP-ETag',
  'SIP-If-Match',
  'Subject',
  'Subscription-State',
  'Supported',
  'Timestamp',
  'To',
  'Unsupported',
  'User-Agent',
  'Via',
  'Warning',
  'WWW-Authenticate',
] as const;

/** RFC 3261 7.3.3, and the registry of IANA. */
const COMPACT: Readonly<Record<string, string>> = {
  a: 'Accept-Contact',
  b: 'Referred-By',
  c: 'Content-Type',
  d: 'Request-Disposition',
  e: 'Content-Encoding',
  f: 'From',
  i: 'Call-ID',
  j: 'Reject-Contact',
  k: 'Supported',
  l: 'Content-Length',
  m: 'Contact',
  o: 'Event',
  r: 'Refer-To',
  s: 'Subject',
  t: 'To',
  u: 'Allow-Events',
  v: 'Via',
  x: 'Session-Expires',
};

const KEYS = new Map<string, string>();
const DISPLAY = new Map<string, string>();
for (const name of NAMES) {
  const key = name.toLowerCase();
  DISPLAY.set(key, name);
  for (const spelling of [name, key, name.toUpperCase()]) KEYS.set(spelling, key);
}
for (const [letter, name] of Object.entries(COMPACT)) {
  KEYS.set(letter, name.toLowerCase());
  KEYS.set(letter.toUpperCase(), name.toLowerCase());
}

/** The key of a header field: its full name in lower case, whatever its case or form. */
export function headerKey(name: string): string {
  return KEYS.get(name) ?? KEYS.get(name.toLowerCase()) ?? name.toLowerCase();
}

/** The name as RFCs write it, for a known key; else as given. */
export function headerName(name: string): string {
  return DISPLAY.get(headerKey(name)) ?? name;
}
