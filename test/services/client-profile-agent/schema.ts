import { readFileSync } from 'node:fs';
import { XmlBufferInputProvider, XmlDocument, XsdValidator, xmlRegisterInputProvider } from 'libxml2-wasm';

/** The judge of our answers: an independent parser with our own schema, SOAP's envelope around it left open. */
const FOLDER = new URL('../../../wsdl/', import.meta.url);
const file = (name: string): string => readFileSync(new URL(name, FOLDER), 'utf8');

let validator: XsdValidator | undefined;

function open(): XsdValidator {
  if (validator) return validator;
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  xmlRegisterInputProvider(
    new XmlBufferInputProvider({ 'mem:///wsdl/presence-rules.xsd': bytes(file('presence-rules.xsd')) }),
  );
  const schema = XmlDocument.fromString(file('epas-soap-interface.xsd'), {
    url: 'mem:///wsdl/epas-soap-interface.xsd',
  });
  validator = XsdValidator.fromDoc(schema);
  return validator;
}

/** Throws when the body's child, or the detail of a fault, breaks our schema. Used for requests and answers alike. */
export async function validateAnswer(text: string): Promise<void> {
  const payload = cut(text);
  if (payload === undefined) return;
  validatePayload(payload);
}

export function validatePayload(payload: string): void {
  const document = XmlDocument.fromString(payload);
  try {
    open().validate(document);
  } catch (error) {
    throw new Error(`${String(error)} in ${payload.slice(0, 2000)}`, { cause: error });
  } finally {
    document.dispose();
  }
}

/** The part that our schema speaks of; namespaces are declared on it, as our writer does. */
function cut(text: string): string | undefined {
  const fault = /<e:error [^>]*>[^<]*<\/e:error>/.exec(text);
  if (fault) return fault[0].replace('<e:error', '<e:error xmlns:e="urn:cisco:epas:soap"');
  return /<s:Body>(<e:.*>)<\/s:Body>/s.exec(text)?.[1];
}
