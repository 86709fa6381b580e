/** Nodes and redundancy groups of this cluster, and CUCM's own server list. */

/** A node of this IM and Presence cluster. `id` is what users point at. */
export interface EnterpriseNodeRow {
  id: number;
  /** `--node`: unique in the cluster. */
  name: string;
  /** Host name or address under which clients and peers reach it. */
  address: string;
  subclusterid: number;
  /** 1 on the database publisher. */
  isprimary: number;
  /** HA state number (0 unknown, 3 normal); 0 while high availability is off. */
  tkhaserverstate: number;
  hareason: string;
  version: string;
}

/** A presence redundancy group: one or two nodes. */
export interface EnterpriseSubclusterRow {
  id: number;
  name: string;
  description: string;
  haenabled: number;
}

/** CUCM's server list, keyed by CUCM's pkid. */
export interface ProcessNodeRow {
  pkid: string;
  name: string;
  description: string;
  /** `Publisher` or `Subscriber`. */
  nodeusage: string;
  /** `CUCM Voice/Video` or `CUCM IM and Presence`. */
  role: string;
}

/** What a node's Server Recovery Manager was: read at its next start. Each node's own; not watched by the feed. */
export interface HaRecordRow {
  node: string;
  state: number;
  reason: string;
  /** 0 while the transition is under way. */
  finished: number;
  at: number;
}
