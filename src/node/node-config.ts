import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { alarmDeliveryOptions } from '../admin/alarm-delivery/options.ts';
import { adminOptions } from '../admin/options.ts';
import { ImpError } from '../platform/errors.ts';
import { LOG_LEVELS } from '../platform/log.ts';
import { loginThrottleOptions } from '../sign-in/login-throttle.ts';
import { serviceOptions } from './services.ts';

/** The node file: what is read once at start. Service parameters live in the IDS and change while the node runs. */

const port = (number: number, use: string): z.ZodDefault<z.ZodNumber> =>
  z.number().int().min(0).max(65535).default(number).describe(`${use}. 0 picks a free port.`);

const domainName = z
  .string()
  .regex(/^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i, {
    error: 'must be a domain name',
  })
  .transform((name) => name.toLowerCase());

const nodeName = z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,126}[A-Za-z0-9])?$/, { error: 'must be a host name' });

const hostOrAddress = z
  .string()
  .refine((name) => isIP(name) !== 0 || /^(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(name), {
    error: 'must be a host name or an IP address',
  });

const datastore = z
  .strictObject({
    url: z
      .string()
      .regex(/^rediss?:\/\/\S+$/, { error: 'must be a redis:// or rediss:// URL' })
      .describe('A Redis or Valkey server: redis://HOST:PORT, over TLS rediss://HOST:PORT.'),
    passwordFile: z.string().optional().describe('A file that holds nothing but its password.'),
    caFile: z.string().optional().describe("PEM file of the authority of its certificate; absent: the system's own."),
    secretFile: z
      .string()
      .describe('A file of 32 random characters or more, the same on all nodes: session keys are derived from it.'),
  })
  .describe('Where sessions, presence and registrations live that several nodes share. Left out: in this process.');

const cucm = z
  .strictObject({
    url: z.url({ protocol: /^https$/, error: 'must be an https URL' }).describe('The AXL URL of the CUCM publisher.'),
    user: z.string().min(1).describe('An application user with an AXL role.'),
    password: z.string().optional().describe('Its password; better in passwordFile or IMP_CUCM_PASSWORD.'),
    passwordFile: z.string().optional().describe('A file that holds nothing but the password.'),
    caFile: z
      .string()
      .optional()
      .describe(
        "PEM file of the authority (or the self-signed certificate) of CUCM's Tomcat; absent: the system's own.",
      ),
  })
  .describe('The CUCM whose users this node serves. Left out with --mock-cucm.');

export const nodeConfigSchema = z.strictObject({
  node: nodeName.default('imp1').describe('Name of this node, unique in the cluster. --node overrides it.'),
  domain: domainName
    .optional()
    .describe("Presence domain of the cluster. Needed unless the mock CUCM's fixture brings one."),
  address: z
    .union([z.literal(''), hostOrAddress], { error: 'must be a host name or an IP address' })
    .default('')
    .describe('Host name or address under which clients reach this node; empty: the address it is bound to.'),
  bind: z
    .string()
    .refine((address) => isIP(address) !== 0, { error: 'must be an IP address' })
    .default('127.0.0.1')
    .describe('Address that all listeners are bound to; 0.0.0.0 or :: serves every interface.'),
  names: z.array(hostOrAddress).default([]).describe('More names and addresses that the server certificate must hold.'),
  log: z
    .strictObject({ level: z.enum(LOG_LEVELS).default('info').describe('trace, debug, info, warn, error or fatal.') })
    .prefault({})
    .describe('Structured logs go to standard error, a JSON object a line.'),
  ids: z
    .strictObject({
      durability: z
        .enum(['process', 'power'])
        .default('process')
        .describe("'process' survives kill -9; 'power' also survives a power cut, at a third of the write rate."),
      url: z
        .string()
        .regex(/^postgres(ql)?:\/\/\S+$/, { error: 'must be a postgres:// URL' })
        .optional()
        .describe('A PostgreSQL database in place of the embedded one: postgres://USER@HOST:PORT/DATABASE.'),
      passwordFile: z.string().optional().describe('A file that holds nothing but its password.'),
    })
    .prefault({})
    .describe('The configuration database.'),
  datastore: datastore.optional(),
  cucm: cucm.optional(),
  listeners: z
    .strictObject({
      https: port(8443, 'Client Profile Agent, administration, metrics'),
      presenceWebService: port(8083, 'Presence Web Service'),
      presenceWebServiceHttp: z
        .number()
        .int()
        .min(0)
        .max(65535)
        .nullable()
        .default(null)
        .describe('Presence Web Service without TLS (8082 in the product), for old applications; null: off.'),
      sip: port(5060, 'SIP over UDP and TCP'),
      sipTls: port(5061, 'SIP over TLS'),
      sipPeerTls: port(5062, 'SIP over TLS for peers, which must show a certificate'),
      sipInternal: port(5049, 'SIP over UDP and TCP for programs of this machine, on the loopback address'),
      sipCallConfiguration: port(5070, "SIP over TCP for CUCM's calls to the publisher"),
      xmpp: port(5222, 'XMPP clients, encrypted by STARTTLS'),
      xmppTls: port(5223, 'XMPP clients over direct TLS'),
      xcpRouter: port(7400, 'Routers of other nodes and clusters'),
      xmppWeb: port(5280, 'XMPP clients in browsers: WebSocket at /ws, BOSH at /http-bind'),
      mockCucm: port(9443, 'AXL of the mock CUCM'),
      sipProxyControl: port(8081, "The Config Agent's calls to the SIP Proxy"),
      configAgent: port(
        8600,
        'Heartbeats between the Config Agents of a cluster, the same on all of them; open once there is another node',
      ),
      presenceEngineControl: port(0, "The OAM Agent's calls to the Presence Engine"),
      rcc: port(5064, 'CSTA over SIP, UDP and TCP, while RCC Device Selection is activated'),
      serverRecoveryManager: port(
        22001,
        'Heartbeats between the nodes of a cluster, the same on all of them; open once there is another node',
      ),
      presenceEngineSip: port(5080, 'SIP over UDP and TCP of the Presence Engine, which the SIP Proxy sends to'),
    })
    .prefault({})
    .describe('Ports.'),
  http: z
    .strictObject({
      connectionsPerAddress: z
        .number()
        .int()
        .min(1)
        .default(500)
        .describe('Most connections of one address; those of signIn.exemptNetworks are not bound by it.'),
      connections: z.number().int().min(1).default(10_000).describe('Most connections of all addresses.'),
      headSeconds: z
        .number()
        .int()
        .min(1)
        .max(600)
        .default(30)
        .describe('Seconds for a TLS handshake, and for the head of a request.'),
    })
    .prefault({})
    .describe('Limits of all listeners over HTTP together.'),
  signIn: loginThrottleOptions
    .prefault({})
    .describe('Log-ins, counted together for all interfaces that check passwords.'),
  alarms: alarmDeliveryOptions
    .prefault({})
    .describe('Who hears of alarms, beside the log, the metrics and the console.'),
  admin: adminOptions.prefault({}).describe('Who administers the node, beside the holder of its admin token.'),
  services: serviceOptions.prefault({}).describe('Options of the services, by name.'),
});

export type NodeFile = z.infer<typeof nodeConfigSchema>;

/** One thing wrong with a configuration file. */
export interface ConfigProblem {
  /** `listeners.https`; '' for the whole file. */
  readonly key: string;
  readonly line: number | null;
  readonly message: string;
}

/** The file was refused; `problems` has them all, the message is one line each. */
export class ConfigError extends ImpError {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];
  constructor(file: string, problems: readonly ConfigProblem[]) {
    const lines = problems.map(
      ({ key, line, message }) =>
        `${file}${line === null ? '' : `:${line}`}: ${key === '' ? '' : `${key}: `}${message}`,
    );
    super('invalid', 'config.invalid', lines.join('\n'));
    this.problems = problems;
  }
}

