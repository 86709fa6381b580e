import { ImpError } from '../platform/errors.ts';

export type AxlErrorCode =
  | 'axl.unauthorized' // wrong user or password (HTTP 401)
  | 'axl.forbidden' // right password, no AXL role (403)
  | 'axl.throttled' // CUCM asks for patience (503)
  | 'axl.unreachable' // no connection: refused, reset, name not found
  | 'axl.timeout'
  | 'axl.certificate' // the server's certificate cannot be verified
  | 'axl.version' // schema version not spoken there (599)
  | 'axl.not-found' // HTTP 404: AXL is not running there, or a session cookie has run out
  | 'axl.fault' // a SOAP fault with AXL's own code
  | 'axl.too-large' // a fault: the answer would pass 8 MB
  | 'axl.garbage'; // an answer that is none

export interface AxlErrorDetails {
  readonly cause?: unknown;
  /** AXL's own code, of a fault. */
  readonly axlCode?: number;
  /** From `Retry-After`, of `axl.throttled`. */
  readonly retryAfterMs?: number;
  /** Of `axl.too-large`: how many rows there are, and fewer than how many fit. */
  readonly totalRows?: number;
  readonly suggestedRows?: number;
  /** Of `axl.unauthorized`: CUCM was not asked, as it has refused this password too often. */
  readonly isLatched?: boolean;
}

/** What can go wrong between us and CUCM. The message is a clause for the administrator. */
export class AxlError extends ImpError {
  override readonly name = 'AxlError';
  declare readonly code: AxlErrorCode;
  readonly axlCode: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly totalRows: number | undefined;
  readonly suggestedRows: number | undefined;
  readonly isLatched: boolean;

  constructor(code: AxlErrorCode, message: string, details: AxlErrorDetails = {}) {
    super(
      code === 'axl.unauthorized' || code === 'axl.forbidden'
        ? 'denied'
        : code === 'axl.fault'
          ? 'invalid'
          : 'unavailable',
      code,
      message,
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.axlCode = details.axlCode;
    this.retryAfterMs = details.retryAfterMs;
    this.totalRows = details.totalRows;
    this.suggestedRows = details.suggestedRows;
    this.isLatched = details.isLatched ?? false;
  }

  /** CUCM itself did not answer, or not as CUCM: worth trying again later. */
  get isAway(): boolean {
    return [
      'axl.throttled',
      'axl.unreachable',
      'axl.timeout',
      'axl.certificate',
      'axl.not-found',
      'axl.garbage',
    ].includes(this.code);
  }
}

const CERTIFICATE_CODES: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed and not known here',
  SELF_SIGNED_CERT_IN_CHAIN: 'its authority is not known here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its authority is not known here',
  UNABLE_TO_GET_ISSUER_CERT: 'its authority is not known here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its authority is not known here',
  CERT_SIGNATURE_FAILURE: 'its authority is another one than the one known here',
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID: 'it is for another host name',
};

/** Turns an error of the connection into our words. */
export function fromConnection(error: unknown, host: string): AxlError {
  if (error instanceof AxlError) return error;
  const code = String((error as { code?: unknown }).code ?? '');
  const why = CERTIFICATE_CODES[code];
  if (why !== undefined) {
    return new AxlError('axl.certificate', `the certificate of ${host} is refused: ${why}`, { cause: error });
  }
  if (['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT'].includes(code)) {
    return new AxlError('axl.timeout', `${host} does not answer in time`, { cause: error });
  }
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') {
    return new AxlError('axl.garbage', `${host} sent an answer without end`, { cause: error });
  }
  if (code === 'ECONNREFUSED') return new AxlError('axl.unreachable', `${host} refuses connections`, { cause: error });
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new AxlError('axl.unreachable', `the name ${host} cannot be resolved`, { cause: error });
  }
  return new AxlError('axl.unreachable', `the connection to ${host} broke`, { cause: error });
}
