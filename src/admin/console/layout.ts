import { type Html, markup, NOTHING } from './html.ts';
import type { Page, PageCall, PageContent } from './page.ts';

const SECTIONS = ['Node', 'Data', 'Cluster', 'Tools'] as const;

/** No inline script or style, nothing from elsewhere (docs/administration.md). htmx brings its own styles unless told not to. */
const HTMX = JSON.stringify({
  includeIndicatorStyles: false,
  allowEval: false,
  selfRequestsOnly: true,
  historyEnabled: false,
});

function shell(title: string, body: Html, scripts: readonly string[] = []): Html {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="htmx-config" content="${HTMX}">
<title>${title}</title>
<link rel="icon" href="/admin/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/admin/assets/console.css">
<script src="/admin/assets/theme.js"></script>
<script src="/admin/assets/htmx.js" defer></script>
<script src="/admin/assets/console.js" type="module"></script>
${scripts.map((file) => markup`<script src="/admin/assets/${file}" defer></script>`)}
</head>
${body}
</html>`;
}

/** The live part alone: what htmx asks for when something has changed. */
export function livePart(page: Page, call: PageCall, content: PageContent): Html {
  const refresh =
    page.topics.length === 0
      ? NOTHING
      : markup` hx-get="${call.url}" hx-trigger="${page.topics.map((topic) => `imp-${topic} from:body`).join(', ')}" hx-swap="outerHTML"`;
  return markup`<div id="live"${refresh}>${content.live}</div>`;
}

export function wholePage(
  pages: readonly Page[],
  page: Page,
  call: PageCall,
  content: PageContent,
  mark: string,
): Html {
  const title = content.title ?? page.title;
  const messages = call.session.messages.splice(0);
  return shell(
    `${title} · ${call.node}`,
    markup`<body data-topics="${page.topics.join(' ')}" data-mark="${mark}">
<a class="skip" href="#content">To the content</a>
<header class="top">
<a class="brand" href="/admin/">imp-gateway <span>${call.node}</span></a>
<p class="link-state" id="link-state" role="status" hidden>The node does not answer; trying again …</p>
<button type="button" class="theme" id="theme" hidden>Theme</button>
<form method="post" action="/admin/sign-out"><input type="hidden" name="_csrf" value="${call.session.csrfToken}">
<span class="who">${call.caller.name}${call.caller.role === 'read' ? ' (reads)' : ''}</span> <button class="plain">Sign out</button></form>
</header>
<div class="columns">
<details class="menu" id="menu" open><summary>Menu</summary><nav aria-label="Pages">${SECTIONS.map((section) => menuSection(pages, page, section))}</nav></details>
<main id="content" tabindex="-1">
<h1>${title}</h1>
${messages.map(({ kind, text }) => markup`<p class="message ${kind}" role="${kind === 'failed' ? 'alert' : 'status'}">${text}</p>`)}
${content.fixed}
${livePart(page, call, content)}
</main>
</div>
</body>`,
    page.scripts,
  );
}

function menuSection(pages: readonly Page[], current: Page, section: string): Html {
  const entries = pages.filter((each) => each.section === section);
  return markup`<h2>${section}</h2><ul>${entries.map(
    (each) =>
      markup`<li><a href="/admin${each.path}"${isWithin(current, each) ? markup` aria-current="page"` : NOTHING}>${each.title}</a></li>`,
  )}</ul>`;
}

function isWithin(current: Page, entry: Page): boolean {
  return current.path === entry.path || (entry.path !== '/' && current.path.startsWith(`${entry.path}/`));
}

/** A page for those who have not signed in. */
export function signInPage(node: string, next: string, problem: string): Html {
  return shell(
    `Sign in · ${node}`,
    markup`<body class="sign-in"><main id="content">
<h1>imp-gateway <span>${node}</span></h1>
${problem === '' ? NOTHING : markup`<p class="message failed" role="alert">${problem}</p>`}
<form method="post" action="/admin/sign-in">
<input type="hidden" name="next" value="${next}">
<label for="name">User</label>
<input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button class="main">Sign in</button>
</form>
<details><summary>With the admin token</summary>
<form method="post" action="/admin/sign-in">
<input type="hidden" name="next" value="${next}"><input type="hidden" name="name" value="admin-token">
<label for="token">Admin token</label>
<input id="token" name="password" type="password" autocomplete="off" required aria-describedby="token-help">
<p id="token-help">It lies in <code>admin.token</code> of the data folder.</p>
<button class="plain">Sign in with the token</button>
</form></details>
</main></body>`,
  );
}

/** What went wrong, for a person; the way back where there is one. */
export function problemPage(node: string, title: string, sentence: string, back: string): Html {
  return shell(
    `${title} · ${node}`,
    markup`<body class="sign-in"><main id="content"><h1>${title}</h1><p class="message failed" role="alert">${sentence}</p>
<p><a href="${back}">Back</a></p></main></body>`,
  );
}
