import { join, resolve } from 'node:path';
import { authority, type Endpoints, removeEndpoints, writeEndpoints } from '../node/endpoints.ts';
import { createNode, type Node, type NodeOptions } from '../node/node.ts';
import { parseNodeFile } from '../node/node-config.ts';
import { systemClock } from '../platform/clock.ts';
import { createLog, type LogLevel } from '../platform/log.ts';
import { readConfig } from './config.ts';
import type { GlobalFlags, StartFlags } from './flags.ts';
import { type CliIo, UsageError } from './io.ts';
import { ENDPOINTS_FILE } from './remote.ts';

/** `imp start`: one node until it is interrupted. */
export async function runStart(flags: GlobalFlags, version: string, io: CliIo): Promise<void> {
  const given = flags as StartFlags;
  const options = await nodeOptions(given, version, io);
  const files = [join(options.dataFolder, ENDPOINTS_FILE)];
  if (given.endpoints !== undefined) files.push(resolve(io.cwd, given.endpoints));

  const began = performance.now();
  await using node = await createNode(options);
  for (const file of files) await removeEndpoints(file);
  await node.start();
  let writing = Promise.resolve();
  const publish = (): void => {
    const endpoints = node.endpoints();
    writing = writing.then(async () => {
      for (const file of files) await writeEndpoints(file, endpoints);
    });
  };
  publish();
  await writing;
  if (given.json) io.out(JSON.stringify({ type: 'endpoints', ...node.endpoints() }));
  else io.out(welcome(node, options, io));

  const seconds = (): string => ((performance.now() - began) / 1000).toFixed(1);
  const shown = new Set(endpointRows(node.endpoints()).map(([name]) => name));
  let wasReady = false;
  node.onReadiness((isReady) => {
    publish();
    const endpoints = node.endpoints();
    const line = wasReady ? 'ready again' : `ready after ${seconds()} s: ${node.summary()}. Stop with Ctrl+C.`;
    const isFirst = isReady && !wasReady;
    wasReady ||= isReady;
    // Said once it is written: who waits for either finds both.
    writing = writing.then(() => {
      // Some services open their own listeners, after the node's first word.
      if (given.json && isFirst) io.out(JSON.stringify({ type: 'endpoints', ...endpoints }));
      if (given.json) io.out(JSON.stringify({ type: 'readiness', ready: isReady }));
      else if (isReady) {
        io.status?.('');
        const rows = isFirst ? endpointRows(endpoints).filter(([name]) => !shown.has(name)) : [];
        if (rows.length > 0) io.out(`${rows.map(tableRow).join('\n')}\n`);
        io.out(line);
      } else if (!io.interrupted.aborted) io.out('not ready: see imp status');
    });
  });
  node.onSyncProgress(({ stage, done, total }) => {
    if (wasReady) return;
    const line = `sync: ${stage} ${done}${total === null ? '' : ` of ${total}`}`;
    if (given.json) io.out(JSON.stringify({ type: 'progress', stage, done, total }));
    else io.status?.(line);
  });
  node.run();

  await untilAborted(io.interrupted);
  if (!given.json) io.out('stopping …');
  await node.stop();
  publish();
  await writing;
  await removeEndpoints(files[0] as string);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    // The listeners are unreferenced nowhere, but a node without any would end here.
    const alive = setInterval(() => undefined, 60_000);
    const finish = (): void => {
      clearInterval(alive);
      done();
    };
    if (signal.aborted) finish();
    else signal.addEventListener('abort', finish, { once: true });
  });
}

async function nodeOptions(flags: StartFlags, version: string, io: CliIo): Promise<NodeOptions> {
  const isMock = flags.mockCucm === true;
  for (const name of ['fixture', 'users', 'userPrefix'] as const) {
    if (flags[name] !== undefined && !isMock) {
      throw new UsageError(`--${name === 'userPrefix' ? 'user-prefix' : name} needs --mock-cucm`);
    }
  }
  const config =
    flags.config === undefined
      ? parseNodeFile(flags.node === undefined ? '' : `node: ${JSON.stringify(flags.node)}`, '--node')
      : parseNodeFile(await readConfig(resolve(io.cwd, flags.config), flags.config), flags.config);
  const named =
    flags.node === undefined
      ? config
      : { ...config, node: parseNodeFile(`node: ${JSON.stringify(flags.node)}`, '--node').node };
  const level =
    (flags.logLevel as LogLevel | undefined) ??
    (flags.config === undefined && io.isErrorTerminal ? 'warn' : config.log.level);
  return {
    config: named,
    cucmPassword: io.env.IMP_CUCM_PASSWORD,
    dataFolder: resolve(io.cwd, flags.data ?? './data'),
    baseFolder: io.cwd,
    mockCucm: isMock
      ? {
          fixtureFile: flags.fixture === undefined ? null : resolve(io.cwd, flags.fixture),
          users: flags.users ?? 0,
          userPrefix: flags.userPrefix ?? 'user',
        }
      : null,
    hasEphemeralPorts: flags.ephemeralPorts === true,
    version,
    pid: io.pid,
    clock: systemClock,
    log: createLog({ level, node: named.node }),
  };
}

/** What is open, in words for a person. */
function endpointRows({ sip, xmpp, xmppWebSocket, ...open }: Endpoints): readonly (readonly [string, string])[] {
  const mock = open.mockCucm;
  const rows: (readonly [string, string | undefined])[] = [
    ['Client Profile Agent (SOAP)', open.cpa],
    ['Presence Web Service', open.presenceWebService],
    ['XMPP', xmpp && authority(xmpp.host, xmpp.port)],
    ['XMPP over WebSocket', xmppWebSocket],
    ['SIP', sip && `${authority(sip.host, sip.udp)} UDP and TCP, ${authority(sip.host, sip.tls)} TLS`],
    ['Console', `${open.admin}/`],
    ['Administration API', `${open.admin}/api`],
    ['Control Center (SOAP)', open.controlCenter],
    ['Metrics', open.metrics],
    ['Mock CUCM (AXL)', mock && `${mock.axl}  ${mock.user} / ${mock.password}`],
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}

function tableRow([name, value]: readonly [string, string]): string {
  return `  ${name.padEnd(28)} ${value}`;
}

function welcome(node: Node, options: NodeOptions, io: CliIo): string {
  const endpoints = node.endpoints();
  const lines = [`imp-gateway ${options.version}, node ${endpoints.node}, domain ${endpoints.domain}`, ''];
  const rows = [
    ...endpointRows(endpoints),
    ['Certificate authority', endpoints.ca] as const,
    ['Data', options.dataFolder] as const,
  ];
  lines.push(...rows.map(tableRow));
  const sample = node.sampleCredentials();
  if (sample && endpoints.cpa) {
    const body =
      '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><e:login xmlns:e="urn:cisco:epas:soap">' +
      `<e:username>${sample.users[0]}</e:username><e:password>${sample.password}</e:password></e:login></s:Body></s:Envelope>`;
    lines.push(
      `  ${'Users'.padEnd(28)} ${sample.users.join(' ')}`,
      `  ${''.padEnd(28)} password of every one: ${sample.password}`,
      '',
      `  Sign ${sample.users[0]} in:`,
      `  curl --cacert ${shellQuoted(endpoints.ca)} -H 'Content-Type: application/soap+xml' -d '${body}' ${endpoints.cpa}`,
    );
  }
  lines.push(
    '',
    `  See how it is: npx imp status${options.dataFolder === resolve(io.cwd, 'data') ? '' : ` --data ${shellQuoted(options.dataFolder)}`}`,
    '',
  );
  return lines.join('\n');
}

function shellQuoted(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
