export const ICSA_SERVICE = 'intercluster-sync-agent';
export const ICSA_TITLE = 'Cisco Intercluster Sync Agent';

/** The number at the end is that of the protocol: another one would be another service. */
export const INTERCLUSTER_NAMESPACE = 'urn:imp-gateway:intercluster:1';

export const BASE_PATH = '/intercluster';
export const SOAP_PATH = `${BASE_PATH}/soap`;
export const SCHEMA_PATH = `${BASE_PATH}/intercluster.xsd`;

/** What users' addresses are made of here. Clusters of one system have the same. */
export const ADDRESS_SCHEME = 'userid@domain';

/** `enduser.peerclusterid` and the origin of what was written for a peer. */
export const originOf = (peerId: number): `peer:${string}` => `peer:${peerId}`;
