import { ImpError } from '../platform/errors.ts';

export type XmlErrorCode =
  | 'xml.malformed'
  | 'xml.dtd' // a document type declaration: refused before anything is expanded
  | 'xml.processing-instruction'
  | 'xml.comment'
  | 'xml.too-deep'
  | 'xml.too-many-elements'
  | 'xml.too-many-attributes'
  | 'xml.forbidden-character';

/** The document was refused. The message names the cause and never quotes the document. */
export class XmlError extends ImpError {
  override readonly name = 'XmlError';
  declare readonly code: XmlErrorCode;
  constructor(code: XmlErrorCode, message: string, options?: { cause?: unknown }) {
    super('invalid', code, message, options);
  }
}
