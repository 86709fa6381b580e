import { readFile } from 'node:fs/promises';
import { text } from '../../../xml/write.ts';
import { SCHEMA_PATH, SOAP_PATH } from '../names.ts';

/** How a caller reached the node. */
export interface NodeOrigin {
  /** Host name or address. */
  readonly host: string;
  readonly port: number;
}

export interface InterfaceDocuments {
  /** With the address of this node, and the schema by its path. */
  wsdl(origin: NodeOrigin): string;
  readonly schema: string;
}

const FOLDER = new URL('../../../../wsdl/', import.meta.url);
const ADDRESS = 'https://localhost:8443/intercluster/soap';

/** The WSDL as it lies on disk: what our own client is made from. */
export const WSDL_FILE = new URL('intercluster.wsdl', FOLDER);

/** Reads the documents once. */
export async function loadInterfaceDocuments(): Promise<InterfaceDocuments> {
  const [wsdl, schema] = await Promise.all([
    readFile(WSDL_FILE, 'utf8'),
    readFile(new URL('intercluster.xsd', FOLDER), 'utf8'),
  ]);
  const served = wsdl.replace('schemaLocation="intercluster.xsd"', `schemaLocation="${SCHEMA_PATH}"`);
  const [before, after] = served.split(ADDRESS) as [string, string];
  return {
    wsdl: ({ host, port }) =>
      `${before}${text(`https://${host.includes(':') ? `[${host}]` : host}:${port}${SOAP_PATH}`)}${after}`,
    schema,
  };
}
