import { isHost } from '../handover/addresses.ts';
import type { ParameterTable, ParameterValues } from '../handover/parameters.ts';

const DAY_SECONDS = 86_400;

/** How instant messaging addresses are made. */
export const ADDRESS_SCHEMES = ['userid@domain', 'directory-uri'] as const;

const percent = <Default extends number>(value: Default, doc: string) =>
  ({ type: 'integer', min: 10, max: 100, default: value, apply: 'live', doc }) as const;

/** What administrators set of the Presence Engine. */
export const ENGINE_PARAMETERS = {
  availabilitySharing: { type: 'boolean', default: true, apply: 'live', doc: 'Share presence among users.' },
  authorizeWithoutPrompt: {
    type: 'boolean',
    default: true,
    apply: 'live',
    doc: 'Users of this cluster may see each other without being asked.',
  },
  phoneDoNotDisturb: {
    type: 'boolean',
    default: false,
    apply: 'live',
    doc: "Do not disturb of a user's phone is do not disturb of the user.",
  },
  maximumContacts: {
    type: 'integer',
    min: 0,
    max: 10_000,
    default: 200,
    apply: 'live',
    doc: 'Contacts of a user; 0 is no limit.',
  },
  maximumWatchers: {
    type: 'integer',
    min: 0,
    max: 10_000,
    default: 200,
    apply: 'live',
    doc: 'Watchers of a user; 0 is no limit.',
  },
  adHocSubscriptions: {
    type: 'boolean',
    default: true,
    apply: 'live',
    doc: 'Allow subscriptions to users who are not on the contact list.',
  },
  adHocMaximum: {
    type: 'integer',
    min: 0,
    max: 1_000_000,
    default: 0,
    apply: 'live',
    doc: 'Ad-hoc subscriptions of the node; 0 is no limit.',
  },
  adHocSeconds: {
    type: 'integer',
    min: 60,
    max: 30 * DAY_SECONDS,
    default: DAY_SECONDS,
    apply: 'live',
    doc: 'Life of an ad-hoc subscription.',
  },
  presenceChangesPerSecond: {
    type: 'integer',
    min: 10,
    max: 100,
    default: 50,
    apply: 'live',
    doc: 'Changes of presence handed to the router in a second.',
  },
  subscriptionSeconds: {
    type: 'integer',
    min: 60,
    max: DAY_SECONDS,
    default: 3600,
    apply: 'live',
    doc: 'Longest life of a subscription before it is renewed.',
  },
  publicationSeconds: {
    type: 'integer',
    min: 60,
    max: DAY_SECONDS,
    default: 3600,
    apply: 'live',
    doc: 'Longest life of a publication before it is renewed.',
  },
  imAddressScheme: {
    type: 'choice',
    choices: ADDRESS_SCHEMES,
    default: 'userid@domain',
    apply: 'restart',
    doc: 'How instant messaging addresses are made.',
  },
  listenAddress: {
    type: 'text',
    maxLength: 253,
    default: '',
    apply: 'restart',
    doc: "Address of the SIP listeners; empty: the node's own.",
    check: (value) => (isHost(value) ? undefined : `"${value}" is neither a host name nor an address`),
  },
  calendarNotificationPort: {
    type: 'integer',
    min: 1024,
    max: 65_535,
    default: 50_020,
    apply: 'restart',
    doc: 'Port on which calendar servers notify.',
  },
  calendarSpreadSeconds: {
    type: 'integer',
    min: 0,
    max: 3600,
    default: 50,
    apply: 'live',
    doc: 'Time over which calendar queries of many users are spread.',
  },
  calendarTimeoutSeconds: {
    type: 'integer',
    min: 1,
    max: 300,
    default: 10,
    apply: 'live',
    doc: 'Time-out of a calendar query.',
  },
  calendarQueueLength: {
    type: 'integer',
    min: 10,
    max: 100_000,
    default: 10_000,
    apply: 'live',
    doc: 'Calendar queries that may wait.',
  },
  calendarThreads: {
    type: 'integer',
    min: 1,
    max: 100,
    default: 20,
    apply: 'restart',
    doc: 'Calendar queries at a time.',
  },
  calendarStatusSeconds: {
    type: 'integer',
    min: 10,
    max: 3600,
    default: 60,
    apply: 'live',
    doc: 'How often free and busy times are looked at.',
  },
  cpuHighPercent: percent(90, 'CPU load above which new subscriptions are refused.'),
  cpuLowPercent: percent(80, 'CPU load below which they are taken again.'),
  memoryHighPercent: percent(90, 'Memory use above which new subscriptions are refused.'),
  memoryLowPercent: percent(80, 'Memory use below which they are taken again.'),
} as const satisfies ParameterTable;

export type EngineParameters = ParameterValues<typeof ENGINE_PARAMETERS>;

/** Pairs of watermarks: the low one must be below the high one. */
export const WATERMARKS = [
  ['cpuLowPercent', 'cpuHighPercent'],
  ['memoryLowPercent', 'memoryHighPercent'],
] as const;
