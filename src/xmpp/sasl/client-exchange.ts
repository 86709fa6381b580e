/** The client's side of one sign-in. */
export interface SaslClientExchange {
  /** The initial response. */
  start(): Buffer;
  /** @throws SaslError when the server is not to be trusted, or asks what the mechanism does not have */
  respond(challenge: Buffer): Promise<Buffer>;
  /** The server says that it worked; `last` are its last words. @throws SaslError when they do not prove it */
  finish(last: Buffer | null): void;
}
