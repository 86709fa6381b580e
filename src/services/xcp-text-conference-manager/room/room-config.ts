import {
  booleanValue,
  type Form,
  type FormField,
  formTypeField,
  StanzaError,
  submittedValues,
} from '../../../xmpp/xmpp.ts';
import type { PrivilegeRules } from './privileges.ts';

/** What the owner of a room decides (XEP-0045 15.5.4). */
export interface RoomConfig extends PrivilegeRules {
  readonly name: string;
  readonly description: string;
  /** Outlives its occupants. */
  readonly isPersistent: boolean;
  /** Listed where the service's rooms are. */
  readonly isPublic: boolean;
  readonly isMembersOnly: boolean;
  readonly isModerated: boolean;
  readonly password: string | null;
  readonly maxUsers: number;
  /** Who sees real addresses. */
  readonly whois: 'moderators' | 'anyone';
  /** Most messages of the past that who enters gets. */
  readonly historyLength: number;
}

export interface ConfigLimits {
  readonly maxUsers: number;
  readonly historyLength: number;
  /** Whether one more room may be persistent. */
  readonly canPersist: boolean;
}

export const ROOM_CONFIG_FORM = 'http://jabber.org/protocol/muc#roomconfig';
const TEXT_CHARACTERS = 1_000;

/** A room as it is created: open, unmoderated, semi-anonymous, and gone with its last occupant. */
export function defaultConfig(limits: Pick<ConfigLimits, 'maxUsers' | 'historyLength'>): RoomConfig {
  return {
    name: '',
    description: '',
    isPersistent: false,
    isPublic: true,
    isMembersOnly: false,
    isModerated: false,
    password: null,
    maxUsers: limits.maxUsers,
    whois: 'moderators',
    historyLength: limits.historyLength,
    privateMessages: 'anyone',
    isSubjectOpen: false,
    canInvite: true,
  };
}

/** The form that an owner fills in (XEP-0045 10.1.3). */
export function writeConfigForm(config: RoomConfig, roomName: string): Form {
  const text = (name: string, label: string, value: string): FormField => ({
    ...{ name, label, type: 'text-single', values: [value] },
  });
  const flag = (name: string, label: string, value: boolean): FormField => ({
    ...{ name, label, type: 'boolean', values: [value ? '1' : '0'] },
  });
  const choice = (name: string, label: string, value: string, options: readonly string[]): FormField => ({
    ...{ name, label, type: 'list-single', values: [value] },
    options: options.map((each) => ({ label: each, value: each })),
  });
  return {
    type: 'form',
    title: `Configuration of ${roomName}`,
    fields: [
      formTypeField(ROOM_CONFIG_FORM),
      text('muc#roomconfig_roomname', 'Name', config.name),
      text('muc#roomconfig_roomdesc', 'Description', config.description),
      flag('muc#roomconfig_persistentroom', 'The room is kept when nobody is in it', config.isPersistent),
      flag('muc#roomconfig_publicroom', 'The room is listed', config.isPublic),
      flag('muc#roomconfig_membersonly', 'Only members may enter', config.isMembersOnly),
      flag('muc#roomconfig_moderatedroom', 'Only those with voice may speak', config.isModerated),
      flag('muc#roomconfig_passwordprotectedroom', 'A password is needed to enter', config.password !== null),
      {
        ...{ name: 'muc#roomconfig_roomsecret', label: 'Password', type: 'text-private' },
        values: [config.password ?? ''],
      },
      text('muc#roomconfig_maxusers', 'Most occupants', String(config.maxUsers)),
      choice('muc#roomconfig_whois', 'Who sees real addresses', config.whois, ['moderators', 'anyone']),
      choice('muc#roomconfig_allowpm', 'Who may send private messages', config.privateMessages, PRIVATE_MESSAGES),
      flag('muc#roomconfig_changesubject', 'Participants may change the subject', config.isSubjectOpen),
      flag('muc#roomconfig_allowinvites', 'Occupants may invite', config.canInvite),
      text('muc#maxhistoryfetch', 'Most messages of the past that are shown', String(config.historyLength)),
    ],
  };
}

const PRIVATE_MESSAGES = ['anyone', 'participants', 'moderators', 'none'] as const;

/**
 * The configuration after a form was submitted; fields that it leaves out stay as they are.
 * @throws StanzaError `not-acceptable` for a value that is none, or beyond what the service allows
 */
export function readConfigForm(form: Form, config: RoomConfig, limits: ConfigLimits): RoomConfig {
  const values = submittedValues(form);
  const type = values.get('FORM_TYPE')?.[0];
  if (type !== undefined && type !== ROOM_CONFIG_FORM) throw notAcceptable('the form is not the room configuration');
  const said = (name: string): string | undefined => values.get(name)?.[0];
  const text = (name: string, present: string): string => {
    const value = said(name) ?? present;
    if (value.length > TEXT_CHARACTERS) throw notAcceptable(`${name} is longer than ${TEXT_CHARACTERS} characters`);
    return value;
  };
  const flag = (name: string, present: boolean): boolean => {
    const value = said(name);
    if (value === undefined) return present;
    return booleanValue(value) ?? fail(`${name} is 1 or 0`);
  };
  const count = (name: string, present: number, least: number, most: number): number => {
    const value = said(name);
    if (value === undefined) return present;
    // XEP-0045 15.5.4: "none" is no limit of the room's own.
    if (value === '' || value === 'none') return most;
    if (!/^\d{1,9}$/.test(value)) return fail(`${name} is a number`);
    const number = Number(value);
    return number >= least && number <= most ? number : fail(`${name} is from ${least} to ${most}`);
  };
  const choice = <const T extends string>(name: string, present: T, options: readonly T[]): T => {
    const value = said(name);
    if (value === undefined) return present;
    return options.find((each) => each === value) ?? fail(`${name} is one of ${options.join(', ')}`);
  };
  const isPersistent = flag('muc#roomconfig_persistentroom', config.isPersistent);
  if (isPersistent && !config.isPersistent && !limits.canPersist) fail('there are too many persistent rooms already');
  const isProtected = flag('muc#roomconfig_passwordprotectedroom', config.password !== null);
  const secret = text('muc#roomconfig_roomsecret', config.password ?? '');
  if (isProtected && secret === '') fail('a room with a password needs one');
  return {
    name: text('muc#roomconfig_roomname', config.name),
    description: text('muc#roomconfig_roomdesc', config.description),
    isPersistent,
    isPublic: flag('muc#roomconfig_publicroom', config.isPublic),
    isMembersOnly: flag('muc#roomconfig_membersonly', config.isMembersOnly),
    isModerated: flag('muc#roomconfig_moderatedroom', config.isModerated),
    password: isProtected ? secret : null,
    maxUsers: count('muc#roomconfig_maxusers', config.maxUsers, 1, limits.maxUsers),
    whois: choice('muc#roomconfig_whois', config.whois, ['moderators', 'anyone']),
    historyLength: count('muc#maxhistoryfetch', config.historyLength, 0, limits.historyLength),
    privateMessages: choice('muc#roomconfig_allowpm', config.privateMessages, PRIVATE_MESSAGES),
    isSubjectOpen: flag('muc#roomconfig_changesubject', config.isSubjectOpen),
    canInvite: flag('muc#roomconfig_allowinvites', config.canInvite),
  };
}

function notAcceptable(why: string): StanzaError {
  return new StanzaError('not-acceptable', why);
}

function fail(why: string): never {
  throw notAcceptable(why);
}
