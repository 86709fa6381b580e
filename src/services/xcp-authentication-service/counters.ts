import type { Metrics } from '../../platform/metrics.ts';

/** Sign-ins over XMPP since the start of the node, by the names that administrators know. */
export function createAuthenticationCounters(metrics: Metrics) {
  const counter = (name: string, help: string) => metrics.counter(name, help);
  return {
    plainSuccess: counter('SASLPlainSuccess', 'Sign-ins by password'),
    plainFailed: counter('SASLPlainFailed', 'Sign-ins by password that failed, for whatever reason'),
    tokenSuccess: counter('VtgTokenSuccess', 'Sign-ins by one-time password'),
    tokenFailed: counter('VtgTokenFailed', 'Sign-ins by one-time password that failed, for whatever reason'),
    failedLicense: counter('FailedLicense', 'Users refused because they may not use IM and Presence'),
    failedCredentials: counter('FailedSASLCredentials', 'Wrong names or passwords'),
    failedToken: counter('FailedTokenCredentials', 'One-time passwords that were not good'),
  };
}
