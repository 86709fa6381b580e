import { malformed } from '../errors.ts';
import { NO_PARAMS, type Params, parseParams, writeParams } from './scan.ts';
import { parseHostPort } from './uri.ts';

export interface Via {
  /** `2.0`, but for a sender that is told 505. */
  readonly version: string;
  /** Upper case: `UDP`, `TCP`, `TLS`, or what the sender made up. */
  readonly transport: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly params: Params;
}

/** What a transaction identifier begins with (RFC 3261 8.1.1.7). */
export const BRANCH_COOKIE = 'z9hG4bK';

const PROTOCOL = /^SIP[ \t]*\/[ \t]*([0-9]+\.[0-9]+)[ \t]*\/[ \t]*([A-Za-z0-9\-.!%*_+`'~]+)[ \t]+([^; \t][^;]*)/i;

/** @throws SipError `sip.malformed` */
export function parseVia(text: string, where: string): Via {
  const match = PROTOCOL.exec(text);
  if (!match) throw malformed(where, 'no SIP, transport and sent-by');
  const { host, port } = parseHostPort((match[3] as string).trimEnd(), where);
  const rest = match[0].length;
  const params = rest === text.length ? NO_PARAMS : parseParams(text, rest, where);
  return { version: match[1] as string, transport: (match[2] as string).toUpperCase(), host, port, params };
}

export function writeVia(via: Via): string {
  const port = via.port === undefined ? '' : `:${via.port}`;
  return `SIP/${via.version}/${via.transport} ${via.host}${port}${writeParams(via.params)}`;
}

/** The branch when it is a transaction identifier of RFC 3261; else undefined (RFC 2543, or RFC 4475 3.2.1). */
export function transactionBranch(via: Via): string | undefined {
  const branch = via.params.get('branch');
  return branch !== undefined && branch.length > BRANCH_COOKIE.length && /^z9hg4bk/i.test(branch) ? branch : undefined;
}
