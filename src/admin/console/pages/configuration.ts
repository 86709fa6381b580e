import type { ParameterView } from '../../commands/parameter.ts';
import type { ServiceView } from '../../commands/service.ts';
import { type Fragment, markup, NOTHING, path } from '../html.ts';
import type { Page, PageCall } from '../page.ts';
import { action, badge, dataTable, facts, link, panel } from '../parts.ts';

/** Service parameters, by service. */
export const configurationPage: Page = {
  path: '/configuration',
  title: 'Configuration',
  section: 'Node',
  topics: [],
  async render(call) {
    const [parameters, services] = await Promise.all([
      call.show<readonly ParameterView[]>('parameter list'),
      call.show<readonly ServiceView[]>('service list'),
    ]);
    return {
      live: markup`<p>Service parameters of the cluster. What the node reads once at its start stands in its node file.</p>${[
        ...Map.groupBy(parameters, ({ service }) => service),
      ].map(([service, own]) =>
        panel(
          services.find(({ name }) => name === service)?.title ?? service,
          dataTable(
            `Parameters of ${service}`,
            ['Parameter', 'Value', 'Default', 'Range', 'Restart', 'Description'],
            own.map((each) => [
              link(path`/admin/configuration/${service}/${each.name}`, each.name),
              each.isSet ? markup`<strong>${each.value || '(empty)'}</strong>` : each.value || '–',
              each.default || '–',
              each.range,
              each.needsRestart ? badge('busy', 'needed') : 'not needed',
              each.description,
            ]),
          ),
        ),
      )}`,
    };
  },
};

interface Preview {
  readonly before: string;
  readonly value: string;
  readonly isChanged: boolean;
  readonly needsRestart: boolean;
  readonly sentence: string;
}

/** One parameter: a form, then what saving would do, then saving. */
export const parameterPage: Page = {
  path: '/configuration/:service/:name',
  title: 'Configuration',
  section: null,
  topics: [],
  async render(call) {
    const { service = '', name = '' } = call.params;
    const parameters = await call.show<readonly ParameterView[]>('parameter list', { service });
    const parameter = parameters.find((each) => each.name === name);
    if (!parameter) return { live: markup`<p class="empty">${service} has no parameter ${name}.</p>` };
    const { value } = call.query;
    const here = path`/admin/configuration/${service}/${name}`;
    return {
      title: parameter.name,
      fixed: markup`${panel(
        'Parameter',
        markup`<p>${parameter.description}</p>`,
        facts([
          ['Service', parameter.service],
          ['Value', parameter.value],
          ['Default', parameter.default],
          ['Range', parameter.range],
          ['A change', parameter.needsRestart ? 'needs a restart of the service' : 'is in force at once'],
        ]),
        call.caller.role !== 'operate'
          ? NOTHING
          : markup`<form method="get" action="${here}" class="search"><label for="value">New value</label>${input(parameter, value ?? parameter.value)}
<button class="main">Look what it would do</button></form>`,
      )}${value === undefined ? NOTHING : await preview(call, parameter, value, here)}`,
      live: markup`<p>${link('/admin/configuration', 'All parameters')}</p>
${parameter.isSet ? action(call, 'parameter reset', 'Back to the default', { fields: { service, name }, back: here }) : NOTHING}`,
    };
  },
};

function input(parameter: ParameterView, value: string): Fragment {
  const choices = parameter.type === 'boolean' ? ['true', 'false'] : parameter.choices;
  if (parameter.type === 'integer') {
    const [min, max] = parameter.range.split(' to ');
    return markup`<input id="value" name="value" type="number" min="${min}" max="${max}" value="${value}" required>`;
  }
  if (choices.length === 0) return markup`<input id="value" name="value" value="${value}">`;
  return markup`<select id="value" name="value">${choices.map(
    (each) => markup`<option${each === value ? markup` selected` : NOTHING}>${each}</option>`,
  )}</select>`;
}

async function preview(call: PageCall, parameter: ParameterView, value: string, here: string): Promise<Fragment> {
  const { service, name } = parameter;
  let planned: Preview;
  try {
    planned = await call.show<Preview>('parameter preview', { service, name, value });
  } catch (error) {
    return markup`<p class="message failed" role="alert">${error instanceof Error ? error.message : String(error)}</p>`;
  }
  return panel(
    'What saving would do',
    markup`<p class="effects">${planned.before || '(empty)'} → ${planned.value || '(empty)'}. ${planned.sentence}</p>`,
    planned.isChanged
      ? action(call, 'parameter set', 'Save', {
          fields: { service, name, value },
          tone: planned.needsRestart ? 'danger' : 'main',
          back: here,
        })
      : NOTHING,
  );
}
