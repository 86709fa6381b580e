import type { Clock } from '../../platform/clock.ts';
import { describeError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import { refusal, SipError } from '../../sip/errors.ts';
import { fromOf, requestUri, type SipRequest } from '../../sip/message/message.ts';
import type { SipEndpoint } from '../../sip/sip.ts';
import type { ServerTransaction } from '../../sip/transaction/server-transaction.ts';
import type { Flow, Hop } from '../../sip/transport/flow.ts';
import { decodeEscapes, type SipUri } from '../../sip/values/uri.ts';
import type { UserRoute } from '../route-datastore/route-datastore.ts';
import type { SipProxyCounters } from './counters.ts';
import type { Policy } from './policy.ts';
import { statusOf } from './proxying/best-response.ts';
import type { DialogTokens } from './proxying/dialog-tokens.ts';
import { fork } from './proxying/fork.ts';
import { isLooping, loopMark } from './proxying/loop.ts';
import { type OwnRoutes, openFlow, pathUser, spendHop, takeOwnRoutes } from './proxying/own-routes.ts';
import { makesDialog, recordRoute } from './proxying/record-route.ts';
import { requestFor, type Target } from './proxying/target.ts';
import type { BindingLimits } from './registrar/binding-rules.ts';
import { register, registeredUser } from './registrar/registrar.ts';
import { decideRoute } from './routing/decide.ts';
import { type FoundTargets, findTargets } from './routing/find-targets.ts';
import type { Stores } from './stores.ts';

export interface RequestHandlerNeeds extends Stores {
  readonly sip: SipEndpoint;
  readonly policy: () => Policy;
  readonly presenceEngine: () => Hop | undefined;
  readonly tokens: DialogTokens;
  readonly counters: SipProxyCounters;
  readonly clock: Clock;
  readonly log: Log;
  readonly nodeName: string;
  readonly random: () => number;
}

export interface RequestHandlerOptions extends BindingLimits {
  readonly maxMessageBytes: number;
  readonly ringSeconds: number;
}

export interface RequestHandler {
  onRequest(transaction: ServerTransaction): Promise<void>;
  onAck(ack: SipRequest, flow: Flow): void;
}

const ALLOW =
  'INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, MESSAGE, SUBSCRIBE, NOTIFY, PUBLISH, REFER, INFO, UPDATE, PRACK';
/** RFC 5393 5.3: what a request without Max-Breadth may fork to at once. */
const MAX_BREADTH = 60;

/** The proxy's way with each request: RFC 3261 16, with the order of routing of docs/services/sip-proxy.md. */
export function createRequestHandler(needs: RequestHandlerNeeds, options: RequestHandlerOptions): RequestHandler {
  const { sip, counters } = needs;
  const isOurVia = (sentBy: string): boolean =>
    (['UDP', 'TCP', 'TLS'] as const).some((transport) => sip.sentBy(transport) === sentBy);

  /** What the Route Datastore says of a user part at a host of ours. */
  const routeOf = async (user: string, host: string, policy: Policy): Promise<UserRoute> => {
    const isDomain = policy.names.isDomain(host);
    const byAddress = isDomain ? await needs.routes.userByAddress(`${user}@${host}`) : undefined;
    const found = await needs.routes.routeOfUser(byAddress?.userid ?? user);
    if (found.kind === 'unknown' || !isDomain || byAddress) return found;
    // In a domain of ours only addresses of that domain are users.
    return found.user.imaddress.toLowerCase().endsWith(`@${host}`) ? found : { kind: 'unknown' };
  };

  /** Whether a request that begins something may come in; undefined when its sender was asked for a proof. */
  const admit = async (transaction: ServerTransaction, policy: Policy): Promise<boolean | undefined> => {
    const { request, flow } = transaction;
    if (policy.isTrusted(flow)) return true;
    const { uri } = fromOf(request);
    if (uri.kind !== 'sip' || !policy.names.isOurs(uri)) {
      return uri.kind === 'sip' && policy.speaksFor(flow, uri.host);
    }
    const proven = await policy.authentication.userOf(transaction, 'proxy');
    if (proven === undefined) return undefined;
    const user = decodeEscapes(uri.user ?? '').toLowerCase();
    if (user === proven) return true;
    const byAddress = await needs.routes.userByAddress(`${user}@${uri.host}`);
    if (byAddress?.userid.toLowerCase() !== proven) throw refusal(403, 'From Is Another User');
    return true;
  };

  const onRegister = async (transaction: ServerTransaction, own: OwnRoutes, policy: Policy): Promise<void> => {
    const { user, host } = registeredUser(transaction.request);
    const userRoute = await routeOf(user, host, policy);
    if (userRoute.kind === 'other-node') {
      await forwardRegister(transaction, own, policy, userRoute);
      return;
    }
    try {
      const proven = await policy.authentication.userOf(transaction, 'www');
      if (proven === undefined) return;
      if (userRoute.kind !== 'here' || !userRoute.user.isEnabled) throw refusal(404, 'Not Found');
      if (userRoute.user.userid.toLowerCase() !== proven) throw refusal(403, 'To Is Another User');
      await register(
        transaction,
        userRoute.user,
        {
          registrations: needs.registrations,
          clock: needs.clock,
          nodeName: needs.nodeName,
          tokenOf: sip.flows.tokenOf,
        },
        options,
      );
      counters.registered.inc();
    } catch (error) {
      counters.registerFailed.inc();
      throw error;
    }
  };

  /** The home node keeps the registration, and reaches the client through us where the client understands that. */
  const forwardRegister = async (
    transaction: ServerTransaction,
    own: OwnRoutes,
    policy: Policy,
    userRoute: Extract<UserRoute, { kind: 'other-node' }>,
  ): Promise<void> => {
    const base = spendHop(own.request);
    if (base.headers.lists('supported', 'path')) {
      const { transport } = transaction.flow;
      const user = pathUser(sip.flows.tokenOf(transaction.flow));
      const uri = `sip:${user}@${sip.sentBy(transport)};transport=${transport.toLowerCase()};lr;ob`;
      base.headers.addFirst('Path', `<${uri}>`);
    }
    const { node, backup } = userRoute;
    const addresses = backup === null ? [node.address] : [node.address, backup.address];
    send(transaction, base, await findTargets({ kind: 'node', addresses }, 'REGISTER', '', policy, needs), policy);
  };

  const send = (transaction: ServerTransaction, base: SipRequest, found: FoundTargets, policy: Policy): void => {
    const { recordRoute: isRecording, recordRouteUsesTransport } = policy.configuration.dynamic.parameters;
    const { flow: from, request } = transaction;
    const isFirst = makesDialog(base) && !/;\s*tag\s*=/i.test(base.headers.text('to') ?? '');
    const breadth = Number(base.headers.text('max-breadth') ?? MAX_BREADTH);
    if (breadth === 0) throw refusal(440, 'Max-Breadth Exceeded');
    fork(
      transaction,
      base,
      found.groups,
      {
        sip,
        clock: needs.clock,
        ringMs: options.ringSeconds * 1_000,
        onEnd(target, end) {
          const { binding } = target;
          if (binding === undefined || binding.node !== needs.nodeName) return;
          const status = statusOf(end);
          const isGone =
            binding.isBehindFlow && binding.flow !== null && openFlow(binding.flow, sip.flows) === undefined;
          // RFC 5626 5.3 and 7: a flow that has failed is no way any more.
          if (status === 430 || (status === 480 && 'failure' in end && isGone)) {
            needs.registrations.remove(binding).catch(onFailure);
          }
        },
        onFailure,
      },
      {
        branchSuffix: loopMark(request),
        isUser: found.isUser,
        breadth: Number.isInteger(breadth) && breadth > 0 ? Math.min(breadth, MAX_BREADTH) : MAX_BREADTH,
        prepare(each, onto, target) {
          counters.requestOut(each.method, found.isForeign);
          if (!isFirst || !isRecording) return each;
          return recordRoute(each, from, onto, target.way ?? '', recordRouteUsesTransport, {
            tokens: needs.tokens,
            tokenOf: sip.flows.tokenOf,
            sentBy: sip.sentBy,
          });
        },
      },
    );
  };

  const onFailure = (error: unknown): void => {
    needs.log.error({ err: error }, 'a SIP request could not be forwarded');
  };

  /** Where a request goes that has been let in. */
  const targetsOf = async (
    { request, onward, isInDialog }: OwnRoutes,
    uri: SipUri,
    isAdmitted: boolean,
    isTrusted: boolean,
    policy: Policy,
  ): Promise<FoundTargets> => {
    const straight = (target: Target): FoundTargets => ({ groups: [[target]], isUser: false, isForeign: false });
    if (isAdmitted && onward !== undefined) return straight({ to: onward });
    const isOurs = policy.names.isOurs(uri);
    const [route] = request.headers.list('route');
    if (isAdmitted && route !== undefined) {
      const host = route.uri.kind === 'sip' ? route.uri.host : '';
      if (!isInDialog && !policy.maySendTo(host)) throw refusal(403, 'Destination Not Allowed');
      return straight({});
    }
    if (isInDialog && !isOurs) return straight({});
    const user = decodeEscapes(uri.user ?? '');
    const decided = decideRoute(
      {
        isAdmitted,
        isTrusted,
        method: request.method,
        event: request.headers.get('event')?.value ?? '',
        user,
        host: uri.host,
        isOurs,
        userRoute: isAdmitted && isOurs && user !== '' ? await routeOf(user, uri.host, policy) : undefined,
      },
      policy.tables,
    );
    return await findTargets(decided, request.method, uri.host, policy, needs);
  };

  /** What no element on the way needs to know, or may make up. */
  const cleaned = (request: SipRequest, isTrusted: boolean, realm: string): SipRequest => {
    const { headers } = request;
    if (!isTrusted) headers.delete('P-Asserted-Identity');
    const given = headers.list('proxy-authorization');
    if (given.some(({ params }) => params.get('realm') === realm)) {
      const others = headers
        .texts('proxy-authorization')
        .filter((_text, place) => given[place]?.params.get('realm') !== realm);
      headers.delete('Proxy-Authorization');
      for (const text of others) headers.add('Proxy-Authorization', text);
    }
    return request;
  };

  return {
    async onRequest(transaction) {
      const policy = needs.policy();
      const { request: given, flow } = transaction;
      const from = fromOf(given).uri;
      counters.requestIn(given.method, from.kind !== 'sip' || !policy.names.isOurs(from));
      const own = takeOwnRoutes(given, policy.names, needs.tokens, sip.flows);
      const uri = sipUriOf(own.request);
      const isForUs = own.onward === undefined && !own.request.headers.has('route') && policy.names.isOurs(uri);
      if (isForUs && given.method === 'REGISTER') {
        await onRegister(transaction, own, policy);
        return;
      }
      const isAtEnd = given.headers.get('max-forwards') === 0;
      if (given.method === 'OPTIONS' && (isAtEnd || (isForUs && uri.user === undefined))) {
        transaction.reply(200, {
          headers: [
            ['Allow', ALLOW],
            ['Accept', '*/*'],
            ['Supported', 'path, outbound'],
            ['Allow-Events', 'presence, presence.winfo'],
          ],
        });
        return;
      }
      const base = spendHop(own.request);
      const proxyRequire = given.headers.list('proxy-require');
      if (proxyRequire.length > 0) throw refusal(420, 'Bad Extension', { Unsupported: proxyRequire.join(', ') });
      if (isLooping(given, loopMark(given), isOurVia)) throw refusal(482, 'Loop Detected');
      if (given.method === 'MESSAGE' && given.body.length > options.maxMessageBytes) {
        throw refusal(413, 'Request Entity Too Large');
      }
      const isAdmitted = own.isInDialog || (await admit(transaction, policy));
      if (isAdmitted === undefined) return;
      const found = await targetsOf(own, uri, isAdmitted, policy.isTrusted(flow), policy);
      send(transaction, cleaned(base, policy.isTrusted(flow), policy.authentication.realm), found, policy);
    },
    onAck(ack, _flow) {
      // It has no answer: what cannot be forwarded is dropped.
      const forward = async (): Promise<void> => {
        const policy = needs.policy();
        const own = takeOwnRoutes(ack, policy.names, needs.tokens, sip.flows);
        const uri = sipUriOf(own.request);
        if (!own.isInDialog && !policy.names.isOurs(uri)) return;
        const found = await targetsOf(own, uri, true, false, policy);
        for (const target of found.groups[0] ?? []) {
          await sip.sendStateless(requestFor(spendHop(own.request), target), target.to);
        }
      };
      forward().catch((error: unknown) => {
        if (error instanceof SipError) needs.log.debug({ err: describeError(error) }, 'an ACK was not forwarded');
        else onFailure(error);
      });
    },
  };
}

function sipUriOf(request: SipRequest): SipUri {
  const uri = requestUri(request);
  if (uri.kind !== 'sip') throw refusal(416, 'Unsupported URI Scheme');
  return uri;
}
