import { element, join, type Markup, textElement } from '../../xml/write.ts';
import type { ServiceView } from '../commands/service.ts';

/** A reason as the product's service manager numbers it (docs/control-center.md). */
export interface Reason {
  readonly number: number;
  readonly text: string;
}

export const SUCCESSFUL: Reason = { number: -1, text: '' };
export const UNSUCCESSFUL: Reason = { number: -1007, text: 'Unsuccessful completion' };
export const NO_SUCH_SERVICE: Reason = { number: -1010, text: 'No such service' };

const REASONS: Readonly<Record<string, Reason>> = {
  None: SUCCESSFUL,
  'Service Not Activated': { number: -1068, text: 'Service Not Activated' },
  'Commanded Out of Service': { number: -1069, text: 'Commanded Out of Service' },
  'Component is not running': { number: -1019, text: 'Component is not running' },
  Waiting: { number: -1041, text: 'Dependencies still pending' },
};

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const GROUP = 'IM and Presence Services';
const PRODUCT_ID = 'IMP';
/** What the product says of a service that is not up. */
const NOT_UP = -1;

/** Services, or the names of those that are none, and how it went on the whole. */
export interface Information {
  readonly code: Reason;
  readonly reason: string;
  readonly services: readonly (ServiceView | string)[];
}

export function writeInformation(name: string, { code, reason, services }: Information): Markup {
  return tag(
    name,
    text('ReturnCode', code === SUCCESSFUL ? 0 : 1),
    text('ReasonCode', code.number),
    text('ReasonString', reason === '' ? code.text : reason),
    tag('ServiceInfoList', ...services.map(writeService)),
  );
}

function writeService(service: ServiceView | string): Markup {
  if (typeof service === 'string') {
    return writeItem(service, 'Stopped', NO_SUCH_SERVICE, null, NOT_UP);
  }
  const { title, state, reasonCode, startedAt, upTimeSeconds } = service;
  const isUp = state === 'Started';
  const reason = REASONS[reasonCode] ?? SUCCESSFUL;
  return writeItem(title, state, reason, isUp ? startedAt : null, isUp ? upTimeSeconds : NOT_UP);
}

function writeItem(name: string, status: string, reason: Reason, startedAt: string | null, upTime: number): Markup {
  return tag(
    'item',
    text('ServiceName', name),
    text('ServiceStatus', status),
    text('ReasonCode', reason.number),
    text('ReasonCodeString', reason.text),
    text('StartTime', startedAt === null ? '' : productTime(new Date(startedAt))),
    text('UpTime', upTime),
  );
}

/** `Tue Nov 24 08:05:09 2026`, in UTC. */
function productTime(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map(two).join(':');
  const date = `${DAYS[at.getUTCDay()]} ${MONTHS[at.getUTCMonth()]} ${String(at.getUTCDate()).padStart(2)}`;
  return `${date} ${time} ${at.getUTCFullYear()}`;
}

export function writeServiceList(name: string, services: readonly ServiceView[]): Markup {
  return tag(name, tag('Services', ...services.map((each) => tag('item', specification(each, services)))));
}

export function writeProducts(
  name: string,
  services: readonly ServiceView[],
  { node, release }: { readonly node: string; readonly release: string },
): Markup {
  return tag(
    name,
    text('ActiveServerVersion', release),
    text('PrimaryNode', node),
    text('SecondaryNode', ''),
    tag(
      'Products',
      tag(
        'item',
        text('ProductName', 'imp-gateway'),
        text('ProductVersion', release),
        text('ProductDescription', 'IM and Presence Service'),
        text('ProductID', PRODUCT_ID),
        text('ShortName', 'IM&P'),
      ),
    ),
    tag('Services', ...services.map((each) => tag('item', specification(each, services, PRODUCT_ID)))),
  );
}

/** Only a feature service can be deployed. */
function specification(service: ServiceView, all: readonly ServiceView[], product?: string): Markup {
  const titleOf = (name: string): string => all.find((each) => each.name === name)?.title ?? name;
  return join([
    text('ServiceName', service.title),
    text('ServiceType', 'Service'),
    text('Deployable', service.kind === 'feature'),
    text('GroupName', GROUP),
    ...(product === undefined ? [] : [text('ProductID', product)]),
    tag('DependentServices', ...service.dependsOn.map((name) => text('Service', titleOf(name)))),
  ]);
}

function tag(name: string, ...content: readonly Markup[]): Markup {
  return element(`ns1:${name}`, undefined, ...content);
}

function text(name: string, value: string | number | boolean): Markup {
  return textElement(`ns1:${name}`, value);
}
