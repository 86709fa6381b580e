/**
 * A Client Profile Agent request (session check, contact list of 100) over HTTPS keep-alive, beside a bare node:https
 * server that answers the same octets, and beside the `soap` package behind express. Each server is a process of its
 * own; the three take turns, so that a busy machine slows all of them. Ratios of one run.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { EPAS, envelope } from '../test/services/client-profile-agent/messages.ts';
import type { Ready, ServerKind } from './support/cpa-servers.ts';
import { answerOf, load } from './support/tls-load.ts';

const ROUNDS = Number(process.argv[2] ?? 9);
const ROUND_MS = 1_500;
const CONNECTIONS = 16;

interface Runner {
  readonly kind: ServerKind;
  readonly child: ChildProcess;
  readonly target: {
    readonly port: number;
    readonly ca: string;
    readonly request: Buffer;
    readonly answerBytes: number;
  };
  readonly answer: string;
  readonly rates: number[];
  /** Microseconds of the server's processor time for a request. */
  readonly costs: number[];
}

const children: ChildProcess[] = [];

async function start(kind: ServerKind, answer = ''): Promise<Runner> {
  const child = fork(new URL('./support/cpa-servers.ts', import.meta.url));
  children.push(child);
  child.send({ kind, answer });
  const [ready] = (await once(child, 'message')) as [Ready];
  const body = envelope(`<get-contact-list xmlns="${EPAS}"/>`, { key: ready.key });
  const head = [
    'POST /EPASSoap/service HTTP/1.1',
    `Host: localhost:${ready.port}`,
    'Content-Type: application/soap+xml; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  const request = Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
  const whole = await answerOf(ready.port, ready.ca, request);
  const text = whole.toString();
  if (!text.startsWith('HTTP/1.1 200') || (text.match(/persona-id/g)?.length ?? 0) < 200) throw new Error(text);
  const target = { ...ready, request, answerBytes: whole.length };
  return { kind, child, target, answer: text.slice(text.indexOf('\r\n\r\n') + 4), rates: [], costs: [] };
}

async function cpuSeconds(child: ChildProcess): Promise<number> {
  child.send('cpu');
  const [{ cpuSeconds: used }] = (await once(child, 'message')) as [{ cpuSeconds: number }];
  return used;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const runners: Runner[] = [];
try {
  const agent = await start('agent');
  runners.push(await start('bare', agent.answer), agent, await start('soap + express'));
  for (const { target } of runners) await load(target, CONNECTIONS, 2 * ROUND_MS);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { child, target, rates, costs } of runners) {
      const before = await cpuSeconds(child);
      const { requests, seconds } = await load(target, CONNECTIONS, ROUND_MS);
      rates.push(requests / seconds);
      costs.push((((await cpuSeconds(child)) - before) * 1e6) / requests);
    }
  }
} finally {
  for (const child of children) child.kill();
}

for (const { kind, rates, costs, target } of runners) {
  console.log(
    `${kind}: ${Math.round(median(rates))} requests/s, ${Math.round(median(costs))} µs of its processor each (answers of ${target.answerBytes} octets)`,
  );
}
/** Of each round by itself: what the machine does besides changes from one to the next. */
const ratio = (upper: Runner | undefined, lower: Runner | undefined): number =>
  median(upper?.rates.map((rate, round) => rate / (lower?.rates[round] ?? Number.NaN)) ?? []);
const [bare, agent, usual] = runners;
console.log(`agent / bare: ${ratio(agent, bare).toFixed(2)} (goal 0.70)`);
console.log(`agent / soap + express: ${ratio(agent, usual).toFixed(1)} (goal 8)`);
