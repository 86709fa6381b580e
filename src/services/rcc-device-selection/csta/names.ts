/** CSTA as XML (ECMA-323), edition 3: what Microsoft's clients speak. */
export const CSTA_NAMESPACE = 'http://www.ecma-international.org/standards/ecma-323/csta/ed3';

/** Editions differ in nothing that is used here: a client is answered in its own. */
export const CSTA_NAMESPACES = /^http:\/\/www\.ecma(?:-international\.org|\.ch)\/standards\/ecma-323\/csta\/ed[2-9]$/;

/** ECMA TR/87 7.1. */
export const CSTA_MEDIA_TYPE = 'application/csta+xml';

/** In which Microsoft's clients name the line that they sign in for. */
export const LINE_NAMESPACE = 'http://schemas.microsoft.com/Lcs/2005/04/RCCExtension';

/** Services that we serve, by the names that `GetCSTAFeatures` is answered with. */
export const CALL_CONTROL_SERVICES = ['answerCall', 'clearConnection', 'makeCall'] as const;
export const MONITORING_SERVICES = ['monitorStart', 'monitorStop'] as const;
export const CALL_CONTROL_EVENTS = ['connectionCleared', 'delivered', 'established', 'failed', 'originated'] as const;
