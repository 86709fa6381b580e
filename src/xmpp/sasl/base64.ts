import { XmppError } from '../errors.ts';

/** The whole form of RFC 4648 section 4, padded: `Buffer.from` alone would skip what it does not know. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** @throws XmppError `xmpp.base64` */
export function fromBase64(text: string): Buffer {
  if (!BASE64.test(text)) throw new XmppError('xmpp.base64', 'the text is not base64');
  return Buffer.from(text, 'base64');
}

/** The text of a SASL element: an equals sign stands for data of no length (RFC 6120 6.4.2). */
export function saslText(data: Uint8Array): string {
  return data.length === 0 ? '=' : Buffer.from(data).toString('base64');
}

/** Undefined when there is none at all. @throws XmppError `xmpp.base64` */
export function fromSaslText(text: string): Buffer | undefined {
  if (text === '') return undefined;
  return text === '=' ? Buffer.alloc(0) : fromBase64(text);
}
