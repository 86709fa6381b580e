import { readFile } from 'node:fs/promises';
import { text } from '../../xml/write.ts';
import { DOCUMENT_PATHS } from './urls.ts';

/** Address of the node as clients reach it; known when its listener is open. */
export interface NodeAddress {
  /** Host name or address. */
  readonly host: string;
  readonly port: number;
}

/** The WSDL and the schemas, ready to be served. */
export interface InterfaceDocuments {
  /** With `soap:address` for a path of the service. */
  wsdl(address: NodeAddress, path: string): string;
  readonly interface: string;
  readonly rules: string;
}

const FOLDER = new URL('../../../wsdl/', import.meta.url);
const ADDRESS = 'https://localhost:8443/EPASSoap/service';

/**
 * Reads the documents once. On disk they refer to each other by name; served, by absolute path: the WSDL stands under
 * several depths, and the name of the host in a request is nothing to build on.
 */
export async function loadInterfaceDocuments(): Promise<InterfaceDocuments> {
  const [wsdl, schema, rules] = await Promise.all(
    ['client-profile-agent.wsdl', 'epas-soap-interface.xsd', 'presence-rules.xsd'].map((name) =>
      readFile(new URL(name, FOLDER), 'utf8'),
    ),
  );
  const served = locate(wsdl as string, 'epas-soap-interface.xsd', DOCUMENT_PATHS.interface);
  const [before, after] = served.split(ADDRESS) as [string, string];
  return {
    wsdl: ({ host, port }, path) =>
      before + text(`https://${host.includes(':') ? `[${host}]` : host}:${port}${path}`) + after,
    interface: locate(schema as string, 'presence-rules.xsd', DOCUMENT_PATHS.rules),
    rules: rules as string,
  };
}

function locate(document: string, name: string, path: string): string {
  return document.replace(`schemaLocation="${name}"`, `schemaLocation="${path}"`);
}
