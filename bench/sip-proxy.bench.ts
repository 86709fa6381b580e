/** SIP Proxy: registrations with digest and messages a second at a node in its own process, beside a bare UDP echo. */
import { spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { digestHa1, digestResponse } from '../src/sip/digest/algorithms.ts';

const ROUNDS = Number(process.argv[2] ?? 20_000);
const IN_FLIGHT = 64;
const USERS = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi', 'ivan', 'judy'];
const REALM = 'acme.example';
const LAUNCHER = fileURLToPath(new URL('../bin/imp.js', import.meta.url));

type Algorithm = 'MD5' | 'SHA-256';

const userOf = (turn: number): string => USERS[turn % USERS.length] as string;

function request(method: string, turn: number, cseq: number, more: readonly string[], target = REALM): Buffer {
  const user = userOf(turn);
  return Buffer.from(
    [
      `${method} sip:${target} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK${method}${turn}x${cseq};rport`,
      'Max-Forwards: 70',
      `From: <sip:${user}@${REALM}>;tag=${turn}`,
      `To: <sip:${method === 'REGISTER' ? `${user}@${REALM}` : target}>`,
      `Call-ID: ${method}-${turn}`,
      `CSeq: ${cseq} ${method}`,
      ...more,
      'Content-Length: 0',
      '\r\n',
    ].join('\r\n'),
  );
}

function signed(method: string, turn: number, nonce: string, algorithm: Algorithm, uri: string): string {
  const username = userOf(turn);
  const ha1 = digestHa1(algorithm, username, REALM, 'Imp-demo-1');
  const qop = { nc: '00000001', cnonce: 'bench' };
  const response = digestResponse({ algorithm, ha1, nonce, method, uri, qop });
  return `Digest username="${username}", realm="${REALM}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=${algorithm}, qop=auth, nc=${qop.nc}, cnonce="${qop.cnonce}"`;
}

/** Runs `ROUNDS` exchanges, some at a time; `step` answers what is sent next in an exchange, undefined when it is over. */
async function exchanges(
  port: number,
  first: (turn: number) => Buffer,
  step: (turn: number, answer: string) => Buffer | undefined,
): Promise<number> {
  const socket: Socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  let sent = 0;
  let done = 0;
  const next = (): void => {
    socket.send(first(sent), port, '127.0.0.1');
    sent += 1;
  };
  const began = performance.now();
  await new Promise<void>((resolve) => {
    socket.on('message', (bytes) => {
      const answer = bytes.toString('latin1');
      if (answer.startsWith('SIP/2.0 100')) return;
      const more = step(Number(/\r\nCall-ID: [A-Z]+-(\d+)/.exec(answer)?.[1]), answer);
      if (more !== undefined) {
        socket.send(more, port, '127.0.0.1');
        return;
      }
      done += 1;
      if (done === ROUNDS) resolve();
      else if (sent < ROUNDS) next();
    });
    for (let turn = 0; turn < IN_FLIGHT; turn += 1) next();
  });
  socket.close();
  return ROUNDS / ((performance.now() - began) / 1_000);
}

/** A process of its own that sends back what it gets: what the machine and its client can do at most. */
async function startEcho(): Promise<{ readonly port: number; stop(): void }> {
  const program =
    "const s=require('dgram').createSocket('udp4');s.on('message',(b,f)=>s.send(b,f.port,f.address));s.bind(0,'127.0.0.1',()=>console.log(s.address().port))";
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { port: Number(line), stop: () => void child.kill() };
}

const folder = await mkdtemp(join(tmpdir(), 'imp-bench-'));
const endpointsFile = join(folder, 'endpoints.json');
const child = spawn(
  process.execPath,
  [
    ...[LAUNCHER, 'start', '--json', '--mock-cucm', '--ephemeral-ports', '--log-level', 'warn'],
    ...['--data', join(folder, 'data'), '--endpoints', endpointsFile],
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
await new Promise<void>((resolve) => {
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = JSON.parse(line) as { type: string; ready?: boolean };
    if (event.type === 'readiness' && event.ready === true) resolve();
  });
});
const { sip } = JSON.parse(await readFile(endpointsFile, 'utf8')) as { sip: { udp: number } };

const register = (turn: number, cseq: number, more: readonly string[] = []): Buffer =>
  request('REGISTER', turn, cseq, [`Contact: <sip:${userOf(turn)}@127.0.0.1:9>`, 'Expires: 3600', ...more]);
const nonceOf = (answer: string): string | undefined => /nonce="([^"]+)"/.exec(answer)?.[1];

async function registrations(run: number, algorithm: Algorithm): Promise<number> {
  const place = run * ROUNDS;
  return await exchanges(
    sip.udp,
    (turn) => register(place + turn, 1),
    (turn, answer) => {
      const nonce = answer.startsWith('SIP/2.0 401') ? nonceOf(answer) : undefined;
      if (nonce !== undefined) {
        return register(turn, 2, [`Authorization: ${signed('REGISTER', turn, nonce, algorithm, `sip:${REALM}`)}`]);
      }
      if (!answer.startsWith('SIP/2.0 200')) throw new Error(answer);
      return undefined;
    },
  );
}

const echo = await startEcho();
const bare = await exchanges(
  echo.port,
  (turn) => register(turn, 1),
  (turn, answer) => (answer.includes('CSeq: 1 ') ? register(turn, 2) : undefined),
);
echo.stop();
for (const [run, algorithm] of [[1, 'MD5'] as const, [2, 'SHA-256'] as const]) {
  const rate = await registrations(run, algorithm);
  console.log(
    `registrations with ${algorithm} digest, challenge and all: ${Math.round(rate)}/s (${Math.round(2 * rate)} requests/s), ${(rate / bare).toFixed(2)} of a bare echo (${Math.round(bare)}/s)`,
  );
}
const options = await exchanges(
  sip.udp,
  (turn) => request('OPTIONS', 10 * ROUNDS + turn, 1, []),
  () => undefined,
);
console.log(`OPTIONS: ${Math.round(options)}/s`);
child.kill('SIGTERM');
await once(child, 'exit');
await rm(folder, { recursive: true, force: true });
