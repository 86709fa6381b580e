import { prepareDomain } from './domain.ts';
import { XmppError } from './errors.ts';
import { prepareOpaqueString, prepareUsername } from './precis.ts';

/** An XMPP address (RFC 7622), prepared: two addresses are the same exactly when their texts are. */
export interface Jid {
  readonly local: string | null;
  readonly domain: string;
  readonly resource: string | null;
  /** `local@domain` or `domain`. */
  readonly bare: string;
  /** The whole address. */
  readonly full: string;
}

const PART_BYTES = 1023;
/** RFC 7622 3.3.1: what UsernameCaseMapped allows and a localpart does not. */
const LOCAL_EXCLUDED = /["&'/:<>@]/;

function malformed(why: string, cause?: unknown): XmppError {
  return new XmppError('xmpp.jid-malformed', why, cause === undefined ? undefined : { cause });
}

function bounded(part: string, name: string): string {
  // A UTF-16 unit is at most three bytes.
  if (part.length * 3 > PART_BYTES && Buffer.byteLength(part) > PART_BYTES) {
    throw malformed(`the ${name} is longer than ${PART_BYTES} bytes`);
  }
  return part;
}

function prepared(part: string, name: string, prepare: (text: string) => string): string {
  bounded(part, name);
  try {
    return bounded(prepare(part), name);
  } catch (error) {
    if (error instanceof XmppError && error.code === 'xmpp.string') throw malformed(`the ${name} is refused`, error);
    throw error;
  }
}

/** A localpart as it is compared. @throws XmppError `xmpp.jid-malformed` */
export function prepareLocal(text: string): string {
  const local = prepared(text, 'localpart', prepareUsername);
  if (LOCAL_EXCLUDED.test(local)) throw malformed('the localpart holds a character that it may not hold');
  return local;
}

/** A resourcepart as it is compared. @throws XmppError `xmpp.jid-malformed` */
export function prepareResource(text: string): string {
  return prepared(text, 'resourcepart', prepareOpaqueString);
}

/** An address of parts that have been prepared already. */
export function jidOf(local: string | null, domain: string, resource: string | null = null): Jid {
  const bare = local === null ? domain : `${local}@${domain}`;
  return { local, domain, resource, bare, full: resource === null ? bare : `${bare}/${resource}` };
}

/** Prepares the parts and joins them. @throws XmppError `xmpp.jid-malformed` */
export function makeJid(local: string | null, domain: string, resource: string | null = null): Jid {
  return jidOf(
    local === null ? null : prepareLocal(local),
    prepareDomain(bounded(domain, 'domainpart')),
    resource === null ? null : prepareResource(resource),
  );
}

/** Reads an address off the wire. @throws XmppError `xmpp.jid-malformed` */
export function parseJid(text: string): Jid {
  // RFC 7622 3.1: the resource begins at the first slash; what stands before the first @ of the rest is the localpart.
  const slash = text.indexOf('/');
  const bare = slash < 0 ? text : text.slice(0, slash);
  const at = bare.indexOf('@');
  return makeJid(
    at < 0 ? null : bare.slice(0, at),
    at < 0 ? bare : bare.slice(at + 1),
    slash < 0 ? null : text.slice(slash + 1),
  );
}

/** The same, but undefined where it is malformed. */
export function tryParseJid(text: string): Jid | undefined {
  try {
    return parseJid(text);
  } catch (error) {
    if (error instanceof XmppError) return undefined;
    throw error;
  }
}

/** Without its resource. */
export function bareJid(jid: Jid): Jid {
  return jid.resource === null ? jid : jidOf(jid.local, jid.domain);
}

/** With another resource, prepared here. @throws XmppError `xmpp.jid-malformed` */
export function withResource(jid: Jid, resource: string): Jid {
  return jidOf(jid.local, jid.domain, prepareResource(resource));
}
