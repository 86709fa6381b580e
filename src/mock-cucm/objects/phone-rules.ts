import { element, textOf, type XmlElement } from '../../xml/element.ts';
import { AXL_CODE, AxlFault } from '../message/axl-fault.ts';
import type { Writing } from '../store/access.ts';
import { PHONE_CLASS } from '../store/types.ts';

/** Device names: letters, digits, dot, dash, underscore. */
export const DEVICE_NAME = /^[A-Za-z0-9._-]+$/;

/** The model follows from the product, whatever was sent for it. */
export function phoneOnAdd(writing: Writing, sent: XmlElement): Readonly<Record<string, string | number | null>> {
  const product = element(sent, 'product');
  const row = writing.get<{ enum: number; tkmodel: number | null }>(
    'SELECT enum, tkmodel FROM typeproduct WHERE name = ? COLLATE NOCASE',
    product ? textOf(product).trim() : '',
  );
  const sentClass = element(sent, 'class');
  if (sentClass && textOf(sentClass).trim() !== 'Phone') {
    throw new AxlFault(AXL_CODE.invalid, 'The class of a phone is Phone');
  }
  return { tkmodel: row?.tkmodel ?? row?.enum ?? null, tkclass: PHONE_CLASS };
}
