import { type Dialog, nextRequest } from '../../../sip/dialog/dialog.ts';
import { SipError } from '../../../sip/errors.ts';
import type { SipEndpoint } from '../../../sip/sip.ts';
import { CSTA_MEDIA_TYPE } from '../csta/names.ts';

export interface InfoQueueNeeds {
  readonly sip: Pick<SipEndpoint, 'send'>;
  readonly dialog: () => Dialog;
  readonly changeDialog: (dialog: Dialog) => void;
  readonly maxWaiting: number;
  /** The client is gone, or does not take its events. */
  readonly onFailure: (why: string) => void;
}

/** Events of one session: one INFO at a time, so that they arrive in order over UDP as well. */
export interface InfoQueue {
  push(body: string): void;
  close(): void;
}

export function createInfoQueue(needs: InfoQueueNeeds): InfoQueue {
  const waiting: string[] = [];
  let isSending = false;
  let isClosed = false;

  const sendAll = async (): Promise<void> => {
    for (let body = waiting.shift(); body !== undefined && !isClosed; body = waiting.shift()) {
      const { request, dialog } = nextRequest(needs.dialog(), {
        method: 'INFO',
        headers: [['Content-Disposition', 'signal;handling=required']],
        contentType: CSTA_MEDIA_TYPE,
        body,
      });
      needs.changeDialog(dialog);
      const { status } = await needs.sip.send(request);
      // RFC 3261 12.2.1.2: these end the dialog. Whatever else it says, the client has had its event.
      if (status === 481 || status === 408) throw new SipError('sip.timeout', `the client answered ${status}`);
    }
  };

  return {
    push(body) {
      if (isClosed) return;
      if (waiting.length >= needs.maxWaiting) {
        needs.onFailure('it does not take its events');
        return;
      }
      waiting.push(body);
      if (isSending) return;
      isSending = true;
      sendAll()
        .catch((error: unknown) => {
          if (!isClosed) needs.onFailure(error instanceof Error ? error.message : String(error));
        })
        .finally(() => {
          isSending = false;
        });
    },
    close() {
      isClosed = true;
      waiting.length = 0;
    },
  };
}