/**
 * Reads a node file (YAML). Every default is applied; unknown keys are errors.
 * @param file only for messages. @throws ConfigError naming the keys.
 */
export function parseNodeFile(text: string, file: string): NodeFile {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  const syntax = document.errors[0];
  if (syntax) {
    const line = counter.linePos(syntax.pos[0]).line;
    throw new ConfigError(file, [{ key: '', line, message: `not YAML: ${syntax.message}` }]);
  }
  // A key without a value is one whose lines are commented out: its default holds.
  const result = nodeConfigSchema.safeParse(withoutNulls(document.toJS({ maxAliasCount: 20 }) ?? {}));
  if (result.success) return result.data;
  const lineOf = (path: readonly PropertyKey[]): number | null => {
    for (let length = path.length; length > 0; length -= 1) {
      const node = document.getIn(path.slice(0, length), true) as { range?: [number, number, number] } | undefined;
      if (node?.range) return counter.linePos(node.range[0]).line;
    }
    return null;
  };
  throw new ConfigError(
    file,
    result.error.issues.flatMap((issue): ConfigProblem[] => {
      if (issue.code === 'unrecognized_keys') {
        return issue.keys.map((key) => ({
          key: [...issue.path, key].join('.'),
          line: lineOf([...issue.path, key]),
          message: 'unknown key',
        }));
      }
      return [{ key: issue.path.join('.'), line: lineOf(issue.path), message: issue.message }];
    }),
  );
}

function withoutNulls(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== null)
      .map(([key, each]) => [key, withoutNulls(each)]),
  );
}

/** Names that the server certificate must hold. */
export function certificateNames(config: NodeFile, domain: string): string[] {
  const own = hostname();
  const names = [
    config.node,
    config.address,
    own,
    'localhost',
    domain,
    '127.0.0.1',
    '::1',
    config.bind,
    ...config.names,
  ];
  return [...new Set(names.filter((name) => name !== '' && name !== '0.0.0.0' && name !== '::'))];
}
