/** XMPP: what a chat message costs to read and write again, and what an idle stream holds. Side by side in one run. */
import { SaxesParser } from 'saxes';
import {
  addressed,
  createStreamReader,
  NS,
  parseJid,
  readStanza,
  type StreamReader,
  tcpFraming,
} from '../src/xmpp/xmpp.ts';

const ROUNDS = Number(process.argv[2] ?? 200_000);
const STREAMS = 5_000;
const OPEN = Buffer.from(
  `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='${NS.stream}' to='acme.example' version='1.0'>`,
);
const CHAT = Buffer.from(
  `<message to='bob@acme.example/phone' id='a1b2c3' type='chat'><body>Hello, how are you doing today? Shall we have lunch?</body>` +
    `<active xmlns='${NS.chatStates}'/><request xmlns='${NS.receipts}'/></message>`,
);
const from = parseJid('alice@acme.example/desk');
const framing = tcpFraming();

function openReader(onElement: (element: Parameters<typeof readStanza>[0]) => void): StreamReader {
  const reader = createStreamReader({ opened: () => undefined, element: onElement, closed: () => undefined });
  reader.push(OPEN);
  return reader;
}

/** Microseconds of processor time a message, the best of three: a busy machine does not count against it. */
function time(work: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < 3; turn += 1) {
    const began = process.cpuUsage();
    for (let round = 0; round < ROUNDS; round += 1) work();
    const { user, system } = process.cpuUsage(began);
    best = Math.min(best, (user + system) / ROUNDS);
  }
  return best;
}

let characters = 0;
const bare = new SaxesParser({ xmlns: true, position: false });
bare.write(OPEN.toString());
const bareUs = time(() => void bare.write(CHAT.toString()));
const reading = openReader(() => undefined);
const readUs = time(() => reading.push(CHAT));
const routing = openReader((element) => {
  const stanza = readStanza(element);
  characters += framing.element(addressed(stanza.element, { from })).length;
});
const routeUs = time(() => routing.push(CHAT));
console.log(`a chat message of ${CHAT.length} bytes (${characters > 0 ? 'written again' : 'lost'}):`);
console.log(`  parsed by saxes alone, nothing listening: ${bareUs.toFixed(1)} us`);
console.log(`  read as an element: ${readUs.toFixed(1)} us, ${(readUs / bareUs).toFixed(2)} of that`);
console.log(`  read, judged, stamped and written: ${routeUs.toFixed(1)} us, ${(routeUs / bareUs).toFixed(2)} of that`);

function heapUsed(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** Bytes of heap for each of `STREAMS`. */
function memory(make: () => unknown): number {
  const kept: unknown[] = [];
  const before = heapUsed();
  for (let index = 0; index < STREAMS; index += 1) kept.push(make());
  const used = (heapUsed() - before) / kept.length;
  return Math.round(used);
}

memory(() => openReader(() => undefined));
const perParser = memory(() => {
  const parser = new SaxesParser({ xmlns: true, position: false });
  return parser.write(OPEN.toString());
});
const perReader = memory(() => {
  const reader = openReader(() => undefined);
  reader.push(CHAT);
  return reader;
});
console.log(`an idle stream's reader holds ${perReader} bytes, ${(perReader / perParser).toFixed(2)} of a bare parser`);
