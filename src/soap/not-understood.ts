import type { XmlElement } from '../xml/element.ts';
import { type Attributes, element, join, type Markup } from '../xml/write.ts';
import { isMustUnderstand, type SoapEnvelope, type SoapVersion, writeEnvelope, writeFault } from './envelope.ts';

const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace';

/** Header blocks that must be understood by us and are not: the message is refused before anything is done. */
export function headersNotUnderstood(
  { headers, version }: SoapEnvelope,
  isKnown: (header: XmlElement) => boolean,
): XmlElement[] {
  return headers.filter((header) => !isKnown(header) && isMustUnderstand(header, version));
}

/**
 * The answer to them: a MustUnderstand fault, in 1.2 with a block that names each (SOAP 1.2 part 1, 5.4.8; 1.1 has no
 * such block).
 * @param headers more header blocks, as those of addressing
 */
export function writeNotUnderstood(
  version: SoapVersion,
  unknown: readonly XmlElement[],
  reason: string,
  headers?: Markup,
): string {
  const fault = writeFault(version, { code: 'MustUnderstand', reason });
  if (version === '1.1') return writeEnvelope(version, fault, headers);
  const { names, namespaces } = qualify(unknown);
  const blocks = names.map((qname) => element('s:NotUnderstood', { qname }));
  return writeEnvelope(version, fault, join(headers === undefined ? blocks : [...blocks, headers]), namespaces);
}

/** Qualified names, each once. A namespace is declared once for all, so that the answer grows no faster than the request. */
function qualify(unknown: readonly XmlElement[]): { readonly names: string[]; readonly namespaces: Attributes } {
  const prefixes = new Map<string, string>([
    ['', ''],
    [XML_NAMESPACE, 'xml:'],
  ]);
  const namespaces: Record<string, string> = {};
  const names = new Set<string>();
  for (const { uri, local } of unknown) {
    let prefix = prefixes.get(uri);
    if (prefix === undefined) {
      const name = `n${prefixes.size - 1}`;
      namespaces[`xmlns:${name}`] = uri;
      prefix = `${name}:`;
      prefixes.set(uri, prefix);
    }
    names.add(prefix + local);
  }
  return { names: [...names], namespaces };
}
