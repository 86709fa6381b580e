import { SipError } from '../errors.ts';
import type { HeaderField } from './headers.ts';
import type { SipMessage } from './message.ts';

/**
 * The message as it goes over the wire. Content-Length is always told and always right; every other field that came
 * from the network and was not touched goes out byte for byte.
 */
export function writeMessage(message: SipMessage): Buffer {
  let head = message.kind === 'request' ? requestLine(message.method, message.uri) : statusLine(message);
  const length = message.body.length;
  let isLengthTold = false;
  for (const field of message.headers.fields) {
    if (field.key === 'content-length') {
      if (isLengthTold) continue;
      isLengthTold = true;
      head += `${Number(field.value) === length && field.value !== '' ? lineOf(field) : `Content-Length: ${length}`}\r\n`;
    } else {
      head += `${field.raw ?? lineOf(field)}\r\n`;
    }
  }
  head += isLengthTold ? '\r\n' : `Content-Length: ${length}\r\n\r\n`;
  return length === 0 ? Buffer.from(head) : Buffer.concat([Buffer.from(head), message.body]);
}

function lineOf(field: HeaderField): string {
  return field.raw ?? `${field.name}: ${field.value}`;
}

function requestLine(method: string, uri: string): string {
  if (!/^[!-;=?-~]+$/.test(uri)) {
    throw new SipError('sip.forbidden-character', 'the Request-URI holds a character that no URI has');
  }
  return `${method} ${uri} SIP/2.0\r\n`;
}

function statusLine(response: { readonly status: number; readonly reason: string }): string {
  if (/[\r\n]/.test(response.reason)) {
    throw new SipError('sip.forbidden-character', 'a reason phrase cannot carry a line end');
  }
  return `SIP/2.0 ${response.status} ${response.reason}\r\n`;
}
