import { join } from 'node:path';
import { Pool } from 'undici';
import { ensureCertificates } from '../../../src/platform/certificates.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { createHttpsListener } from '../../../src/platform/https-listener.ts';
import { createLog } from '../../../src/platform/log.ts';
import type { ClientProfileAgentOptions } from '../../../src/services/client-profile-agent/client-profile-agent.ts';
import { temporaryFolder } from '../../support/imp-process.ts';
import type { TestIds } from '../../support/test-ids.ts';
import { type CpaParts, openCpaParts } from './cpa-parts.ts';
import { type Answer, payloadOf } from './messages.ts';

/** A Client Profile Agent as clients meet it: on the node's HTTPS listener, under an authority of its own. */
export interface CpaHttps extends CpaParts {
  readonly port: number;
  /** PEM of the authority, and the file that holds it. */
  readonly ca: string;
  readonly caFile: string;
  /** A folder that goes with the world. */
  readonly folder: string;
  /** `https://localhost:PORT/EPASSoap/service`. */
  readonly url: string;
  readonly wsdl: string;
  /** Sends a body with just the headers given, over a connection that is kept. */
  post(body: string | Buffer, options?: { path?: string; headers?: Readonly<Record<string, string>> }): Promise<Answer>;
}

export async function openCpaHttps(
  options: Partial<ClientProfileAgentOptions> = {},
  test?: TestIds,
): Promise<CpaHttps> {
  const folder = await temporaryFolder();
  const names = ['localhost', '127.0.0.1'];
  const certificates = await ensureCertificates(join(folder.path, 'certs'), names, systemClock);
  const listener = createHttpsListener('cpa', certificates.node, createLog({ level: 'silent' }));
  const parts = await openCpaParts({ clock: systemClock, listener, host: 'localhost', options, ...(test && { test }) });
  await listener.listen('127.0.0.1', 0);
  const { port } = listener;
  const origin = `https://localhost:${port}`;
  const pool = new Pool(origin, { connections: 4, connect: { ca: certificates.ca } });
  return {
    ...parts,
    port,
    ca: certificates.ca,
    caFile: certificates.caFile,
    folder: folder.path,
    url: `${origin}/EPASSoap/service`,
    wsdl: `${origin}/EPASSoap/service?wsdl`,
    async post(body, { path = '/EPASSoap/service', headers = {} } = {}) {
      const response = await pool.request({ path, method: 'POST', body, headers });
      const text = await response.body.text();
      const { statusCode: status } = response;
      return { status, headers: response.headers as Record<string, string>, text, payload: payloadOf(text) };
    },
    async [Symbol.asyncDispose]() {
      await pool.destroy();
      await listener.close();
      await parts[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
