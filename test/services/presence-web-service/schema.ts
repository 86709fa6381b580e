import { readFileSync } from 'node:fs';
import { XmlDocument, XsdValidator } from 'libxml2-wasm';

/** The judge of our answers: an independent parser with our own schema, SOAP's envelope around it left open. */
const SCHEMA = readFileSync(new URL('../../../wsdl/presence-web-service.xsd', import.meta.url), 'utf8');
const NAMESPACE = 'urn:cisco:cup:presence:soap';

let validator: XsdValidator | undefined;

/** Throws when an element, a request's or an answer's, breaks our schema. */
export function validatePayload(payload: string): void {
  validator ??= XsdValidator.fromDoc(XmlDocument.fromString(SCHEMA, { url: 'mem:///wsdl/presence-web-service.xsd' }));
  const document = XmlDocument.fromString(payload);
  try {
    validator.validate(document);
  } catch (error) {
    throw new Error(`${String(error)} in ${payload.slice(0, 2000)}`, { cause: error });
  } finally {
    document.dispose();
  }
}

/** The body's child, or the detail of a fault. */
export function validateSoapAnswer(text: string): void {
  const fault = /<p:error [^>]*>[^<]*<\/p:error>/.exec(text);
  const payload = fault
    ? fault[0].replace('<p:error', `<p:error xmlns:p="${NAMESPACE}"`)
    : /<s:Body>(<p:.*>)<\/s:Body>/s.exec(text)?.[1];
  if (payload !== undefined) validatePayload(payload);
}

/** An answer with presence of the REST face: the same types, without a namespace. */
export function validateRestAnswer(text: string): void {
  const response = /<presenceResponse>.*<\/presenceResponse>/s.exec(text)?.[0];
  if (response === undefined) return;
  validatePayload(`<getPolledPresenceResponse xmlns="${NAMESPACE}">${response}</getPolledPresenceResponse>`);
}
