import type { Socket } from 'node:net';
import { issueCertificate } from '../platform/certificates.ts';
import type { Clock } from '../platform/clock.ts';
import { ImpError } from '../platform/errors.ts';
import { createHttpsListener, type HttpsListener, type TlsMaterial } from '../platform/https-listener.ts';
import type { Log } from '../platform/log.ts';
import { createChangeQueue } from './change-queue.ts';
import { createFaultSwitches, type FaultName, type FaultSetting, type FaultSwitches } from './faults.ts';
import type { CucmFixture } from './fixture.ts';
import { createAxlApp } from './http/axl-app.ts';
import { createFaultsApp } from './http/faults-app.ts';
import { createSessions, type Sessions } from './http/sessions.ts';
import { CREDENTIAL, setCredential } from './objects/credentials.ts';
import { createSqlRunner, type SqlRunner } from './sql/sql-runner.ts';
import type { Writing } from './store/access.ts';
import { seedFactory } from './store/factory.ts';
import { generateUsers } from './store/generate-users.ts';
import { seedFixture } from './store/seed-fixture.ts';
import { openStore, type Store } from './store/store.ts';

export { type FaultSetting, parseFaults } from './faults.ts';

export interface MockCucmOptions {
  /** null: nothing is kept. */
  readonly dataDir: string | null;
  readonly fixture: CucmFixture;
  /** How many users are generated beside the fixture's. */
  readonly users: number;
  readonly userPrefix: string;
  readonly seed: number;
  /** Names of the IM and Presence nodes that CUCM knows. */
  readonly nodes: readonly string[];
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly tls: TlsMaterial;
  readonly faults?: readonly FaultSetting[];
  /** A certificate that has run out, for the fault; absent: one signed by itself. */
  readonly expiredTls?: () => Promise<TlsMaterial>;
  /** Longest run of a client's SQL statement. */
  readonly sqlLimitMs?: number;
  /** Ends a start that generates many users; `start` then throws its reason. */
  readonly signal?: AbortSignal;
  /** Users generated so far, of how many. */
  readonly onGenerated?: (done: number, total: number) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** A CUCM that answers AXL, for laptops, continuous integration and tests (docs/services/mock-cucm.md). */
export interface MockCucm extends AsyncDisposable {
  /** Fills the database where it is new, and opens the listener. @throws ImpError `listener.bind`, `mock-cucm.data` */
  start(): Promise<void>;
  readonly port: number;
  /** End users, generated ones too. */
  readonly userCount: number;
  /** Takes another certificate without closing connections. */
  renew(tls: TlsMaterial): void;
}

/** Makes the mock without I/O. */
export function createMockCucm(options: MockCucmOptions): MockCucm {
  const { clock } = options;
  const log = options.log.child({ subsystem: 'mock-cucm' });
  const changes = createChangeQueue();
  const sessions = createSessions(clock);
  const listener = createHttpsListener('mock-cucm', options.tls, log);
  const sockets = new Set<Socket>();
  let tls = options.tls;
  let store: Store | undefined;
  let sql: SqlRunner | undefined;

  const onFault = async (name: FaultName, value: string, isOn: boolean): Promise<void> => {
    log.info({ fault: name, isOn }, 'fault set');
    await EFFECTS[name]?.({ changes, sessions, sockets, store, listener, options, tls: () => tls }, value, isOn);
  };
  const faults = createFaultSwitches(onFault);

  return {
    async start() {
      const began = clock.monotonic();
      const opened = await openStore({
        dataDir: options.dataDir,
        clock,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
        seed: (writing, isNew) => seed(writing, isNew, options, log),
      });
      store = opened;
      opened.onChanges((each) => changes.append(each));
      sql = createSqlRunner({
        store: opened,
        clock,
        log,
        onChanges: (each) => changes.append(each),
        ...(options.sqlLimitMs === undefined ? {} : { limitMs: options.sqlLimitMs }),
      });
      const needs = { store: opened, changes, sql, clock, log, faults, sessions };
      const axl = createAxlApp(needs);
      mount(listener, ['/axl'], axl, sockets);
      mount(listener, ['/faults'], createFaultsApp(needs), sockets);
      for (const fault of options.faults ?? []) await faults.set(fault.name, fault.value);
      await listener.listen(options.host, options.port);
      log.info({ port: listener.port, ms: Math.round(clock.monotonic() - began) }, 'mock CUCM started');
    },
    get port() {
      return listener.port;
    },
    get userCount() {
      return store?.read.get<{ n: number }>('SELECT count(*) AS n FROM enduser')?.n ?? 0;
    },
    renew(renewed) {
      tls = renewed;
      if (!faults.isOn('expired-certificate')) listener.renew(renewed);
    },
    async [Symbol.asyncDispose]() {
      await listener.close();
      await sql?.[Symbol.asyncDispose]();
      store?.[Symbol.dispose]();
    },
  };
}

/** So many generated users are worth a line of the log. */
const LOGGED_USERS = 20_000;

async function seed(writing: Writing, isNew: boolean, options: MockCucmOptions, log: Log): Promise<void> {
  if (isNew) {
    seedFactory(writing, options.nodes, options.fixture.domain);
    seedFixture(writing, options.fixture);
  }
  if (options.users === 0) return;
  await generateUsers(writing, {
    ...options,
    onGenerated(done, total) {
      options.onGenerated?.(done, total);
      if (done % LOGGED_USERS === 0) log.info({ users: done, total }, 'generating users');
    },
  });
}

function mount(
  listener: HttpsListener,
  prefixes: readonly string[],
  handler: Parameters<HttpsListener['mount']>[1],
  sockets: Set<Socket>,
): void {
  for (const prefix of prefixes) {
    listener.mount(prefix, (request, response) => {
      const { socket } = request;
      if (!sockets.has(socket)) {
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
      }
      handler(request, response);
    });
  }
}

interface Reach {
  readonly changes: ReturnType<typeof createChangeQueue>;
  readonly sessions: Sessions;
  readonly sockets: ReadonlySet<Socket>;
  readonly store: Store | undefined;
  readonly listener: HttpsListener;
  readonly options: MockCucmOptions;
  readonly tls: () => TlsMaterial;
}

/** What faults do at the moment they are set; the others wait for a request. */
const EFFECTS: Partial<Record<FaultName, (reach: Reach, value: string, isOn: boolean) => void | Promise<void>>> = {
  'queue-reset': ({ changes }) => changes.reset(),
  restart({ changes, sessions, sockets }) {
    changes.reset();
    sessions.clear();
    cutLater(sockets);
  },
  down({ sockets }, _value, isOn) {
    if (isOn) cutLater(sockets);
  },
  async 'expired-certificate'({ listener, options, sockets, tls }, _value, isOn) {
    if (isOn) listener.renew(await (options.expiredTls ?? (() => selfSignedExpired(options)))());
    else listener.renew(tls());
    // Connections that stand have seen the other one.
    cutLater(sockets);
  },
  async 'password-change'({ store }, value) {
    const colon = value.indexOf(':');
    const [user, password] = colon < 0 ? ['administrator', value] : [value.slice(0, colon), value.slice(colon + 1)];
    await store?.write((writing) => {
      const row = writing.get<{ pkid: string }>('SELECT pkid FROM applicationuser WHERE name = ?', user);
      if (!row) throw new ImpError('not-found', 'mock-cucm.fault-value', `there is no application user ${user}`);
      setCredential(writing, 'applicationuser', row.pkid, CREDENTIAL.password, password);
    });
  },
};

/** Cuts connections once the answer that is being written has left. */
function cutLater(sockets: ReadonlySet<Socket>): void {
  const standing = [...sockets];
  setImmediate(() => {
    for (const socket of standing) socket.destroySoon();
  });
}

function selfSignedExpired({ host, clock }: MockCucmOptions): Promise<TlsMaterial> {
  return issueCertificate({ names: [host, 'localhost'], clock, days: -1 });
}

export type { CucmFixture, FaultSwitches };
