import { ImpError } from '../../../platform/errors.ts';
import type { Iq, Jid } from '../../../xmpp/xmpp.ts';
import type { IqHandler, IqTarget, SeenMessage, SessionEvent, XcpComponent, XcpExtension } from './component.ts';

/** Who is attached. It outlives a restart of the router, after which everybody is attached still. */
export interface ComponentRegistry {
  /** @throws ImpError `xcp-router.domain-taken` */
  attach(component: XcpComponent): Disposable;
  extend(extension: XcpExtension): Disposable;
  byDomain(domain: string): XcpComponent | undefined;
  /** Who takes what is addressed to foreign domains. */
  readonly foreign: XcpComponent | undefined;
  readonly components: readonly XcpComponent[];
  features(target: IqTarget): readonly string[];
  handlerOf(target: IqTarget, iq: Iq): IqHandler | undefined;
  /** Shows a message to everybody who has to see it, one after the other. @throws whatever refuses it */
  seen(message: SeenMessage): Promise<void> | undefined;
  sessionChanged(event: SessionEvent): void;
}

export function createComponentRegistry(): ComponentRegistry {
  const domains = new Map<string, XcpComponent>();
  const components = new Set<XcpComponent>();
  const extensions = new Set<XcpExtension>();
  let foreign: XcpComponent | undefined;
  let handlers = new Map<string, readonly IqHandler[]>();
  let watchers: readonly XcpExtension[] = [];

  const keyOf = (target: IqTarget, namespace: string): string => `${target} ${namespace}`;
  const index = (): void => {
    handlers = Map.groupBy(
      [...extensions].flatMap(({ requests }) => requests ?? []),
      ({ target, namespace }) => keyOf(target, namespace),
    );
    watchers = [...extensions].filter(({ onMessage }) => onMessage !== undefined);
  };
  const showAll = async (message: SeenMessage): Promise<void> => {
    for (const each of watchers) await each.onMessage?.(message);
  };

  return {
    attach(component) {
      const taken = component.domains.find((domain) => domains.has(domain));
      if (taken !== undefined || (component.takesForeignDomains && foreign)) {
        const what = taken ?? 'foreign domains';
        throw new ImpError('conflict', 'xcp-router.domain-taken', `${what}: another component is attached for it`);
      }
      components.add(component);
      for (const domain of component.domains) domains.set(domain, component);
      if (component.takesForeignDomains) foreign = component;
      return {
        [Symbol.dispose]() {
          if (!components.delete(component)) return;
          for (const domain of component.domains) domains.delete(domain);
          if (foreign === component) foreign = undefined;
        },
      };
    },
    extend(extension) {
      // An object of its own: the same extension may be there twice.
      const own = { ...extension };
      extensions.add(own);
      index();
      return {
        [Symbol.dispose]() {
          extensions.delete(own);
          index();
        },
      };
    },
    byDomain: (domain) => domains.get(domain),
    get foreign() {
      return foreign;
    },
    get components() {
      return [...components];
    },
    features: (target) => [...extensions].flatMap(({ features }) => features?.[target] ?? []),
    handlerOf(target, { type, payload }) {
      if (payload === null) return undefined;
      return handlers
        .get(keyOf(target, payload.uri))
        ?.find(
          (each) =>
            (each.type === 'both' || each.type === type) && (each.local === undefined || each.local === payload.local),
        );
    },
    seen: (message) => (watchers.length === 0 ? undefined : showAll(message)),
    sessionChanged(event) {
      for (const { onSession } of extensions) onSession?.(event);
    },
  };
}

/** Whether the address is of one of the component's domains. */
export function isOf(component: XcpComponent, jid: Jid): boolean {
  return component.takesForeignDomains === true || component.domains.includes(jid.domain);
}
