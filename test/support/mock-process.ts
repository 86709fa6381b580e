import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import { element, elements, textOf, type XmlElement } from '../../src/xml/element.ts';
import { parseXml } from '../../src/xml/parse.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/imp.js', import.meta.url));

/** A mock CUCM in a process of its own, started as a user starts it. */
export interface MockProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly axl: string;
  readonly ca: string;
  readonly port: number;
  /** One AXL request; answers the `…Response` element. Throws what a fault says. */
  call(operation: string, inside: string): Promise<XmlElement>;
  /** All users, by user id. */
  users(tags: readonly string[]): Promise<Map<string, Record<string, string>>>;
  kill(): Promise<void>;
}

/** Starts `imp mock-cucm`. Port 0 is a free one. */
export async function startMockProcess(flags: readonly string[], port = 0): Promise<MockProcess> {
  const child = spawn(process.execPath, [LAUNCHER, 'mock-cucm', '--json', '--port', String(port), ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    log += chunk;
  });
  const exited = once(child, 'exit');
  const told = await new Promise<{ axl: string; ca: string; user: string; password: string }>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line)));
    exited.then(() => reject(new Error(`the mock ended before it was ready:\n${log}`)), reject);
  });
  const agent = new Agent({ connect: { ca: await readFile(told.ca, 'utf8') } });
  const authorization = `Basic ${Buffer.from(`${told.user}:${told.password}`).toString('base64')}`;

  const call = async (operation: string, inside: string): Promise<XmlElement> => {
    const answer = await request(told.axl, {
      method: 'POST',
      dispatcher: agent,
      headers: {
        authorization,
        'content-type': 'text/xml; charset=utf-8',
        soapaction: `"CUCM:DB ver=14.0 ${operation}"`,
      },
      body:
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ns="http://www.cisco.com/AXL/API/14.0">' +
        `<soapenv:Body><ns:${operation}>${inside}</ns:${operation}></soapenv:Body></soapenv:Envelope>`,
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`${operation}: HTTP ${answer.statusCode} ${text.slice(0, 500)}`);
    const body = element(parseXml(text, { depth: 64, elements: 10_000_000, attributesPerElement: 64 }), 'Body');
    const response = body && elements(body)[0];
    if (!response) throw new Error(`${operation}: no answer`);
    return response;
  };

  return {
    child,
    axl: told.axl,
    ca: told.ca,
    port: Number(new URL(told.axl).port),
    call,
    async users(tags) {
      const found = new Map<string, Record<string, string>>();
      for (let skip = 0; ; skip += 1000) {
        const response = await call(
          'listUser',
          `<searchCriteria><userid>%</userid></searchCriteria><returnedTags><userid/>${tags.map((tag) => `<${tag}/>`).join('')}</returnedTags><skip>${skip}</skip><first>1000</first>`,
        );
        const rows = elements(element(response, 'return') ?? response, 'user');
        for (const row of rows) {
          const of = (name: string): string => {
            const child = element(row, name);
            return child ? textOf(child) : '';
          };
          found.set(of('userid'), Object.fromEntries(tags.map((tag) => [tag, of(tag)])));
        }
        if (rows.length < 1000) return found;
      }
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await exited;
      }
      await agent.destroy();
    },
  };
}
