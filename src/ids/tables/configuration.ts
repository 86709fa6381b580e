/** What administrators set: service parameters, domains, SIP routing, presence gateways. */

/** A service parameter. `node` '' means clusterwide. */
export interface ServiceParameterRow {
  node: string;
  service: string;
  name: string;
  value: string;
}

/** Presence domains of this cluster. */
export interface ImDomainRow {
  domain: string;
  isdefault: number;
  /** 1 set by an administrator, 0 collected from directory URIs. */
  isadminmanaged: number;
}

/** Which feature services are activated on which node. */
export interface ServiceActivationRow {
  node: string;
  service: string;
  activated: number;
}

/** The Sync Agent's record: where CUCM is, how far we are. One row, `id` 1. Not watched by the feed. */
export interface EpasSyncAgentCfgRow {
  id: number;
  ccmpublisherip: string;
  axluser: string;
  /** `Completed 2026-10-15 15:03:55` and its kin (docs/services/sync-agent.md). */
  syncstatus: string;
  /** `NeverSynced`, `Syncing`, `InSync`, `Following`, `Degraded`, `Resync`. */
  state: string;
  /** JSON: what the state adds (stage, done, total, reason). */
  statedetail: string;
  /** Change notification: the queue and the next id to ask for; '' before the first sync. */
  queueid: string;
  nextchangeid: string;
  fullsyncat: number | null;
  lastchangeat: number | null;
  /** JSON: the sync's resumable place; '' when none is under way. */
  progress: string;
}

export interface LdapAuthenticationHostRow {
  pkid: string;
  hostname: string;
  portnumber: number;
  sslenabled: number;
}

export interface UcServiceProfileRow {
  pkid: string;
  name: string;
  description: string;
  isdefault: number;
}

/** A static SIP route (docs/services/config-agent.md). */
export interface StaticRouteRow {
  pkid: string;
  pattern: string;
  nexthop: string;
  /** 0 asks DNS SRV. */
  port: number;
  type: 'user' | 'domain';
  transport: 'TCP' | 'UDP' | 'TLS';
  priority: number;
  weight: number;
  allowlessspecific: number;
  inservice: number;
  block: number;
}

/** Access control lists of the SIP Proxy. */
export interface ProxyAclRow {
  pkid: string;
  direction: 'incoming' | 'outgoing';
  /** Host, FQDN, address, prefix or `all`. */
  pattern: string;
  description: string;
}

/** Method and event routing of the SIP Proxy. */
export interface MethodEventRouteRow {
  pkid: string;
  method: string;
  event: string;
  /** `application listener` name that gets such requests. */
  listener: string;
}

/** Where the SIP Proxy's application listeners are. */
export interface ApplicationListenerRow {
  pkid: string;
  name: string;
  address: string;
  port: number;
  transport: 'TCP' | 'UDP' | 'TLS';
}

export interface TlsPeerSubjectRow {
  pkid: string;
  subject: string;
  description: string;
}

/** Where the Presence Engine learns phone and calendar state. */
export interface PresenceGatewayRow {
  pkid: string;
  type: 'CUCM' | 'Exchange' | 'Office 365' | 'iCalendar';
  description: string;
  /** FQDN, address or SRV name; of an iCalendar gateway the URL of calendars, with `{user}`, `{mail}` or `{address}`. */
  gateway: string;
}

/** Foreign domains and how to meet them. */
export interface FederatedDomainRow {
  domain: string;
  policy: 'allow' | 'block';
  protocol: 'SIP' | 'XMPP';
}
