import { ENVELOPE_NAMESPACE } from '../../soap/envelope.ts';
import { element, type Markup, NOTHING, openTag, textElement } from '../../xml/write.ts';
import type { AxlFault } from './axl-fault.ts';

/** Spelled as CUCM spells it: clients look for these very prefixes, and for the quotes of the declaration. */
const HEAD = `<?xml version='1.0' encoding='UTF-8'?><soapenv:Envelope xmlns:soapenv="${ENVELOPE_NAMESPACE['1.1']}"><soapenv:Body>`;
const TAIL = '</soapenv:Body></soapenv:Envelope>';

export const REPLY_TYPE = 'text/xml;charset=UTF-8';

/** An answer in parts: `inside` stands in the response element. */
export function writeReply(
  operation: string,
  version: string,
  sequence: string | undefined,
  inside: Markup | readonly Markup[],
): readonly string[] {
  const name = `ns:${operation}Response`;
  const attributes = { 'xmlns:ns': `http://www.cisco.com/AXL/API/${version}`, sequence };
  const parts = typeof inside === 'string' ? [inside] : inside;
  return [HEAD + openTag(name, attributes), ...parts, `</${name}>${TAIL}`];
}

export function writeFault(fault: AxlFault, operation: string): string {
  const detail = element(
    'detail',
    undefined,
    element(
      'axlError',
      undefined,
      textElement('axlcode', fault.axlCode),
      textElement('axlmessage', fault.message),
      operation === '' ? NOTHING : textElement('request', operation),
    ),
  );
  return (
    HEAD +
    element(
      'soapenv:Fault',
      undefined,
      textElement('faultcode', `soapenv:${fault.side}`),
      textElement('faultstring', fault.message),
      detail,
    ) +
    TAIL
  );
}

/** The element around what an operation answers. */
export function returned(...inside: readonly Markup[]): Markup {
  return element('return', undefined, ...inside);
}
