/** Bounds that stand beside the parser they guard; passing one is an error, never a truncation. */
export interface SipLimits {
  /** Start line, header fields and body together, bytes. */
  readonly messageBytes: number;
  readonly headers: number;
  /** One header field with its name and folded lines, characters. */
  readonly headerLength: number;
}

export const DEFAULT_SIP_LIMITS: SipLimits = { messageBytes: 64 * 1024, headers: 256, headerLength: 8 * 1024 };
