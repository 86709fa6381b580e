import type { CounterView } from '../../commands/counters.ts';
import { markup } from '../html.ts';
import type { Page } from '../page.ts';
import { dataTable, panel } from '../parts.ts';

/** What is drawn when nothing was chosen. */
const FIRST = ['http_connections', 'imp_password_checks_total', 'imp_ids_transactions_total', 'imp_feed_lag_rows'];
const MOST = 8;

/** Live counters: rates of what counts up, values of what goes up and down; the table says the same in figures. */
export const chartsPage: Page = {
  path: '/charts',
  title: 'Charts',
  section: 'Tools',
  topics: [],
  scripts: ['uplot.js', 'charts.js'],
  async render(call) {
    const counters = await call.show<readonly CounterView[]>('counters');
    const drawable = counters.filter(({ type }) => type !== 'histogram');
    const known = new Set(drawable.map(({ name }) => name));
    const asked = (call.query.counters ?? '').split(' ').filter((name) => known.has(name));
    const fallback = [...FIRST.filter((name) => known.has(name)), ...drawable.map(({ name }) => name)];
    const shown = [...new Set(asked.length > 0 ? asked : fallback)].slice(0, asked.length > 0 ? MOST : 4);
    const add = [...known].filter((name) => !shown.includes(name)).toSorted();
    return {
      fixed: markup`<link rel="stylesheet" href="/admin/assets/uplot.css">
<form method="get" action="/admin/charts" class="search" id="add-chart" data-shown="${shown.join(' ')}"><label for="counter">Add a counter</label>
<select id="counter" name="counters">${add.map((name) => markup`<option>${name}</option>`)}</select><button class="main">Show</button></form>
<div class="charts">${shown.map((name) => {
        const counter = drawable.find((each) => each.name === name);
        return markup`<figure class="panel" data-counter="${name}" data-type="${counter?.type}"><figcaption><strong>${name}</strong> ${counter?.type === 'counter' ? 'per second' : ''}<br><small>${counter?.help}</small></figcaption><div class="plot"></div></figure>`;
      })}</div>`,
      live: panel(
        'Now',
        dataTable(
          'Counters',
          ['Counter', 'Labels', 'Value', 'Meaning'],
          counters.flatMap(({ name, help, values }) =>
            values.map(({ labels, value }) => [
              name,
              Object.entries(labels)
                .filter(([label]) => label !== 'node')
                .map(([label, text]) => `${label} ${text}`)
                .join(', '),
              String(Number(value.toFixed(6))),
              help,
            ]),
          ),
        ),
      ),
    };
  },
};
