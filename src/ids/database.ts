import type { ChangeLogRow, FeedAcknowledgementRow, FeedConsumerRow, WriteContextRow } from './tables/change-log.ts';
import type * as configuration from './tables/configuration.ts';
import type * as contacts from './tables/contacts.ts';
import type * as devices from './tables/devices.ts';
import type * as dndPropagation from './tables/dnd-propagation.ts';
import type * as intercluster from './tables/intercluster.ts';
import type * as rccSelection from './tables/rcc-selection.ts';
import type * as rules from './tables/rules.ts';
import type * as sipCredentials from './tables/sip-credentials.ts';
import type * as textConference from './tables/text-conference.ts';
import type * as topology from './tables/topology.ts';
import type * as users from './tables/users.ts';
import type * as xcp from './tables/xcp.ts';

/** Every table of the IDS by its name: what Kysely checks queries against. */
export interface Database {
  enterprisenode: topology.EnterpriseNodeRow;
  enterprisesubcluster: topology.EnterpriseSubclusterRow;
  harecord: topology.HaRecordRow;
  processnode: topology.ProcessNodeRow;
  enduser: users.EndUserRow;
  applicationuser: users.ApplicationUserRow;
  dirgroup: users.DirGroupRow;
  enduserdirgroupmap: users.EndUserDirGroupMapRow;
  applicationuserdirgroupmap: users.ApplicationUserDirGroupMapRow;
  enduserproperty: users.EndUserPropertyRow;
  credentialverifier: users.CredentialVerifierRow;
  device: devices.DeviceRow;
  numplan: devices.NumPlanRow;
  devicenumplanmap: devices.DeviceNumPlanMapRow;
  enduserdevicemap: devices.EndUserDeviceMapRow;
  rostergroup: contacts.RosterGroupRow;
  rosteritem: contacts.RosterItemRow;
  rosteritemgroup: contacts.RosterItemGroupRow;
  contactinfo: contacts.ContactInfoRow;
  peuriacl: contacts.PeUriAclRow;
  presencerule: rules.PresenceRuleRow;
  dialrule: rules.DialRuleRow;
  sipcredential: sipCredentials.SipCredentialRow;
  rccselection: rccSelection.RccSelectionRow;
  subscriptiondetail: xcp.SubscriptionDetailRow;
  offlinemessage: xcp.OfflineMessageRow;
  privatexml: xcp.PrivateXmlRow;
  vcard: xcp.VcardRow;
  serviceparameter: configuration.ServiceParameterRow;
  imdomain: configuration.ImDomainRow;
  serviceactivation: configuration.ServiceActivationRow;
  epassyncagentcfg: configuration.EpasSyncAgentCfgRow;
  ldapauthenticationhost: configuration.LdapAuthenticationHostRow;
  ucserviceprofile: configuration.UcServiceProfileRow;
  staticroute: configuration.StaticRouteRow;
  proxyacl: configuration.ProxyAclRow;
  methodeventroute: configuration.MethodEventRouteRow;
  applicationlistener: configuration.ApplicationListenerRow;
  tlspeersubject: configuration.TlsPeerSubjectRow;
  presencegateway: configuration.PresenceGatewayRow;
  federateddomain: configuration.FederatedDomainRow;
  interclusterpeer: intercluster.InterclusterPeerRow;
  interclusterpeerstatus: intercluster.InterclusterPeerStatusRow;
  interclusteruser: intercluster.InterclusterUserRow;
  interclusternode: intercluster.InterclusterNodeRow;
  interclusterdomain: intercluster.InterclusterDomainRow;
  interclustercertificate: intercluster.InterclusterCertificateRow;
  tcaliases: intercluster.TcAliasRow;
  dndpropagation: dndPropagation.DndPropagationRow;
  tcroom: textConference.TcRoomRow;
  tcroomaffiliation: textConference.TcRoomAffiliationRow;
  tcroommessage: textConference.TcRoomMessageRow;
  change_log: ChangeLogRow;
  write_context: WriteContextRow;
  feed_consumer: FeedConsumerRow;
  feed_acknowledgement: FeedAcknowledgementRow;
}

/** Tables whose changes are logged: all but the log's own, the private ones, and what nobody follows. */
export type WatchedTable = Exclude<
  keyof Database,
  | 'change_log'
  | 'write_context'
  | 'feed_consumer'
  | 'feed_acknowledgement'
  | 'credentialverifier'
  | 'epassyncagentcfg'
  | 'offlinemessage'
  | 'privatexml'
  | 'vcard'
  | 'interclusterpeerstatus'
  | 'interclusteruser'
  | 'harecord'
  | 'tcroom'
  | 'tcroomaffiliation'
  | 'tcroommessage'
>;
