import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type DigestAlgorithm, digestHa1, digestResponse } from '../../src/sip/digest/algorithms.ts';

export interface SipUsers {
  readonly realm: string;
  readonly names: readonly string[];
  readonly password: string;
}

export interface LoadOptions {
  readonly exchanges: number;
  /** Exchanges that are under way at once. */
  readonly inFlight: number;
  readonly algorithm?: DigestAlgorithm;
}

export interface LoadResult {
  /** Exchanges a second. */
  readonly rate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Requests sent again because no answer came within half a second. */
  readonly retransmissions: number;
}

/** Clients on several sockets, each user's contact on one of them; every request is sent and answered for real. */
export interface SipLoad {
  /** REGISTER, challenge, REGISTER with the answer, 200; user after user. */
  registrations(options: LoadOptions): Promise<LoadResult>;
  /** MESSAGE to another registered user, who answers it; senders keep their nonce, as clients do. */
  messages(options: LoadOptions): Promise<LoadResult>;
  close(): void;
}

interface Exchange {
  readonly method: 'REGISTER' | 'MESSAGE';
  readonly user: number;
  readonly callId: string;
  readonly socket: Socket;
  readonly began: number;
  cseq: number;
  sent: Buffer;
  sentAt: number;
}

const SOCKETS = 8;
const AGAIN_MS = 500;

