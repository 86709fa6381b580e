declare const html: unique symbol;

/** Text that is HTML already. Only the functions here make it, so that what comes from data is always escaped. */
export interface Html {
  readonly [html]: true;
  readonly text: string;
}

/** What may stand in a template: text is escaped, HTML stays, nothing (null, undefined, false) leaves nothing. */
export type Fragment = string | number | Html | null | undefined | false | readonly Fragment[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] as string);
}

function write(fragment: Fragment): string {
  if (fragment === null || fragment === undefined || fragment === false) return '';
  if (typeof fragment === 'string') return escaped(fragment);
  if (typeof fragment === 'number') return String(fragment);
  if ('text' in fragment) return fragment.text;
  return fragment.map(write).join('');
}

function made(text: string): Html {
  return { text } as Html;
}

/**
 * A template: `` markup`<p title="${x}">${y}</p>` ``. Values are escaped for text and for attributes in quotes; they never
 * stand in a tag's name, in an attribute without quotes, in a script or in a style, of which our pages have none.
 */
export function markup(parts: TemplateStringsArray, ...values: readonly Fragment[]): Html {
  return made(parts.reduce((text, part, index) => text + part + write(index < values.length ? values[index] : ''), ''));
}

export const NOTHING: Html = made('');

/** A path of ours with encoded parts: `` path`/admin/users/${id}` ``. For attributes: it is escaped there like any text. */
export function path(parts: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return parts.reduce((text, part, index) => {
    const value = values[index];
    return text + part + (value === undefined ? '' : encodeURIComponent(value));
  }, '');
}
