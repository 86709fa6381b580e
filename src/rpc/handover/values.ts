import { z } from 'zod';
import { attributesOf, type Placed } from './strict-xml.ts';

/** Attribute values of configuration files, in the one form that they are written in. */
export const boolean = z.enum(['true', 'false']).transform((word) => word === 'true');

export const checksum = z.string().regex(/^sha256:[0-9a-f]{64}$/, { error: 'is not a checksum' });

export function integer(min: number, max: number) {
  return z
    .string()
    .regex(/^(?:0|[1-9]\d{0,15})$/, { error: 'is not a whole number' })
    .transform(Number)
    .pipe(z.int().min(min).max(max));
}

const nothing = z.strictObject({});

/** The element itself, which must have no attributes. */
export function flagless(placed: Placed): Placed {
  attributesOf(placed, nothing);
  return placed;
}