export async function openSipLoad(port: number, users: SipUsers): Promise<SipLoad> {
  const { realm, names } = users;
  const sockets: Socket[] = [];
  for (let turn = 0; turn < SOCKETS; turn += 1) {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    sockets.push(socket);
  }
  const ports = sockets.map((socket) => socket.address().port);
  const nonces = new Map<number, { readonly nonce: string; count: number }>();
  const secrets = new Map<string, string>();
  let calls = 0;
  let under: Map<string, Exchange> = new Map();
  let onEnd: (exchange: Exchange, answer: string) => void = () => undefined;

  const signature = (exchange: Exchange, algorithm: DigestAlgorithm, uri: string): string => {
    const known = nonces.get(exchange.user);
    if (known === undefined) return '';
    known.count += 1;
    const username = names[exchange.user] as string;
    const secret = `${algorithm} ${username}`;
    let ha1 = secrets.get(secret);
    if (ha1 === undefined) {
      ha1 = digestHa1(algorithm, username, realm, users.password);
      secrets.set(secret, ha1);
    }
    const qop = { nc: known.count.toString(16).padStart(8, '0'), cnonce: 'bench' };
    const { nonce } = known;
    const response = digestResponse({ algorithm, ha1, nonce, method: exchange.method, uri, qop });
    const name = exchange.method === 'REGISTER' ? 'Authorization' : 'Proxy-Authorization';
    return `${name}: Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=${algorithm}, qop=auth, nc=${qop.nc}, cnonce="${qop.cnonce}"\r\n`;
  };

  const write = (exchange: Exchange, algorithm: DigestAlgorithm): Buffer => {
    const { method, user, callId, cseq } = exchange;
    const own = ports[user % SOCKETS] as number;
    const address = `sip:${names[user]}@${realm}`;
    const isRegister = method === 'REGISTER';
    const target = isRegister ? `sip:${realm}` : `sip:${names[(user + 1) % names.length]}@${realm}`;
    const body = isRegister ? '' : 'Lunch at noon?';
    return Buffer.from(
      `${method} ${target} SIP/2.0\r\n` +
        `Via: SIP/2.0/UDP 127.0.0.1:${own};branch=z9hG4bK${callId}x${cseq};rport\r\n` +
        `Max-Forwards: 70\r\nFrom: <${address}>;tag=${callId}\r\nTo: <${isRegister ? address : target}>\r\n` +
        `Call-ID: ${callId}\r\nCSeq: ${cseq} ${method}\r\n${signature(exchange, algorithm, target)}` +
        `${isRegister ? `Contact: <sip:${names[user]}@127.0.0.1:${own}>\r\nExpires: 3600\r\n` : 'Content-Type: text/plain\r\n'}` +
        `User-Agent: imp-bench\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  };

  const send = (exchange: Exchange, bytes: Buffer): void => {
    exchange.sent = bytes;
    exchange.sentAt = performance.now();
    exchange.socket.send(bytes, port, '127.0.0.1');
  };

  const onMessage = (socket: Socket, bytes: Buffer): void => {
    const text = bytes.toString('latin1');
    if (!text.startsWith('SIP/2.0 ')) {
      const kept = text.split('\r\n').filter((line) => /^(?:Via|From|To|Call-ID|CSeq):/i.test(line));
      const answer = `SIP/2.0 200 OK\r\n${kept.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`;
      socket.send(answer.replace(/\r\n(To: <[^>]*>)\r\n/i, '\r\n$1;tag=bench\r\n'), port, '127.0.0.1');
      return;
    }
    if (text.startsWith('SIP/2.0 1')) return;
    const exchange = under.get(/\r\nCall-ID: ([^\r]+)/i.exec(text)?.[1] ?? '');
    // An answer that came twice belongs to the request before.
    if (exchange === undefined || !text.includes(`CSeq: ${exchange.cseq} `)) return;
    onEnd(exchange, text);
  };
  for (const socket of sockets) socket.on('message', (bytes) => onMessage(socket, bytes));

  const run = (
    method: Exchange['method'],
    { exchanges, inFlight, algorithm = 'MD5' }: LoadOptions,
  ): Promise<LoadResult> =>
    new Promise((resolve, reject) => {
      const times: number[] = [];
      let begun = 0;
      let retransmissions = 0;
      under = new Map();
      const begin = (): void => {
        const user = begun % names.length;
        begun += 1;
        calls += 1;
        if (method === 'REGISTER') nonces.delete(user);
        const now = performance.now();
        const callId = `bench-${process.pid}-${calls}`;
        const socket = sockets[user % SOCKETS] as Socket;
        const exchange = { method, user, callId, socket, began: now, cseq: 1, sent: Buffer.alloc(0), sentAt: now };
        under.set(callId, exchange);
        send(exchange, write(exchange, algorithm));
      };
      const began = performance.now();
      const again = setInterval(() => {
        const now = performance.now();
        for (const exchange of under.values()) {
          if (now - exchange.sentAt < AGAIN_MS) continue;
          retransmissions += 1;
          send(exchange, exchange.sent);
        }
      }, AGAIN_MS / 2);
      onEnd = (exchange, answer) => {
        const nonce = /^SIP\/2\.0 40[17]/.test(answer) ? /nonce="([^"]+)"/.exec(answer)?.[1] : undefined;
        if (nonce !== undefined && exchange.cseq < 3) {
          nonces.set(exchange.user, { nonce, count: 0 });
          exchange.cseq += 1;
          send(exchange, write(exchange, algorithm));
          return;
        }
        under.delete(exchange.callId);
        if (!answer.startsWith('SIP/2.0 2')) {
          clearInterval(again);
          reject(new Error(answer));
          return;
        }
        times.push(performance.now() - exchange.began);
        if (begun < exchanges) begin();
        else if (times.length === exchanges) {
          clearInterval(again);
          const rate = exchanges / ((performance.now() - began) / 1_000);
          times.sort((a, b) => a - b);
          const at = (share: number): number => times[Math.floor(share * (exchanges - 1))] as number;
          resolve({ rate, p50Ms: at(0.5), p99Ms: at(0.99), retransmissions });
        }
      };
      for (let turn = 0; turn < inFlight; turn += 1) begin();
    });

  return {
    registrations: (options) => run('REGISTER', options),
    messages: (options) => run('MESSAGE', options),
    close() {
      for (const socket of sockets) socket.close();
    },
  };
}
