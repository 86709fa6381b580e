// Draws counters as they are: asks the JSON API every two seconds, with the session of the console.
(() => {
  const EVERY_MS = 2000;
  const KEPT = 300;
  const figures = [...document.querySelectorAll('figure[data-counter]')];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const LINES = ['--line-1', '--line-2', '--line-3', '--line-4', '--line-5'];
  const charts = figures.map((figure) => ({
    figure,
    name: figure.dataset.counter,
    isRate: figure.dataset.type === 'counter',
    times: [],
    /** By label: what was drawn, and what was last counted. */
    series: new Map(),
    plot: undefined,
  }));

  const labelOf = (labels) =>
    Object.entries(labels)
      .filter(([name]) => name !== 'node')
      .map(([, text]) => text)
      .join(' ') || 'value';

  const clockOf = (seconds) => new Date(seconds * 1000).toTimeString().slice(0, 8);

  const make = (chart) => {
    chart.plot?.destroy();
    const place = chart.figure.querySelector('.plot');
    const axis = () => ({
      space: 70,
      stroke: colour('--ink-soft'),
      grid: { stroke: colour('--border'), width: 1 },
      ticks: { stroke: colour('--border') },
    });
    chart.plot = new uPlot(
      {
        width: Math.max(220, place.clientWidth),
        height: 180,
        legend: { live: false },
        cursor: { show: false },
        scales: { y: { range: (_plot, low, high) => [Math.min(0, low), high <= low ? low + 1 : high * 1.1] } },
        axes: [
          { ...axis(), values: (_plot, times) => times.map(clockOf) },
          { ...axis(), size: 56 },
        ],
        series: [
          {},
          ...[...chart.series.keys()].map((label, index) => ({
            label,
            stroke: colour(LINES[index % LINES.length]),
            width: 2,
            points: { show: chart.times.length < 3 },
          })),
        ],
      },
      [chart.times, ...[...chart.series.values()].map(({ values }) => values)],
      place,
    );
  };

  const add = (chart, at, counters) => {
    const counter = counters.find(({ name }) => name === chart.name);
    if (!counter) return;
    let isNew = false;
    const seconds = chart.times.length > 0 ? at - chart.times[chart.times.length - 1] : 0;
    chart.times.push(at);
    for (const { labels, value } of counter.values.slice(0, LINES.length)) {
      const label = labelOf(labels);
      let line = chart.series.get(label);
      if (!line) {
        line = { values: new Array(chart.times.length - 1).fill(null), last: undefined };
        chart.series.set(label, line);
        isNew = true;
      }
      const isFirst = line.last === undefined || seconds <= 0;
      line.values.push(chart.isRate ? (isFirst ? null : Math.max(0, value - line.last) / seconds) : value);
      line.last = value;
    }
    for (const line of chart.series.values()) if (line.values.length < chart.times.length) line.values.push(null);
    if (chart.times.length > KEPT) {
      chart.times.shift();
      for (const line of chart.series.values()) line.values.shift();
    }
    if (isNew || !chart.plot) make(chart);
    else chart.plot.setData([chart.times, ...[...chart.series.values()].map(({ values }) => values)]);
  };

  const look = async () => {
    if (!document.hidden) {
      const answer = await fetch('/admin/api/counters', { headers: { accept: 'application/json' } });
      if (answer.status === 401) {
        location.reload();
        return;
      }
      const counters = await answer.json();
      const at = Date.now() / 1000;
      for (const chart of charts) add(chart, at, counters);
    }
  };
  const again = () => {
    look()
      // The page says itself when the node does not answer.
      .catch(() => undefined)
      .finally(() => setTimeout(again, EVERY_MS));
  };
  again();

  // What is drawn already stays when one more is chosen.
  const form = document.querySelector('#add-chart');
  form?.addEventListener('submit', (event) => {
    event.preventDefault();
    const shown = [...form.dataset.shown.split(' '), form.elements.namedItem('counter').value];
    location.search = new URLSearchParams({
      counters: shown
        .filter((name) => name !== '')
        .slice(-8)
        .join(' '),
    });
  });
  let width = innerWidth;
  addEventListener('resize', () => {
    if (innerWidth === width) return;
    width = innerWidth;
    for (const chart of charts) if (chart.times.length > 0) make(chart);
  });
})();
