// Keeps a page fresh, and the few things that HTML alone cannot do. Every page works without this script.

// The menu is open where there is room for it; on a narrow screen it opens when asked.
const menu = document.querySelector('#menu');
const wide = matchMedia('(min-width: 60rem)');
const fitMenu = () => {
  if (menu) menu.open = wide.matches;
};
fitMenu();
wide.addEventListener('change', fitMenu);

// Light, dark, or as the system has it.
const themeButton = document.querySelector('#theme');
if (themeButton) {
  const THEMES = ['system', 'light', 'dark'];
  const current = () => localStorage.getItem('imp-theme') ?? 'system';
  const show = () => {
    themeButton.textContent = `Theme: ${current()}`;
    if (current() === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = current();
  };
  themeButton.hidden = false;
  themeButton.addEventListener('click', () => {
    const next = THEMES[(THEMES.indexOf(current()) + 1) % THEMES.length];
    if (next === 'system') localStorage.removeItem('imp-theme');
    else localStorage.setItem('imp-theme', next);
    show();
  });
  show();
}

// The node says which topics have changed; the live part of the page, which names the same topics, is then fetched again.
const topics = document.body.dataset.topics;
const linkState = document.querySelector('#link-state');
if (topics) {
  const waiting = new Map();
  const source = new EventSource(`/admin/events?${new URLSearchParams({ topics, mark: document.body.dataset.mark })}`);
  const refresh = (topic) => document.body.dispatchEvent(new CustomEvent(`imp-${topic}`));
  for (const topic of topics.split(' ')) {
    source.addEventListener(topic, () => {
      // Many changes in a moment are shown once.
      if (waiting.has(topic)) return;
      waiting.set(
        topic,
        setTimeout(() => {
          waiting.delete(topic);
          if (!document.hidden) refresh(topic);
        }, 300),
      );
    });
  }
  source.addEventListener('open', () => {
    if (linkState) linkState.hidden = true;
  });
  source.addEventListener('error', () => {
    if (linkState) linkState.hidden = false;
  });
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) refresh(topics.split(' ')[0]);
  });
}

// A button that was pressed is not pressed twice.
document.addEventListener('submit', (event) => {
  const button = event.submitter;
  if (!(button instanceof HTMLButtonElement) || event.target.method !== 'post') return;
  button.setAttribute('aria-busy', 'true');
  setTimeout(() => {
    button.disabled = true;
  });
});
// Back to a page that the browser kept: its buttons work again.
addEventListener('pageshow', () => {
  for (const button of document.querySelectorAll('button[aria-busy]')) {
    button.disabled = false;
    button.removeAttribute('aria-busy');
  }
});
