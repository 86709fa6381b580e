import type { Clock } from '../../../platform/clock.ts';
import { describeError } from '../../../platform/errors.ts';
import type { Log } from '../../../platform/log.ts';
import { type Dialog, nextRequest } from '../../../sip/dialog/dialog.ts';
import type { SipEndpoint } from '../../../sip/sip.ts';
import type { LineAddress, LineControl, LineEvent, OpenLine } from '../line-control/line-control.ts';
import { type LineUri, parseLineUri } from '../selection/line-uri.ts';
import type { Selection } from '../selection/select-device.ts';
import type { RccUser } from '../users.ts';
import { type CstaSession, type CstaSessionNeeds, createCstaSession } from './csta-session.ts';
import { createInfoQueue, type InfoQueue } from './info-queue.ts';

export interface LiveSessionNeeds {
  readonly sip: SipEndpoint;
  readonly clock: Clock;
  readonly log: Log;
  readonly lineControl: LineControl;
  readonly csta: Pick<CstaSessionNeeds, 'numberOf' | 'newId' | 'maxMonitors'>;
  readonly onEvent: (kind: LineEvent['kind']) => void;
  readonly sessionMs: number;
  readonly maxWaitingEvents: number;
  /** Called once, when it has ended. */
  readonly onEnd: (session: LiveSession) => void;
}

/** Signing in until the answer is sent, answered until the client has acknowledged it. */
export type SessionState = 'signing-in' | 'answered' | 'established' | 'ended';

/** A signed-in client: its dialog, its line, its time. */
export interface LiveSession {
  readonly user: RccUser;
  readonly lineUri: LineUri;
  readonly csta: CstaSession;
  readonly namespace: string;
  state: SessionState;
  dialog: Dialog | undefined;
  /** The repeated 2xx that waits for its ACK. */
  answer: Disposable | undefined;
  /** A phone came or went while it was signing in: what was selected may not hold. */
  isStale: boolean;
  /** Opens the line of what was selected, and closes the one before it. @throws LineError */
  drive(selection: Extract<Selection, { kind: 'selected' }>): Promise<void>;
  /** The client was heard: its time begins anew. */
  touch(): void;
  /** Resolves when the BYE is answered, or cannot be. @param tells whether the client is sent one */
  end(why: string, tells: boolean): Promise<void>;
}

/** @param lineUriText as the client wrote it @throws RccError `rcc.line-uri` */
export function createLiveSession(
  needs: LiveSessionNeeds,
  user: RccUser,
  lineUriText: string,
  namespace: string,
): LiveSession {
  const { log } = needs;
  let timer: Disposable | undefined;
  let queue: InfoQueue | undefined;

  const csta = createCstaSession({
    ...needs.csta,
    namespace,
    lineUri: lineUriText,
    send(body, kind) {
      if (session.dialog === undefined) return;
      needs.onEvent(kind);
      queue ??= createInfoQueue({
        sip: needs.sip,
        dialog: () => session.dialog as Dialog,
        changeDialog: (dialog) => {
          session.dialog = dialog;
        },
        maxWaiting: needs.maxWaitingEvents,
        onFailure: (why) => void session.end(why, true),
      });
      queue.push(body);
    },
  });

  const close = async (line: OpenLine | undefined): Promise<void> => {
    try {
      await line?.[Symbol.asyncDispose]();
    } catch (error) {
      log.warn({ err: describeError(error), device: line?.address.device }, 'a line could not be closed');
    }
  };

  const sayBye = async (dialog: Dialog): Promise<void> => {
    const { request } = nextRequest(dialog, { method: 'BYE' });
    try {
      await needs.sip.send(request);
    } catch (error) {
      log.debug({ err: describeError(error) }, 'a client did not hear the end of its session');
    }
  };

  const session: LiveSession = {
    user,
    lineUri: parseLineUri(lineUriText),
    csta,
    namespace,
    state: 'signing-in',
    dialog: undefined,
    answer: undefined,
    isStale: false,
    async drive({ appearance }) {
      const { device, line, partition } = appearance;
      const wanted: LineAddress = { device, number: line, partition };
      if (csta.line !== undefined && isSameLine(csta.line.address, wanted)) return;
      const opened = await needs.lineControl.openLine(wanted, (event) => csta.hear(event));
      // What is established stays with its phone.
      if (session.state === 'ended' || session.state === 'established') {
        await close(opened);
        return;
      }
      const before = csta.line;
      csta.line = opened;
      await close(before);
    },
    touch() {
      timer?.[Symbol.dispose]();
      if (session.state === 'ended') return;
      timer = needs.clock.schedule(needs.sessionMs, () => void session.end('it was not refreshed', true));
    },
    async end(why, tells) {
      if (session.state === 'ended') return;
      session.state = 'ended';
      timer?.[Symbol.dispose]();
      session.answer?.[Symbol.dispose]();
      queue?.close();
      csta.end();
      const { line } = csta;
      csta.line = undefined;
      log.info({ user: user.userid, why }, 'remote call control session ended');
      needs.onEnd(session);
      await close(line);
      if (tells && session.dialog !== undefined) await sayBye(session.dialog);
    },
  };
  return session;
}

function isSameLine(a: LineAddress, b: LineAddress): boolean {
  return a.device === b.device && a.number === b.number && a.partition === b.partition;
}
