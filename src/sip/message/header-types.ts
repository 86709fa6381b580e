import { type Contact, type NameAddr, parseContact, parseNameAddr } from '../values/name-addr.ts';
import { parseInteger } from '../values/scan.ts';
import {
  type AuthValue,
  type CSeq,
  type Parameterised,
  parseAuth,
  parseCallId,
  parseCSeq,
  parseDate,
  parseMaxForwards,
  parseParameterised,
  parseRetryAfter,
  parseSeconds,
  parseTokenValue,
} from '../values/simple.ts';
import { parseVia, type Via } from '../values/via.ts';

/** What the value (or each value, where it is a list) of a known header field is read as. */
export interface HeaderTypes {
  readonly via: Via;
  readonly from: NameAddr;
  readonly to: NameAddr;
  readonly contact: Contact;
  readonly route: NameAddr;
  readonly 'record-route': NameAddr;
  readonly path: NameAddr;
  readonly 'service-route': NameAddr;
  readonly 'p-asserted-identity': NameAddr;
  readonly 'p-preferred-identity': NameAddr;
  readonly 'reply-to': NameAddr;
  readonly 'refer-to': NameAddr;
  readonly 'referred-by': NameAddr;
  readonly cseq: CSeq;
  readonly 'call-id': string;
  readonly 'max-forwards': number;
  readonly 'content-length': number;
  readonly expires: number;
  readonly 'min-expires': number;
  readonly 'flow-timer': number;
  readonly 'retry-after': number;
  readonly date: number;
  readonly event: Parameterised;
  readonly 'subscription-state': Parameterised;
  readonly 'content-type': Parameterised;
  readonly 'content-disposition': Parameterised;
  readonly accept: Parameterised;
  readonly allow: string;
  readonly 'allow-events': string;
  readonly supported: string;
  readonly require: string;
  readonly 'proxy-require': string;
  readonly unsupported: string;
  readonly 'sip-etag': string;
  readonly 'sip-if-match': string;
  readonly authorization: AuthValue;
  readonly 'proxy-authorization': AuthValue;
  readonly 'www-authenticate': AuthValue;
  readonly 'proxy-authenticate': AuthValue;
  readonly 'authentication-info': string;
}

export type TypedHeader = keyof HeaderTypes;

interface Reader<T> {
  readonly read: (text: string, where: string) => T;
  /** Values may be written with commas in one field. */
  readonly isList: boolean;
}

const one = <T>(read: (text: string, where: string) => T): Reader<T> => ({ read, isList: false });
const many = <T>(read: (text: string, where: string) => T): Reader<T> => ({ read, isList: true });
const plain = (text: string): string => text;
const contentLength = (text: string, where: string): number => parseInteger(text, Number.MAX_SAFE_INTEGER, where);

export const READERS: { readonly [K in TypedHeader]: Reader<HeaderTypes[K]> } = {
  via: many(parseVia),
  from: one(parseNameAddr),
  to: one(parseNameAddr),
  contact: many(parseContact),
  route: many(parseNameAddr),
  'record-route': many(parseNameAddr),
  path: many(parseNameAddr),
  'service-route': many(parseNameAddr),
  'p-asserted-identity': many(parseNameAddr),
  'p-preferred-identity': many(parseNameAddr),
  'reply-to': one(parseNameAddr),
  'refer-to': one(parseNameAddr),
  'referred-by': one(parseNameAddr),
  cseq: one(parseCSeq),
  'call-id': one(parseCallId),
  'max-forwards': one(parseMaxForwards),
  'content-length': one(contentLength),
  expires: one(parseSeconds),
  'min-expires': one(parseSeconds),
  'flow-timer': one(parseSeconds),
  'retry-after': one(parseRetryAfter),
  date: one(parseDate),
  event: one(parseParameterised),
  'subscription-state': one(parseParameterised),
  'content-type': one(parseParameterised),
  'content-disposition': one(parseParameterised),
  accept: many(parseParameterised),
  allow: many(parseTokenValue),
  'allow-events': many(parseTokenValue),
  supported: many(parseTokenValue),
  require: many(parseTokenValue),
  'proxy-require': many(parseTokenValue),
  unsupported: many(parseTokenValue),
  'sip-etag': one(parseTokenValue),
  'sip-if-match': one(parseTokenValue),
  authorization: one(parseAuth),
  'proxy-authorization': one(parseAuth),
  'www-authenticate': one(parseAuth),
  'proxy-authenticate': one(parseAuth),
  'authentication-info': one(plain),
};
