import { isIPv4 } from 'node:net';
import type { SocketAddress } from './flow.ts';

const MAGIC = 0x2112a442;
const HEADER_BYTES = 20;

/** STUN shares the port with SIP; its first two bits are zero, which no SIP message begins with (RFC 5626 8). */
export function isStun(bytes: Buffer): boolean {
  return bytes.length >= HEADER_BYTES && (bytes[0] as number) < 2 && bytes.readUInt32BE(4) === MAGIC;
}

/**
 * The answer to a Binding request, which keeps a UDP flow alive and tells the client its address (RFC 5626 4.4.2,
 * RFC 8489 14.2); undefined for anything else.
 */
export function answerBinding(request: Buffer, remote: SocketAddress): Buffer | undefined {
  if (request.readUInt16BE(0) !== 0x0001) return undefined;
  const transaction = request.subarray(4, HEADER_BYTES);
  const address = isIPv4(remote.address)
    ? Buffer.from(remote.address.split('.').map(Number))
    : ipv6Bytes(remote.address);
  for (let index = 0; index < address.length; index += 1) {
    address[index] = (address[index] as number) ^ (transaction[index] as number);
  }
  const answer = Buffer.alloc(HEADER_BYTES + 8 + address.length);
  answer.writeUInt16BE(0x0101, 0);
  answer.writeUInt16BE(8 + address.length, 2);
  transaction.copy(answer, 4);
  answer.writeUInt16BE(0x0020, 20);
  answer.writeUInt16BE(4 + address.length, 22);
  answer.writeUInt8(address.length === 4 ? 1 : 2, 25);
  answer.writeUInt16BE(remote.port ^ (MAGIC >>> 16), 26);
  address.copy(answer, 28);
  return answer;
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail] = (address.split('%')[0] as string).split('::');
  const groups = (text: string): number[] =>
    text === ''
      ? []
      : text.split(':').flatMap((group) => {
          if (!group.includes('.')) return [Number.parseInt(group, 16)];
          const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
          return [(a << 8) | b, (c << 8) | d];
        });
  const [left, right] = [groups(head), groups(tail ?? '')];
  const zeros = new Array<number>(Math.max(0, 8 - left.length - right.length)).fill(0);
  const bytes = Buffer.alloc(16);
  for (const [index, group] of [...left, ...zeros, ...right].slice(0, 8).entries())
    bytes.writeUInt16BE(group, index * 2);
  return bytes;
}
