import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { z } from 'zod';
import { attribute, element, elements, textOf, type XmlAttribute, type XmlElement } from '../../../xml/element.ts';
import { PeerError } from '../errors.ts';

/**
 * What peers answer, read leniently: attributes and elements that are not known are ignored, those that are missing take
 * their default. What cannot be done without makes it `garbage`.
 */

export interface PeerNode {
  readonly name: string;
  readonly address: string;
  readonly redundancyGroup: string;
  readonly isPublisher: boolean;
  readonly haState: number;
  readonly version: string;
  readonly httpsPort: number;
  readonly sipPort: number;
  readonly sipTlsPort: number;
  readonly routerPort: number;
}

export interface PeerCertificate {
  readonly kind: 'authority' | 'node';
  readonly node: string;
  readonly fingerprint: string;
  readonly pem: string;
}

export interface PeerCluster {
  readonly id: string;
  readonly publisher: string;
  readonly version: string;
  readonly domain: string;
  readonly addressScheme: string;
  readonly sequence: number;
  readonly users: number;
  readonly groups: ReadonlyMap<string, { readonly highAvailability: boolean }>;
  readonly nodes: readonly PeerNode[];
  readonly domains: readonly { readonly name: string; readonly isDefault: boolean }[];
  readonly aliases: readonly {
    readonly name: string;
    readonly isPrimary: boolean;
    readonly node: string;
    readonly originalNode: string;
  }[];
  readonly certificates: readonly PeerCertificate[];
}

/** Names as in the schema. */
export interface PeerUser {
  readonly id: string;
  readonly userid: string;
  readonly imAddress: string;
  readonly node: string;
  readonly directoryUri: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly displayName: string;
  readonly mail: string;
  readonly department: string;
  readonly title: string;
  readonly telephoneNumber: string;
  readonly mobileNumber: string;
}

export interface PeerChanges {
  readonly users: readonly PeerUser[];
  readonly removed: readonly string[];
  readonly through: number;
  readonly isMore: boolean;
  readonly isTopologyChanged: boolean;
  /** null: it does not say. */
  readonly userCount: number | null;
}

const text = z.string().max(1024).default('');
const name = z.string().min(1).max(255);
const sequence = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);
const count = z
  .string()
  .regex(/^\d{1,9}$/)
  .transform(Number);
const port = count.pipe(z.number().max(65_535)).default(0);
const flag = z
  .enum(['true', 'false', '1', '0'])
  .transform((value) => value === 'true' || value === '1')
  .default(false);
const host = name.refine((value) => isIP(value) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(value));

const clusterShape = z.object({
  id: name,
  publisher: name,
  version: text,
  domain: name,
  addressScheme: text.default('userid@domain'),
  sequence,
  users: count,
});
const groupShape = z.object({ name, highAvailability: flag });
const nodeShape = z.object({
  name,
  address: host,
  redundancyGroup: text,
  publisher: flag,
  haState: count.default(0),
  version: text,
  httpsPort: port,
  sipPort: port,
  sipTlsPort: port,
  routerPort: port,
});
const domainShape = z.object({ name, default: flag });
const aliasShape = z.object({ name, primary: flag, node: text, originalNode: text });
const certificateShape = z.object({ kind: z.enum(['authority', 'node']), node: text });
const changesShape = z.object({
  through: sequence,
  more: flag,
  topologyChanged: flag,
  users: count.nullable().default(null),
});

export function readCluster(response: XmlElement): PeerCluster {
  const found = element(response, 'cluster');
  if (!found) throw garbage('a cluster that does not say who it is');
  return {
    ...read(found, clusterShape),
    groups: new Map(
      elements(response, 'redundancyGroup').map((each) => [read(each, groupShape).name, read(each, groupShape)]),
    ),
    nodes: elements(response, 'node').map((each) => {
      const { publisher, ...node } = read(each, nodeShape);
      return { ...node, isPublisher: publisher };
    }),
    domains: elements(response, 'domain').map((each) => {
      const domain = read(each, domainShape);
      return { name: domain.name.toLowerCase(), isDefault: domain.default };
    }),
    aliases: elements(response, 'alias').map((each) => {
      const { primary, ...alias } = read(each, aliasShape);
      return { ...alias, isPrimary: primary };
    }),
    certificates: elements(response, 'certificate').flatMap(readCertificate),
  };
}

/** One of a kind that is not known is none. */
function readCertificate(found: XmlElement): PeerCertificate[] {
  const attributes = certificateShape.safeParse(attributesOf(found));
  if (!attributes.success) return [];
  try {
    const certificate = new X509Certificate(Buffer.from(textOf(found), 'base64'));
    return [{ ...attributes.data, fingerprint: certificate.fingerprint256, pem: certificate.toString() }];
  } catch (cause) {
    throw garbage('a certificate that cannot be read', cause);
  }
}

/** Called for each of many: no schema, and what is missing is empty. */
export function readUser(attributes: readonly XmlAttribute[]): PeerUser {
  const user: Record<string, string> = { ...EMPTY_USER };
  for (const { uri, local, value } of attributes) if (uri === '' && local in EMPTY_USER) user[local] = value;
  if (user.id === '' || user.userid === '' || user.imAddress === '') throw garbage('a user without id or address');
  return user as unknown as PeerUser;
}

const EMPTY_USER: PeerUser = {
  id: '',
  userid: '',
  imAddress: '',
  node: '',
  directoryUri: '',
  firstName: '',
  lastName: '',
  displayName: '',
  mail: '',
  department: '',
  title: '',
  telephoneNumber: '',
  mobileNumber: '',
};

export function readChanges(response: XmlElement, users: readonly PeerUser[]): PeerChanges {
  const { through, more, topologyChanged, users: userCount } = read(response, changesShape);
  const removed = elements(response, 'removed').map((each) => {
    const id = attribute(each, 'id');
    if (!id) throw garbage('a removed user without id');
    return id;
  });
  return { users, removed, through, isMore: more, isTopologyChanged: topologyChanged, userCount };
}

function attributesOf(found: XmlElement): Record<string, string> {
  return Object.fromEntries(found.attributes.filter(({ uri }) => uri === '').map(({ local, value }) => [local, value]));
}

function read<Shape>(found: XmlElement, shape: z.ZodType<Shape>): Shape {
  const result = shape.safeParse(attributesOf(found));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw garbage(`an element ${found.local} whose ${issue?.path.join('.') || 'content'} is not valid`);
}

function garbage(what: string, cause?: unknown): PeerError {
  return new PeerError('garbage', `it sent ${what}`, { cause });
}
