import { ImpError } from '../platform/errors.ts';
import type { SoapVersion } from './envelope.ts';

export type SoapErrorCode = 'soap.not-an-envelope' | 'soap.no-single-payload';

/** The document is XML, but no SOAP request that we can dispatch. */
export class SoapError extends ImpError {
  override readonly name = 'SoapError';
  declare readonly code: SoapErrorCode;
  /** The version asked, where the envelope still told it. */
  readonly version: SoapVersion | undefined;
  constructor(code: SoapErrorCode, message: string, options: { version?: SoapVersion } = {}) {
    super('invalid', code, message);
    this.version = options.version;
  }
}
