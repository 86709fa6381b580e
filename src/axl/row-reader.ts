import type { XmlElement } from '../xml/element.ts';
import { createTreeBuilder, type XmlHandler } from '../xml/parse.ts';

/** Hands on each child of `return` as soon as it is whole; keeps the envelope without them. */
export function createRowReader(onRow: (row: XmlElement) => void): XmlHandler & { envelope(): XmlElement | undefined } {
  // Envelope > Body > …Response > return > row: rows begin at the fifth level.
  const ROW_DEPTH = 4;
  let root: XmlElement | undefined;
  let depth = 0;
  let isInReturn = false;
  const outer = createTreeBuilder((done) => {
    root = done;
  });
  const inner = createTreeBuilder(onRow);
  return {
    open(uri, local, attributes) {
      if (depth === ROW_DEPTH - 1) isInReturn = local === 'return';
      if (depth >= ROW_DEPTH && isInReturn) inner.open(uri, local, attributes);
      else outer.open(uri, local, attributes);
      depth += 1;
    },
    text(text) {
      if (depth > ROW_DEPTH && isInReturn) inner.text(text);
      else outer.text(text);
    },
    close(uri, local) {
      depth -= 1;
      if (depth >= ROW_DEPTH && isInReturn) inner.close(uri, local);
      else outer.close(uri, local);
    },
    envelope: () => root,
  };
}
