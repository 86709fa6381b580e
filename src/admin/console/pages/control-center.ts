import type { ServiceView } from '../../commands/service.ts';
import { type Fragment, markup, path } from '../html.ts';
import type { Page, PageCall } from '../page.ts';
import { action, badge, duration, facts, link, list, panel, stateBadge, time } from '../parts.ts';

/** Services by kind: how each is, why, since when, and what can be done to it. */
export const controlCenterPage: Page = {
  path: '/control-center',
  title: 'Control Center',
  section: 'Node',
  topics: ['services'],
  async render(call) {
    const services = await call.show<readonly ServiceView[]>('service list');
    const of = (kind: ServiceView['kind']): readonly ServiceView[] => services.filter((each) => each.kind === kind);
    return {
      live: markup`
${panel('Network services', markup`<p>They run from installation on.</p>`, cards(call, of('network')))}
${panel('Feature services', markup`<p>They run once somebody has activated them.</p>`, cards(call, of('feature')))}`,
    };
  },
};

function cards(call: PageCall, services: readonly ServiceView[]): Fragment {
  return markup`<ul class="cards">${services.map(
    (each) => markup`<li class="card" id="service-${each.name}">
<h3>${each.title}</h3><p>${stateBadge(each)} ${each.isXcp ? badge('quiet', 'XCP') : null}</p>
<p>${each.state === 'Started' ? each.detail : each.reason || each.detail}</p>
${facts([
  ...(each.state === 'Started'
    ? ([
        ['Started', time(each.startedAt)],
        ['Up', duration(each.upTimeSeconds)],
      ] as const)
    : []),
  ...(each.waitingFor === null
    ? []
    : ([
        ['Waits for', each.waitingFor],
        ['Since', time(each.waitingSince)],
      ] as const)),
  ['Last change by', each.changedBy],
  ...(each.restartCount > 0 ? ([['Restarts', each.restartCount]] as const) : []),
])}
<div class="actions">${actions(call, each)}</div></li>`,
  )}</ul>`;
}

/** What takes something away says first what it would do. */
function actions(call: PageCall, service: ServiceView): Fragment {
  if (call.caller.role !== 'operate') return null;
  const { name, title, state, kind, isActivated } = service;
  const isUp = state === 'Started' || state === 'Starting';
  const asked = (verb: string, label: string): Fragment =>
    markup`<a class="button" href="${path`/admin/control-center/${name}/${verb}`}" aria-label="${label} ${title}">${label}</a>`;
  if (!isActivated) {
    return action(call, 'service activate', 'Activate', { fields: { name }, tone: 'main', name: `Activate ${title}` });
  }
  return [
    isUp ? null : action(call, 'service start', 'Start', { fields: { name }, tone: 'main', name: `Start ${title}` }),
    isUp ? asked('restart', 'Restart …') : null,
    isUp ? asked('stop', 'Stop …') : null,
    kind === 'feature' ? asked('deactivate', 'Deactivate …') : null,
  ];
}

interface Effects {
  readonly service: string;
  readonly title: string;
  readonly action: string;
  readonly sentence: string;
  readonly stops: readonly string[];
  readonly restarts: readonly string[];
  readonly needIt: readonly string[];
}

const VERBS: Readonly<Record<string, string>> = { stop: 'Stop', restart: 'Restart', deactivate: 'Deactivate' };

/** What an action would do, before it is done. */
export const serviceActionPage: Page = {
  path: '/control-center/:name/:verb',
  title: 'Control Center',
  section: null,
  topics: [],
  async render(call) {
    const { name, verb = '' } = call.params;
    const [effects, services] = await Promise.all([
      call.show<Effects>('service preview', { name, action: verb }),
      call.show<readonly ServiceView[]>('service list'),
    ]);
    const titles = (names: readonly string[]): string[] =>
      names.map((each) => services.find((service) => service.name === each)?.title ?? each);
    const label = VERBS[effects.action] ?? effects.action;
    const back = '/admin/control-center';
    return {
      title: `${label} ${effects.title}?`,
      live: markup`<section class="panel"><p class="effects">${effects.sentence}</p>
${effects.restarts.length > 0 ? markup`<h2>Restart with it</h2>${list(titles(effects.restarts))}` : null}
${effects.stops.length > 0 ? markup`<h2>Stop with it</h2>${list(titles(effects.stops))}` : null}
${effects.needIt.length > 0 ? markup`<h2>Need it at their own next start</h2>${list(titles(effects.needIt))}` : null}
<div class="actions">${action(call, `service ${effects.action}`, `${label} ${effects.title}`, {
        fields: { name: effects.service },
        tone: 'danger',
        back,
      })} ${link(back, 'Leave it as it is', 'button')}</div></section>`,
    };
  },
};
