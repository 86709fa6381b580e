/** The service's name in alarms, logs and the change feed: its folder. */
export const ENGINE_SERVICE = 'presence-engine';

export const MEDIA = {
  pidf: 'application/pidf+xml',
  dialogInfo: 'application/dialog-info+xml',
  rlmi: 'application/rlmi+xml',
  multipart: 'multipart/related',
  watcherInfo: 'application/watcherinfo+xml',
  resourceLists: 'application/resource-lists+xml',
} as const;

/** Option tags of RFC 4662 and RFC 5367. */
export const OPTION = { eventList: 'eventlist', recipientList: 'recipient-list-subscribe' } as const;

/** Seconds after which a request that could not be served now is worth another try. */
export const RETRY_SECONDS = 30;
