import { type SoapVersion, writeEnvelope } from '../../soap/envelope.ts';
import { element, type Markup } from '../../xml/write.ts';
import { EPAS_NAMESPACE } from './names.ts';

export const EPAS_DECLARATION = { 'xmlns:e': EPAS_NAMESPACE } as const;

/** An operation's answer without its envelope. */
export function answerElement(operation: string, content: Markup): Markup {
  return element(`e:${operation}-resp`, EPAS_DECLARATION, content);
}

/** An answer that is kept in the octets in which most clients get it: SOAP 1.2, without header blocks. */
export class KeptAnswer {
  readonly #operation: string;
  readonly #octets: Buffer;
  /** Where the content stands in them. */
  readonly #from: number;
  readonly #length: number;

  constructor(operation: string, content: Markup) {
    const whole = writeEnvelope('1.2', answerElement(operation, content));
    this.#operation = operation;
    this.#octets = Buffer.from(whole);
    this.#length = Buffer.byteLength(content);
    // All that stands around the content is ASCII.
    this.#from = content === '' ? 0 : whole.indexOf(content);
  }

  /** Octets that it takes in memory. */
  get size(): number {
    return this.#octets.length;
  }

  /** What stands inside the answer's element. */
  get content(): Markup {
    return this.#octets.toString('utf8', this.#from, this.#from + this.#length) as Markup;
  }

  /** The whole answer without header blocks. */
  envelope(version: SoapVersion): Buffer | string {
    return version === '1.2' ? this.#octets : writeEnvelope(version, answerElement(this.#operation, this.content));
  }
}
