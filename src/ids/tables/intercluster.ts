/**
 * Peer clusters and what was read from them (docs/services/intercluster-sync-agent.md). Their users stand in `enduser`,
 * where `peerclusterid` is the peer's `id` as text.
 */

/** Another cluster whose users and topology are synced here. */
export interface InterclusterPeerRow {
  /** Counted up from 1; never given twice while rows of it are left. */
  id: number;
  /** Its `/intercluster/soap`. */
  url: string;
  /** An application user there. */
  axluser: string;
  /** The password, sealed with a key of the data folder. */
  sealedpassword: string;
  /** PEM that verifies it; '' trusts what the system trusts. */
  ca: string;
  /** How SIP goes there; '' as the SIP Proxy's parameter says. */
  siptransport: 'TCP' | 'UDP' | 'TLS' | '';
  /** What it says of itself; all '' until it was reached once. */
  clusterid: string;
  /** Name of its publisher. */
  name: string;
  version: string;
  /** First good sync, in milliseconds since the epoch: of two peers with one user id the earlier one has the user. */
  firstseenat: number | null;
  addedat: number;
}

/** Where the sync with a peer stands. Not watched by the feed. */
export interface InterclusterPeerStatusRow {
  peerid: number;
  /** The cluster that `sequence` is of. */
  clusterid: string;
  /** Place in its change log; null: everything has to be compared. */
  sequence: number | null;
  /** Users that it has. */
  users: number;
  lastgoodat: number | null;
  fullcompareat: number | null;
}

/**
 * A peer's users as it tells them, whether or not they are shown in `enduser`: one whose user id somebody else has is
 * not. Not watched by the feed.
 */
export interface InterclusterUserRow {
  peerid: number;
  /** Key in the peer's IDS. */
  remotepkid: string;
  /** Key in ours. */
  pkid: string;
  useridlower: string;
  userid: string;
  firstname: string;
  lastname: string;
  displayname: string;
  mailid: string;
  department: string;
  title: string;
  telephonenumber: string;
  mobilenumber: string;
  directoryuri: string;
  imaddress: string;
  xcp_user_id: string;
  /** Name of the user's home node there; '' while there is none. */
  peernode: string;
}

/** A node of a peer cluster. Ports are 0 where it does not say: then they are the well-known ones. */
export interface InterclusterNodeRow {
  peerid: number;
  name: string;
  address: string;
  /** Name of its presence redundancy group. */
  subcluster: string;
  haenabled: number;
  isprimary: number;
  tkhaserverstate: number;
  version: string;
  httpsport: number;
  sipport: number;
  siptlsport: number;
  routerport: number;
}

export interface InterclusterDomainRow {
  peerid: number;
  domain: string;
  isdefault: number;
}

/** What a peer's nodes are trusted by: for routers and for SIP over TLS. */
export interface InterclusterCertificateRow {
  peerid: number;
  /** SHA-256, as `AB:CD:…`. */
  fingerprint: string;
  /** `authority` signs the nodes' certificates, `node` is shown by one. */
  kind: 'authority' | 'node';
  /** Node that shows it; '' for an authority. */
  node: string;
  pem: string;
}

/** An alias of the text conference component: ours, or a peer's. */
export interface TcAliasRow {
  /** '' for ours, else `interclusterpeer.id`. */
  peerclusterid: string;
  tcalias: string;
  isprimary: number;
  /** Name of the node that serves it, and of the one that it is of. */
  fkprocessnode: string;
  originalfkprocessnode: string;
}
