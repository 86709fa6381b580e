import { type Fragment, type Html, markup, NOTHING } from './html.ts';
import type { PageCall } from './page.ts';

/** How something is, by colour and always by a word as well. */
export type Tone = 'good' | 'busy' | 'bad' | 'quiet';

export function badge(tone: Tone, text: string): Html {
  return markup`<span class="badge ${tone}">${text}</span>`;
}

const SERVICE_TONES: Readonly<Record<string, Tone>> = {
  Started: 'good',
  Starting: 'busy',
  Stopping: 'busy',
  Unknown: 'bad',
};

export function stateBadge(service: { readonly state: string; readonly reasonCode: string }): Html {
  const isFailed = service.reasonCode === 'Component is not running';
  return badge(isFailed ? 'bad' : (SERVICE_TONES[service.state] ?? 'quiet'), service.state);
}

/** `2026-11-24 08:05:09` in UTC, with the exact time for programs. */
export function time(iso: string | null): Html {
  if (iso === null || iso === '') return markup`<span class="none">never</span>`;
  return markup`<time datetime="${iso}" title="${iso}">${iso.slice(0, 19).replace('T', ' ')}</time>`;
}

export function duration(seconds: number): string {
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}

/** A table that scrolls in itself where it is too wide. An empty one is a sentence. */
export function dataTable(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly Fragment[])[],
  empty = 'There is nothing here.',
): Html {
  if (rows.length === 0) return markup`<p class="empty">${empty}</p>`;
  return markup`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption>
<thead><tr>${head.map((title) => markup`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>${rows.map((cells) => markup`<tr>${cells.map((cell) => markup`<td>${cell}</td>`)}</tr>`)}</tbody>
</table></div>`;
}

export function facts(rows: readonly (readonly [string, Fragment])[]): Html {
  return markup`<dl class="facts">${rows.map(
    ([name, value]) =>
      markup`<div><dt>${name}</dt><dd>${value === '' ? markup`<span class="none">–</span>` : value}</dd></div>`,
  )}</dl>`;
}

export function panel(title: string, ...content: readonly Fragment[]): Html {
  return markup`<section class="panel"><h2>${title}</h2>${content}</section>`;
}

export function list(items: readonly string[]): Html {
  return items.length === 0 ? NOTHING : markup`<ul>${items.map((item) => markup`<li>${item}</li>`)}</ul>`;
}

export interface ActionOptions {
  /** Sent along, by name of the command's arguments. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Inputs that a person fills in. */
  readonly inputs?: Fragment;
  readonly tone?: 'plain' | 'main' | 'danger';
  /** What a screen reader says instead of the label, which alone would be one of many. */
  readonly name?: string;
  /** Where to go afterwards; this page when absent. */
  readonly back?: string;
}

/** A form that runs a command; nothing for those who may only look. */
export function action(call: PageCall, words: string, label: string, options: ActionOptions = {}): Html {
  if (call.caller.role !== 'operate') return NOTHING;
  const { fields = {}, inputs, tone = 'plain', name, back } = options;
  return markup`<form method="post" action="/admin/do/${words.replaceAll(' ', '/')}" class="action">
<input type="hidden" name="_csrf" value="${call.session.csrfToken}"><input type="hidden" name="_back" value="${back ?? call.url}">
${Object.entries(fields).map(([field, value]) => markup`<input type="hidden" name="${field}" value="${value}">`)}${inputs}
<button class="${tone}"${name === undefined ? NOTHING : markup` aria-label="${name}"`}>${label}</button></form>`;
}

export function link(href: string, text: Fragment, kind = ''): Html {
  return markup`<a href="${href}"${kind === '' ? NOTHING : markup` class="${kind}"`}>${text}</a>`;
}
