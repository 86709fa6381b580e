import { readFile } from 'node:fs/promises';
import { text } from '../../xml/write.ts';
import { SOAP_PATH } from './names.ts';

/** How a client reached the node. */
export interface NodeOrigin {
  /** Host name or address. */
  readonly host: string;
  readonly port: number;
}

const FILE = new URL('../../../wsdl/control-center.wsdl', import.meta.url);
const ADDRESS = `https://localhost:8443${SOAP_PATH}`;

/** Reads the WSDL once; it is served with the address that clients reach. */
export async function loadWsdl(): Promise<(origin: NodeOrigin) => string> {
  const [before, after] = (await readFile(FILE, 'utf8')).split(ADDRESS) as [string, string];
  return ({ host, port }) =>
    `${before}${text(`https://${host.includes(':') ? `[${host}]` : host}:${port}${SOAP_PATH}`)}${after}`;
}
