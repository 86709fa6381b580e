import { ImpError } from '../../platform/errors.ts';

export type ConfigurationErrorCode =
  | 'configuration.missing'
  | 'configuration.unreadable' // the file is there and cannot be read
  | 'configuration.malformed' // not XML
  | 'configuration.schema' // an element or attribute that the schema does not know, or a value of the wrong type
  | 'configuration.checksum' // edited by hand or damaged
  | 'configuration.semantics' // well formed, and yet contradicts itself
  | 'configuration.order' // older than what runs, or the same version with other content
  | 'configuration.write';

/** A configuration could not be written, or must not be loaded; `element` names the place. */
export class ConfigurationError extends ImpError {
  override readonly name = 'ConfigurationError';
  declare readonly code: ConfigurationErrorCode;
  /** Path of the bad element, or the file's name. */
  readonly element: string;
  constructor(code: ConfigurationErrorCode, element: string, message: string, options?: { cause?: unknown }) {
    const isSurroundings = code === 'configuration.write' || code === 'configuration.unreadable';
    super(isSurroundings ? 'unavailable' : 'invalid', code, `${element}: ${message}`, options);
    this.element = element;
  }
}
