import type { AlarmSeverity, Alarms } from '../../../platform/alarms.ts';
import type { PeerReason } from '../errors.ts';
import { ICSA_SERVICE } from '../names.ts';

const SEVERITIES = {
  InterclusterSyncAgentPeerDuplicate: 2,
  InterClusterSyncAgentPeerSyncFailure: 2,
  InterClusterSyncAgentSyncFailure: 2,
  InterClusterSyncAgentDomainConflict: 2,
  InterClusterSyncAgentAxlClientTimeout: 6,
  InterClusterSyncAgentPeerPeriodicSyncingFailure: 2,
  InterclusterSyncAgentPeerDown: 2,
  InterClusterSyncAgentAXLConnectionFailed: 2,
  InterClusterSyncAgentFailedToSendCN: 4,
  InterClusterSyncAgentAppUserEndUserConflict: 3,
  ICSACertificateValidationFailure: 2,
  DuplicateUserid: 1,
} as const satisfies Readonly<Record<string, AlarmSeverity>>;

export type PeerAlarmName = keyof typeof SEVERITIES;

/** The alarm of each cause of a failed sync. */
const OF_REASON: Readonly<Record<PeerReason, PeerAlarmName>> = {
  unreachable: 'InterClusterSyncAgentAXLConnectionFailed',
  denied: 'InterClusterSyncAgentAXLConnectionFailed',
  'not-ready': 'InterClusterSyncAgentAXLConnectionFailed',
  timeout: 'InterClusterSyncAgentAxlClientTimeout',
  certificate: 'ICSACertificateValidationFailure',
  garbage: 'InterClusterSyncAgentPeerSyncFailure',
  fault: 'InterClusterSyncAgentPeerSyncFailure',
  'place-lost': 'InterClusterSyncAgentPeerSyncFailure',
  itself: 'InterclusterSyncAgentPeerDuplicate',
  duplicate: 'InterclusterSyncAgentPeerDuplicate',
  'domain-conflict': 'InterClusterSyncAgentDomainConflict',
  withheld: 'InterClusterSyncAgentSyncFailure',
  internal: 'InterClusterSyncAgentSyncFailure',
};

/** Alarms that several peers may have a share in: one of each name, whose message names every peer. */
export interface PeerAlarms {
  set(name: PeerAlarmName, peerId: number, message: string): void;
  unset(name: PeerAlarmName, peerId: number): void;
  /** A sync failed: its cause's alarm, in place of another's. */
  failed(peerId: number, reason: PeerReason, message: string): void;
  /** A sync was good: those of causes end, and somebody who waits for it is told. */
  recovered(peerId: number, message: string): void;
  /** The peer is gone. */
  forget(peerId: number): void;
  clear(): void;
}

export function createPeerAlarms(alarms: Alarms): PeerAlarms {
  const shares = new Map<PeerAlarmName, Map<number, string>>();
  const show = (name: PeerAlarmName): void => {
    const messages = [...(shares.get(name)?.values() ?? [])];
    if (messages.length === 0) alarms.clear(ICSA_SERVICE, name);
    else alarms.raise(ICSA_SERVICE, name, SEVERITIES[name], messages.join('; '));
  };
  const set: PeerAlarms['set'] = (name, peerId, message) => {
    const share = shares.get(name) ?? new Map<number, string>();
    shares.set(name, share.set(peerId, message));
    show(name);
  };
  const unset: PeerAlarms['unset'] = (name, peerId) => {
    if (shares.get(name)?.delete(peerId)) show(name);
  };
  const causes = new Set(Object.values(OF_REASON));
  return {
    set,
    unset,
    failed(peerId, reason, message) {
      const own = OF_REASON[reason];
      for (const name of causes) if (name !== own) unset(name, peerId);
      set(own, peerId, message);
    },
    recovered(peerId, message) {
      const had = [...causes].filter((name) => shares.get(name)?.has(peerId));
      for (const name of had) unset(name, peerId);
      if (had.length === 0) return;
      // The product's clear alarm: an event and no state, so it goes to the history at once.
      alarms.raise(ICSA_SERVICE, 'InterClusterSyncAgentStatus', 6, message);
      alarms.clear(ICSA_SERVICE, 'InterClusterSyncAgentStatus');
    },
    forget(peerId) {
      for (const name of shares.keys()) unset(name, peerId);
    },
    clear() {
      for (const name of shares.keys()) alarms.clear(ICSA_SERVICE, name);
      shares.clear();
    },
  };
}
