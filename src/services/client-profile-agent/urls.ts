import { VERSIONS } from './names.ts';

export const BASE_PATH = '/EPASSoap';
const SERVICE_PATH = `${BASE_PATH}/service`;

const SERVICE_PATHS: ReadonlySet<string> = new Set([
  SERVICE_PATH,
  ...[...VERSIONS, 'latest'].map((version) => `${SERVICE_PATH}/${version}`),
]);

export const DOCUMENT_PATHS = {
  interface: `${BASE_PATH}/epas-soap-interface.xsd`,
  rules: `${BASE_PATH}/presence-rules.xsd`,
} as const;

/** What a URL of ours names; a version that we do not know is not found. */
export type Target =
  | { readonly kind: 'service'; readonly path: string; readonly isWsdlAsked: boolean }
  | { readonly kind: 'interface' | 'rules' }
  | { readonly kind: 'not-found' };

export function targetOf(url: string): Target {
  const mark = url.indexOf('?');
  let path = mark < 0 ? url : url.slice(0, mark);
  if (path.endsWith('/')) path = path.slice(0, -1);
  if (SERVICE_PATHS.has(path)) return { kind: 'service', path, isWsdlAsked: mark >= 0 && isWsdl(url.slice(mark + 1)) };
  if (path === DOCUMENT_PATHS.interface) return { kind: 'interface' };
  if (path === DOCUMENT_PATHS.rules) return { kind: 'rules' };
  return { kind: 'not-found' };
}

/** `?wsdl` in any case, as the name of any parameter. */
function isWsdl(query: string): boolean {
  return query.split('&').some((part) => (part.split('=')[0] as string).toLowerCase() === 'wsdl');
}
