import type { Clock } from '../../platform/clock.ts';
import { SipError } from '../errors.ts';
import { createAck } from '../message/build.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { writeMessage } from '../message/write.ts';
import type { SipStatistics } from '../statistics.ts';
import type { Flow } from '../transport/flow.ts';
import { createRunner, type Runner } from './runner.ts';
import { type ClientEvent, type Effect, INVITE_CLIENT, OTHER_CLIENT } from './tables.ts';
import type { SipTiming } from './timing.ts';

/** One attempt to send one request over one flow. */
export interface ClientTransaction {
  readonly request: SipRequest;
  readonly flow: Flow;
  receive(response: SipResponse): void;
  stop(): void;
}

export interface ClientTransactionNeeds {
  readonly clock: Clock;
  readonly timing: SipTiming;
  readonly statistics: SipStatistics;
  readonly onResponse: (response: SipResponse) => void;
  /** `sip.timeout`, `sip.unreachable` or `sip.overloaded`. */
  readonly onFailure: (error: SipError) => void;
  readonly onEnd: () => void;
}

/** Sends at once. The request has its Via. */
export function createClientTransaction(
  request: SipRequest,
  flow: Flow,
  needs: ClientTransactionNeeds,
): ClientTransaction {
  const bytes = writeMessage(request);
  let response: SipResponse | undefined;
  let ack: Buffer | undefined;
  let trouble: SipError | undefined;

  const send = (what: Buffer): void => {
    try {
      flow.send(what);
    } catch (error) {
      if (!(error instanceof SipError)) throw error;
      trouble = error;
      runner.handle('transport-error');
    }
  };

  const perform = (effect: Effect): void => {
    if (effect === 'send') {
      needs.statistics.retransmissionsOut += 1;
      send(bytes);
    } else if (effect === 'ack' && response !== undefined) {
      ack ??= writeMessage(createAck(request, response));
      send(ack);
    } else if (effect === 'deliver' && response !== undefined) {
      needs.onResponse(response);
    } else if (effect === 'time-out') {
      needs.statistics.timeouts += 1;
      needs.onFailure(
        new SipError('sip.timeout', `${flow.remote.address}:${flow.remote.port} does not answer in time`),
      );
    } else if (effect === 'transport-error') {
      needs.statistics.transportErrors += 1;
      needs.onFailure(trouble ?? new SipError('sip.unreachable', 'the connection broke'));
    }
  };

  const runner: Runner<string, ClientEvent> = createRunner<string, ClientEvent>(
    request.method === 'INVITE' ? INVITE_CLIENT : OTHER_CLIENT,
    {
      clock: needs.clock,
      timing: needs.timing,
      statistics: needs.statistics,
      isReliable: flow.isReliable,
      perform,
      onEnd() {
        watch[Symbol.dispose]();
        needs.onEnd();
      },
    },
  );
  const watch = flow.onClose((error) => {
    trouble = error;
    runner.handle('transport-error');
  });
  needs.statistics.requestsOut += 1;
  send(bytes);

  return {
    request,
    flow,
    receive(received) {
      response = received;
      const { status } = received;
      runner.handle(status < 200 ? '1xx' : status < 300 ? '2xx' : '300-699');
    },
    stop() {
      watch[Symbol.dispose]();
      runner.stop();
    },
  };
}
