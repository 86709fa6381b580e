import { readFile } from 'node:fs/promises';
import { text } from '../../xml/write.ts';
import { SCHEMA_PATH, SOAP_PATH } from './names.ts';

/** How a client reached the node. */
export interface NodeAddress {
  readonly scheme: 'http' | 'https';
  /** Host name or address. */
  readonly host: string;
  readonly port: number;
}

/** `https://host:port`. */
export function originOf({ scheme, host, port }: NodeAddress): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The WSDL and its schema, ready to be served. */
export interface InterfaceDocuments {
  wsdl(address: NodeAddress): string;
  readonly schema: string;
}

const FOLDER = new URL('../../../wsdl/', import.meta.url);
const SCHEMA = 'presence-web-service.xsd';
const ADDRESS = 'https://localhost:8083/presence-service/soap';

/** Reads the documents once. On disk the WSDL names its schema by file; served, by absolute path. */
export async function loadInterfaceDocuments(): Promise<InterfaceDocuments> {
  const [wsdl, schema] = await Promise.all(
    ['presence-web-service.wsdl', SCHEMA].map((name) => readFile(new URL(name, FOLDER), 'utf8')),
  );
  const served = (wsdl as string).replace(`schemaLocation="${SCHEMA}"`, `schemaLocation="${SCHEMA_PATH}"`);
  const [before, after] = served.split(ADDRESS) as [string, string];
  return {
    wsdl: (address) => before + text(`${originOf(address)}${SOAP_PATH}`) + after,
    schema: schema as string,
  };
}
