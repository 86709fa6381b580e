import type { XmlElement } from '../../xml/element.ts';
import { join, type Markup, NOTHING, text, element as wrap } from '../../xml/write.ts';
import type { Reading, Writing } from './access.ts';

/** An element and all below it as markup, without namespaces: AXL's payload has none. */
export function markupOf(sent: XmlElement): Markup {
  return wrap(sent.local, attributesOf(sent), inside(sent));
}

function inside(sent: XmlElement): Markup {
  const children = sent.children.filter((child, _index, all) =>
    // White space between elements is layout.
    typeof child === 'string' ? all.length === 1 || child.trim() !== '' : true,
  );
  return join(children.map((child) => (typeof child === 'string' ? text(child) : markupOf(child))));
}

function attributesOf(sent: XmlElement): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const each of sent.attributes) if (each.uri === '') kept[each.local] = each.value;
  return kept;
}

/** Markup that we wrote ourselves and stored. */
export function rawMarkup(stored: string | undefined): Markup {
  return stored === undefined ? NOTHING : (stored as Markup);
}

export function readFragment(reading: Reading, pkid: string, tag: string): string | undefined {
  return reading.get<{ xml: string }>('SELECT xml FROM mockfragment WHERE fkobject = ? AND tag = ?', pkid, tag)?.xml;
}

/** Keeps an element as it was sent; an empty one clears. */
export function writeFragment(writing: Writing, type: string, pkid: string, sent: XmlElement): void {
  if (sent.children.every((child) => typeof child === 'string' && child.trim() === '')) {
    writing.run('DELETE FROM mockfragment WHERE fkobject = ? AND tag = ?', pkid, sent.local);
    return;
  }
  writing.run(
    `INSERT INTO mockfragment (pkid, fkobject, type, tag, xml) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (fkobject, tag) DO UPDATE SET xml = excluded.xml WHERE xml <> excluded.xml`,
    writing.newPkid(),
    pkid,
    type,
    sent.local,
    markupOf(sent),
  );
}
