import type { ServerResponse } from 'node:http';
import { AXL_CODE, AxlFault } from '../message/axl-fault.ts';

/** All replies in progress together. */
const SUM_LIMIT = 16 * 1024 * 1024;

/** Counts what is on its way to clients. */
export interface ReplyMemory {
  /** Takes room until the response is sent or its client is gone. @throws AxlFault -1 when there is none */
  claim(response: ServerResponse, bytes: number): void;
}

export function createReplyMemory(limit = SUM_LIMIT): ReplyMemory {
  let taken = 0;
  return {
    claim(response, bytes) {
      if (taken > 0 && taken + bytes > limit) throw memoryConsumed();
      taken += bytes;
      response.once('close', () => {
        taken -= bytes;
      });
    },
  };
}

/** The fault of a sum that is too large: the same request succeeds later. */
export function memoryConsumed(): AxlFault {
  return new AxlFault(
    AXL_CODE.throttled,
    'Maximum AXL Memory Allocation Consumed. Please retry once requests in progress have completed',
  );
}
