import type { XmlAttribute, XmlElement } from '../../../xml/element.ts';
import { createTreeBuilder, type XmlHandler } from '../../../xml/parse.ts';

/** Envelope > Body > …Response > user. */
const ROW_DEPTH = 3;

/**
 * Hands on each user as its tag is read, as there may be thousands in an answer; everything else is kept as a tree. What
 * stands inside a user is not known, and dropped.
 */
export function createReplyReader(
  onUser: (attributes: readonly XmlAttribute[]) => void,
): XmlHandler & { envelope(): XmlElement | undefined } {
  let root: XmlElement | undefined;
  let depth = 0;
  let isInUser = false;
  const tree = createTreeBuilder((done) => {
    root = done;
  });
  return {
    open(uri, local, attributes) {
      if (depth === ROW_DEPTH && local === 'user') {
        isInUser = true;
        onUser(attributes);
      } else if (!isInUser) tree.open(uri, local, attributes);
      depth += 1;
    },
    text(text) {
      if (!isInUser) tree.text(text);
    },
    close(uri, local) {
      depth -= 1;
      if (isInUser) isInUser = depth > ROW_DEPTH;
      else tree.close(uri, local);
    },
    envelope: () => root,
  };
}
