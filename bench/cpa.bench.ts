/**
 * The Client Profile Agent with many sessions, each with a contact list: what a session costs in memory, and a request
 * (session check, contact list) over HTTPS keep-alive beside a bare node:https server that answers the same octets, and
 * beside the `soap` package behind express. Each server is a process of its own; the three take turns, so that a busy
 * machine slows all of them. Ratios of one run, of lists of 100 and of 200.
 *
 *     node bench/cpa.bench.ts [ROUNDS [SESSIONS [CONTACTS]]]
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { EPAS, envelope } from '../test/services/client-profile-agent/messages.ts';
import { temporaryFolder } from '../test/support/imp-process.ts';
import type { Memory, Ready, ServerKind, Wanted } from './support/cpa-servers.ts';
import { answerOf, type LoadTarget, load, quantile } from './support/tls-load.ts';

const [ROUNDS = 9, SESSIONS = 5_000, ...CONTACTS] = process.argv.slice(2).map(Number);
const ROUND_MS = 1_500;
const CONNECTIONS = 16;

interface Runner {
  readonly kind: ServerKind;
  readonly child: ChildProcess;
  readonly target: LoadTarget;
  readonly answer: string;
  readonly memory: Ready['memory'];
  readonly rates: number[];
  /** Milliseconds that 99 of 100 requests of a round did not pass. */
  readonly slow: number[];
  /** Microseconds of the server's processor time for a request. */
  readonly costs: number[];
}

async function start(wanted: Wanted): Promise<Runner> {
  const child = fork(new URL('./support/cpa-servers.ts', import.meta.url), { execArgv: ['--expose-gc'] });
  child.send(wanted);
  const [ready] = (await once(child, 'message')) as [Ready];
  const requests = ready.keys.map((key) => {
    const body = envelope(`<get-contact-list xmlns="${EPAS}"/>`, { key });
    const head = [
      'POST /EPASSoap/service HTTP/1.1',
      `Host: localhost:${ready.port}`,
      'Content-Type: application/soap+xml; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
  });
  const whole = await answerOf(ready.port, ready.ca, requests[0] as Buffer);
  const text = whole.toString();
  const count = text.match(/nickname/g)?.length ?? 0;
  if (!text.startsWith('HTTP/1.1 200') || count < wanted.contacts) throw new Error(text);
  const target = { port: ready.port, ca: ready.ca, requests, answerBytes: whole.length };
  const answer = text.slice(text.indexOf('\r\n\r\n') + 4);
  return { kind: wanted.kind, child, target, answer, memory: ready.memory, rates: [], slow: [], costs: [] };
}

async function cpuSeconds(child: ChildProcess): Promise<number> {
  child.send('cpu');
  const [{ cpuSeconds: used }] = (await once(child, 'message')) as [{ cpuSeconds: number }];
  return used;
}

async function round({ child, target, rates, slow, costs }: Runner): Promise<void> {
  const before = await cpuSeconds(child);
  const { requests, seconds, times } = await load(target, CONNECTIONS, ROUND_MS);
  rates.push(requests / seconds);
  slow.push(quantile(times, 0.99));
  costs.push((((await cpuSeconds(child)) - before) * 1e6) / requests);
}

const median = (values: readonly number[]): number => quantile(values, 0.5);
/** Of each round by itself: what the machine does besides changes from one to the next. */
const ratio = (of: (runner: Runner) => readonly number[], upper: Runner, lower: Runner): number =>
  median(of(upper).map((value, index) => value / (of(lower)[index] ?? Number.NaN)));
const rates = (runner: Runner): readonly number[] => runner.rates;

function tell(contacts: number, bare: Runner, agent: Runner, usual: Runner): void {
  console.log(`lists of ${contacts}`);
  for (const { kind, rates, slow, costs, target } of [bare, agent, usual]) {
    console.log(
      `  ${kind}: ${Math.round(median(rates))} requests/s, p99 ${median(slow).toFixed(1)} ms, ${Math.round(median(costs))} µs of its processor each (answers of ${target.answerBytes} octets)`,
    );
  }
  const [before, open, read] = agent.memory;
  const kib = (now: Memory): string =>
    `${((now.used - before.used) / 1024 / SESSIONS).toFixed(1)} KiB in use (the process grows by ${((now.rss - before.rss) / 1024 / SESSIONS).toFixed(1)})`;
  console.log(`  memory of a session of ${SESSIONS}: ${kib(open)}; with its list kept ${kib(read)}`);
  console.log(`  agent / bare: ${ratio(rates, agent, bare).toFixed(2)} of its requests/s (goal 0.70)`);
  console.log(`  agent / bare: ${ratio((each) => each.slow, agent, bare).toFixed(2)} of its p99`);
  console.log(`  agent / soap + express: ${ratio(rates, agent, usual).toFixed(1)} of its requests/s (goal 8)`);
}

async function measure(contacts: number): Promise<void> {
  await using folder = await temporaryFolder();
  execFileSync(process.execPath, [
    fileURLToPath(new URL('./support/cpa-rosters.ts', import.meta.url)),
    ...[folder.path, String(SESSIONS), String(contacts)],
  ]);
  const wanted = { folder: folder.path, sessions: SESSIONS, contacts };
  const children: ChildProcess[] = [];
  const begin = async (kind: ServerKind, answer = ''): Promise<Runner> => {
    const runner = await start({ ...wanted, kind, answer });
    children.push(runner.child);
    return runner;
  };
  try {
    const agent = await begin('agent');
    const runners = [await begin('bare', agent.answer), agent, await begin('soap + express')] as const;
    for (const { target } of runners) await load(target, CONNECTIONS, 2 * ROUND_MS);
    for (let count = 0; count < ROUNDS; count += 1) for (const runner of runners) await round(runner);
    tell(contacts, ...runners);
  } finally {
    for (const child of children) child.kill();
  }
}

for (const contacts of CONTACTS.length > 0 ? CONTACTS : [100, 200]) await measure(contacts);
