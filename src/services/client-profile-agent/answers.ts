import { element, type Markup, textElement } from '../../xml/write.ts';
import { REFUSALS, type RefusalName } from './errors.ts';

/** `success` of a status. The attribute keeps clients such as zeep from reading the empty element as nothing. */
export const SUCCESS: Markup = element('e:success', { code: 200 });

/** `failure`, with its reason as attribute and as child: it is not known which of the two clients read. */
export function failure(refusal: RefusalName): Markup {
  const { number, reason } = REFUSALS[refusal];
  return element('e:failure', { reason, code: number }, textElement('e:reason', reason));
}

export function property(name: string, value: string): Markup {
  return textElement('e:property', value, { name });
}

/** Content of a `PropertyListType`. */
export function properties(values: Iterable<readonly [string, string]>): Markup[] {
  const written: Markup[] = [];
  for (const [name, value] of values) written.push(property(name, value));
  return written;
}
