import { ImpError } from '../platform/errors.ts';

export type PidfErrorCode =
  | 'pidf.not-presence' // the root element is another one
  | 'pidf.too-large'; // more tuples, activities or abilities than are kept

/** The element is no PIDF document that we take. The message never quotes it. */
export class PidfError extends ImpError {
  override readonly name = 'PidfError';
  declare readonly code: PidfErrorCode;
  constructor(code: PidfErrorCode, message: string) {
    super('invalid', code, message);
  }
}
