import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type CucmFixture, loadFixture } from '../mock-cucm/fixture.ts';
import { createMockCucm, type MockCucm, parseFaults } from '../mock-cucm/mock-cucm.ts';
import { ensureCertificates } from '../platform/certificates.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { authority } from './endpoints.ts';

const HOST = '127.0.0.1';
const ACME = fileURLToPath(new URL('../../fixtures/cucm/acme.json', import.meta.url));
/** The fixtures' administrator; good only at the mock. */
export const MOCK_ADMINISTRATOR = { user: 'administrator', password: 'Imp-demo-1' } as const;

/** The fixture of a file, or *acme*. */
export async function chosenFixture(file: string | null): Promise<CucmFixture> {
  return await loadFixture(file ?? ACME);
}

export interface StandaloneMockOptions {
  readonly certificatesFolder: string;
  /** null: nothing is kept. */
  readonly dataFolder: string | null;
  readonly fixtureFile: string | null;
  readonly users: number;
  readonly userPrefix: string;
  readonly seed: number;
  readonly faults: readonly string[];
  readonly port: number;
  /** Ends a start that generates many users; it then throws the signal's reason. */
  readonly signal: AbortSignal;
  /** Users generated so far, of how many. */
  readonly onGenerated: (done: number, total: number) => void;
  readonly clock: Clock;
  readonly log: Log;
}

export interface StandaloneMock extends AsyncDisposable {
  readonly endpoints: { readonly ca: string; readonly axl: string; readonly user: string; readonly password: string };
  readonly users: number;
}

/** The mock CUCM without a node beside it: `imp mock-cucm`. */
export async function startStandaloneMock(options: StandaloneMockOptions): Promise<StandaloneMock> {
  const names = ['localhost', HOST, '::1', hostname()];
  const certificates = await ensureCertificates(options.certificatesFolder, names, options.clock);
  const fixture = await chosenFixture(options.fixtureFile);
  const mock: MockCucm = createMockCucm({
    dataDir: options.dataFolder,
    fixture,
    users: options.users,
    userPrefix: options.userPrefix,
    seed: options.seed,
    nodes: ['imp1'],
    host: HOST,
    port: options.port,
    tls: certificates.node,
    faults: parseFaults(options.faults),
    signal: options.signal,
    onGenerated: options.onGenerated,
    clock: options.clock,
    log: options.log,
  });
  try {
    await mock.start();
  } catch (error) {
    await mock[Symbol.asyncDispose]();
    throw error;
  }
  return {
    endpoints: {
      ca: certificates.caFile,
      axl: `https://${authority(HOST, mock.port)}/axl/`,
      ...MOCK_ADMINISTRATOR,
    },
    users: mock.userCount,
    [Symbol.asyncDispose]: () => mock[Symbol.asyncDispose](),
  };
}
