/** SIP: what a REGISTER costs to read and write, what its digest costs, and registrations over UDP beside a bare echo. */
import { createSocket, type Socket } from 'node:dgram';
import { systemClock } from '../src/platform/clock.ts';
import { createLog } from '../src/platform/log.ts';
import { createScope } from '../src/platform/scope.ts';
import { createDigestAuthenticator } from '../src/sip/digest/authenticator.ts';
import { createDigestClient } from '../src/sip/digest/client.ts';
import { createResponse } from '../src/sip/message/build.ts';
import type { SipRequest } from '../src/sip/message/message.ts';
import { parseDatagram } from '../src/sip/message/parse.ts';
import { writeMessage } from '../src/sip/message/write.ts';
import { createSipEndpoint } from '../src/sip/sip.ts';

const ROUNDS = Number(process.argv[2] ?? 20_000);
const IN_FLIGHT = 32;

const register = (turn: number): Buffer =>
  Buffer.from(
    [
      'REGISTER sip:acme.example SIP/2.0',
      `Via: SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bKnashds${turn};rport`,
      'Max-Forwards: 70',
      'From: "Alice" <sip:alice@acme.example>;tag=456248',
      'To: <sip:alice@acme.example>',
      `Call-ID: 843817637684230@998sdasdh09-${turn}`,
      'CSeq: 1826 REGISTER',
      'Contact: <sip:alice@127.0.0.1:5062;transport=udp>;+sip.instance="<urn:uuid:00000000-0000-0000-0000-0011223344aa>";reg-id=1',
      'Supported: replaces, path, outbound',
      'Allow: INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, OPTIONS, SUBSCRIBE, MESSAGE',
      'User-Agent: Imp-Bench/1.0',
      'Expires: 3600',
      'Content-Length: 0',
      '\r\n',
    ].join('\r\n'),
  );

function perCall(task: (turn: number) => void, calls = 200_000): number {
  for (let turn = 0; turn < calls / 10; turn += 1) task(turn);
  const began = cpu();
  for (let turn = 0; turn < calls; turn += 1) task(turn);
  return (cpu() - began) / calls;
}

/** Microseconds of processor time that this process has used: says the same on a busy machine. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

const bytes = register(0);
const parse = perCall(() => void parseDatagram(bytes));
const both = perCall(() => void writeMessage(parseDatagram(bytes)));
const used = perCall(() => {
  const { headers } = parseDatagram(bytes);
  for (const key of ['to', 'contact', 'supported'] as const) headers.list(key);
  headers.get('expires');
  headers.get('from')?.uri;
});
console.log(
  `REGISTER of ${bytes.length} bytes: read ${parse.toFixed(1)} µs, read and written ${both.toFixed(1)} µs, read with its values ${used.toFixed(1)} µs`,
);

const authenticator = createDigestAuthenticator({
  realm: 'acme.example',
  clock: systemClock,
  secretOf: () => ({ password: 'Imp-demo-1' }),
});
for (const algorithm of ['MD5', 'SHA-256'] as const) {
  const phone = createDigestClient({
    username: 'alice',
    passwordFor: () => 'Imp-demo-1',
    algorithms: [algorithm],
  });
  const signed: SipRequest[] = [];
  for (let turn = 0; turn < 20_000; turn += 1) {
    const request = parseDatagram(register(turn)) as SipRequest;
    const challenge = createResponse(request, 401, { headers: authenticator.challenge('www') });
    signed.push(phone.answer(request, challenge) as SipRequest);
  }
  const began = cpu();
  for (const request of signed) {
    const { outcome } = await authenticator.check(request, 'www');
    if (outcome !== 'accepted') throw new Error(outcome);
  }
  console.log(`digest check, ${algorithm}: ${((cpu() - began) / signed.length).toFixed(1)} µs`);
}
const challenge = perCall(() => void authenticator.challenge('www'), 50_000);
console.log(`challenge: ${challenge.toFixed(1)} µs`);

/** Bytes in use, heap and buffers, after a collection. */
function memory(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Sends `make(turn)` with some in flight, and counts answers a second. */
async function roundTrips(port: number, make: (turn: number) => Buffer): Promise<number> {
  const socket: Socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  let sent = 0;
  let answered = 0;
  const next = (): void => {
    socket.send(make(sent), port, '127.0.0.1');
    sent += 1;
  };
  const began = performance.now();
  await new Promise<void>((resolve) => {
    socket.on('message', () => {
      answered += 1;
      if (answered === ROUNDS) resolve();
      else if (sent < ROUNDS) next();
    });
    for (let turn = 0; turn < IN_FLIGHT; turn += 1) next();
  });
  socket.close();
  return ROUNDS / ((performance.now() - began) / 1000);
}

const messages = Array.from({ length: ROUNDS }, (_, turn) => register(turn));
const echo = createSocket('udp4');
await new Promise<void>((resolve) => echo.bind(0, '127.0.0.1', resolve));
echo.on('message', (data, from) => echo.send(data, from.port, from.address));
const bare = await roundTrips(echo.address().port, (turn) => messages[turn] as Buffer);
echo.close();

const sip = createSipEndpoint(
  { clock: systemClock, log: createLog({ level: 'silent' }) },
  { host: '127.0.0.1', port: 0, tlsPort: null },
);
const scope = createScope(systemClock, (error) => {
  throw error;
});
await sip.open(scope);
sip.onRequest((transaction) => {
  const contact = transaction.request.headers.text('contact') ?? '';
  transaction.reply(200, { headers: [['Contact', `${contact};expires=3600`]] });
});
const before = memory();
const rate = await roundTrips(sip.addresses.udp?.port ?? 0, (turn) => messages[turn] as Buffer);
console.log(
  `REGISTER round trips over UDP, client in the same process: ${Math.round(rate)}/s, ${(rate / bare).toFixed(2)} of a bare echo (${Math.round(bare)}/s)`,
);
const held = sip.statistics.serverTransactions;
console.log(`${held} transactions held: ${((memory() - before) / held / 1024).toFixed(1)} KiB each`);
await scope.close();
