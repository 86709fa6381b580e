/** The front door of the room: XMPP as a protocol, with no service in it. docs/xmpp.md says what is done of which RFC. */
export { type BoshBody, BoshError, readBoshBody, type TerminalCondition, terminateBody } from './bosh/body.ts';
export { type BoshReply, type BoshSession, createBoshSession } from './bosh/session.ts';
export { type ClientStream, type ClientStreamOptions, openStream } from './client/client-stream.ts';
export { type ConnectOptions, connectTransport } from './client/connect.ts';
export { domainForDns, prepareDomain } from './domain.ts';
export {
  type AttributeValues,
  childText,
  el,
  isElement,
  langOf,
  withAttributes,
  withChildren,
} from './elements.ts';
export { XmppError, type XmppErrorCode } from './errors.ts';
export { carbonCopy, forwarded, isCarbonEligible, withoutPrivateMark } from './extensions/carbons.ts';
export { delay, delayedSince, readDateTime } from './extensions/delay.ts';
export {
  capsVersion,
  type DiscoIdentity,
  type DiscoInfo,
  type DiscoItem,
  readDiscoInfo,
  writeDiscoInfo,
  writeDiscoItems,
} from './extensions/disco.ts';
export {
  booleanValue,
  type FieldType,
  type Form,
  type FormField,
  formType,
  formTypeField,
  readForm,
  submittedValues,
  writeForm,
} from './extensions/forms.ts';
export {
  lastOfPage,
  type Page,
  type PageRequest,
  pageOf,
  readPageRequest,
  writePage,
  writePageRequest,
} from './extensions/rsm.ts';
export { originId, stanzaIdBy, withoutStanzaIds, withStanzaId } from './extensions/stanza-ids.ts';
export { createFrameReader, type FrameReader } from './frame-reader.ts';
export { type Framing, tcpFraming, translate, webSocketFraming } from './framing.ts';
export { createIqRequests, type IqRequests } from './iq-requests.ts';
export {
  bareJid,
  type Jid,
  jidOf,
  makeJid,
  parseJid,
  prepareLocal,
  prepareResource,
  tryParseJid,
  withResource,
} from './jid.ts';
export { escapeLocal, unescapeLocal } from './jid-escape.ts';
export { NS } from './namespaces.ts';
export { prepareOpaqueString, prepareUsername } from './precis.ts';
export {
  rosterAttributes,
  SUBSCRIPTION_STATES,
  type Subscription,
  type SubscriptionEffect,
  type SubscriptionEvent,
  type SubscriptionStanza,
  type SubscriptionState,
  type SubscriptionStep,
  seesContact,
  seesUser,
  stanzasOfRemoval,
  subscriptionStep,
} from './roster-subscription.ts';
export {
  type ChannelBindings,
  type ChannelBindingType,
  channelBindingsOf,
  NO_CHANNEL_BINDINGS,
} from './sasl/channel-binding.ts';
export type { SaslCredentials } from './sasl/client-mechanisms.ts';
export type { CertificateUser } from './sasl/external.ts';
export type { CheckPassword } from './sasl/plain.ts';
export { type SaslCondition, SaslError, toSaslError } from './sasl/sasl-error.ts';
export { saslprep } from './sasl/saslprep.ts';
export { deriveScramKeys, type ScramHash, type ScramKeys } from './sasl/scram.ts';
export type { FindScramKeys } from './sasl/scram-server.ts';
export {
  createSaslServer,
  MECHANISMS,
  type Mechanism,
  type SaslServer,
  type SaslServerNeeds,
} from './sasl/server-mechanisms.ts';
export type { RedeemToken } from './sasl/vtg-token.ts';
export {
  type ClientIntake,
  type ClientIntakeCounters,
  type ClientIntakeOptions,
  createClientIntake,
} from './server/client-intake.ts';
export type { NegotiationPolicy } from './server/negotiation-types.ts';
export {
  type ServerStream,
  type ServerStreamOptions,
  type ServerStreamOwner,
  type StreamEnd,
  serveStream,
} from './server/server-stream.ts';
export {
  addressed,
  body,
  type Iq,
  type IqType,
  iq,
  iqResult,
  type Message,
  type MessageType,
  message,
  type Presence,
  type PresenceType,
  presence,
  readStanza,
  type Stanza,
  type StanzaKind,
  stanzaKindOf,
} from './stanza.ts';
export {
  errorReply,
  readStanzaError,
  type StanzaCondition,
  StanzaError,
  type StanzaErrorType,
  toStanzaError,
  writeStanzaError,
} from './stanza-error.ts';
export {
  readStreamError,
  type StreamCondition,
  StreamError,
  seeOtherHost,
  toStreamError,
  writeStreamError,
} from './stream-error.ts';
export type { ContentNamespace, StreamHeader } from './stream-header.ts';
export {
  createStreamManagement,
  offersStreamManagement,
  readStreamManagement,
  type SentResult,
  type StreamManagement,
  type StreamManagementElement,
  type StreamManagementOptions,
  smAnswer,
  smEnabled,
  smFailed,
  smFeature,
  smRequest,
  smResumed,
} from './stream-management.ts';
export {
  createStreamReader,
  DEFAULT_STREAM_LIMITS,
  type StreamLimits,
  type StreamListener,
  type StreamReader,
} from './stream-reader.ts';
export { createStreamWriter, type StreamWriter, type StreamWriterOptions } from './stream-writer.ts';
export { createTcpTransport, type TcpTransportOptions } from './tcp-transport.ts';
export { clientUpgrade, serverUpgrade, type TlsUpgrade } from './tls-upgrade.ts';
export { DEFAULT_TRANSPORT_LIMITS, type Transport, type TransportLimits, type TransportListener } from './transport.ts';
export { addressOfJid, jidOfAddress } from './user-address.ts';
export { createWebSocketTransport, type WebSocketLike, type WebSocketTransportOptions } from './websocket-transport.ts';
