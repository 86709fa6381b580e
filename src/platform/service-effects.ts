import { ImpError } from './errors.ts';
import type { ServiceStatus } from './service.ts';

/** The service whose life the XCP services share. */
export const CARRIER = 'xcp-router';

export type ServiceAction = 'start' | 'stop' | 'restart' | 'activate' | 'deactivate';

/** What an action would do besides, before it is done (docs/services/supervisor.md). */
export interface ServiceEffects {
  readonly service: string;
  readonly title: string;
  readonly action: ServiceAction;
  /** For a person who is about to do it. */
  readonly sentence: string;
  /** Other services that stop or restart with it, by folder name. */
  readonly stops: readonly string[];
  readonly restarts: readonly string[];
  /** Services that go on, and would have to wait for this one at their own next start. */
  readonly needIt: readonly string[];
}

type Known = Pick<ServiceStatus, 'name' | 'title' | 'isXcp' | 'isActivated' | 'state' | 'dependsOn'>;

/** @throws ImpError `service.unknown` */
export function effectsOf(services: readonly Known[], name: string, action: ServiceAction): ServiceEffects {
  const wanted = name.trim().toLowerCase();
  const meant = services.find((each) => each.name === wanted || each.title.toLowerCase() === wanted);
  if (!meant) throw new ImpError('not-found', 'service.unknown', `there is no service named ${name}`);
  const isUp = (each: Known): boolean => each.isActivated && each.state !== 'Stopped';
  const isDown = action === 'stop' || action === 'deactivate';
  const carried =
    meant.name === CARRIER ? services.filter((each) => each.isXcp && each.name !== CARRIER && isUp(each)) : [];
  const needIt = isDown
    ? services.filter((each) => each.dependsOn.includes(meant.name) && isUp(each) && !carried.includes(each))
    : [];
  return {
    service: meant.name,
    title: meant.title,
    action,
    sentence: sentenceOf(meant, action, carried, needIt),
    stops: isDown ? carried.map((each) => each.name) : [],
    restarts: action === 'restart' ? carried.map((each) => each.name) : [],
    needIt: needIt.map((each) => each.name),
  };
}

function sentenceOf(meant: Known, action: ServiceAction, carried: readonly Known[], needIt: readonly Known[]): string {
  const titles = (list: readonly Known[]): string => list.map((each) => each.title).join(', ');
  if (meant.name === CARRIER) {
    const none = 'No other XCP service is running.';
    switch (action) {
      case 'restart':
        return carried.length === 0
          ? `Every connection through the router is cut. ${none}`
          : `Every connection through the router is cut. ${titles(carried)} restart with it; XCP services that were stopped stay stopped.`;
      case 'start':
        return 'Starts only the router: XCP services that were stopped have to be started one by one.';
      default:
        return carried.length === 0
          ? `Every connection through the router is cut. ${none}`
          : `Every connection through the router is cut. ${titles(carried)} stop with it, and do not come back when it is started again: each has to be started by hand. To bring them back by themselves, restart instead.`;
    }
  }
  switch (action) {
    case 'restart':
      return 'What it serves is interrupted until it is up again. No other service restarts.';
    case 'stop':
    case 'deactivate': {
      const lasting =
        action === 'stop' ? ' until somebody starts it, or the node starts anew' : ' until it is activated again';
      const others = needIt.length === 0 ? '' : ` ${titles(needIt)} go on, but could not start again without it.`;
      return `What it serves is away${lasting}.${others}`;
    }
    case 'activate':
      return 'It is started now, and at every start of the node.';
    case 'start':
      return 'Starts only this service.';
  }
}
