import type { ChangeFeed } from '../ids/change-feed.ts';
import type { Ids } from '../ids/ids.ts';
import type { Alarms } from '../platform/alarms.ts';
import type { CertificateInfo } from '../platform/certificates.ts';
import type { Clock } from '../platform/clock.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { Notifications } from '../platform/notifications.ts';
import type { Supervisor } from '../platform/supervisor.ts';
import type { AuditLog } from './audit-log.ts';
import type { RestartNotices } from './restart-notices.ts';
import type { SyncWatch } from './sync-watch.ts';

/** What the Sync Agent tells of itself. */
export interface SyncOverview {
  readonly state: string;
  /** One sentence for the administrator. */
  readonly sentence: string;
  /** The product's own words: `Completed 2026-10-15 15:03:55`. */
  readonly syncStatus: string;
  /** Times in milliseconds since the epoch. */
  readonly fullSyncAt: number | null;
  readonly lastChangeAt: number | null;
  readonly errors: number;
}

export interface SyncProgressEvent {
  readonly stage: string;
  readonly done: number;
  readonly total: number | null;
}

export interface SyncOutcome {
  readonly users: number;
  readonly devices: number;
  readonly lines: number;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  readonly milliseconds: number;
}

/** Something wrong with directory URIs. */
export interface UserProblem {
  readonly problem: 'duplicate' | 'invalid';
  readonly directoryUri: string;
  readonly users: string[];
}

/** A line of a phone that remote call control may drive. */
export interface RccPhone {
  readonly device: string;
  readonly description: string;
  readonly product: string;
  readonly kind: 'soft' | 'hard';
  readonly line: string;
  readonly partition: string;
  readonly isRegistered: boolean;
  readonly isOwnersPrimary: boolean;
}

/** A user's phones, the choice, and what the next session would drive. */
export interface RccPhones {
  readonly userid: string;
  readonly appearances: readonly RccPhone[];
  readonly chosen: { readonly device: string; readonly line: string; readonly partition: string } | null;
  readonly next: (RccPhone & { readonly rule: string }) | null;
}

/** A user's presence as it is composed, and what each source says. */
export interface PresenceOverview {
  readonly state: string;
  readonly activities: readonly string[];
  readonly note: string;
  /** Newest first. */
  readonly sources: readonly {
    readonly source: string;
    readonly kind: string;
    readonly state: string;
    readonly activities: readonly string[];
    readonly note: string;
    /** Milliseconds since the epoch. */
    readonly publishedAt: number;
  }[];
}

/** A peer cluster, and where the sync with it stands. Times are milliseconds since the epoch. */
export interface PeerView {
  readonly id: number;
  readonly url: string;
  readonly user: string;
  /** Name of its publisher; '' until it was reached once. */
  readonly name: string;
  readonly version: string;
  readonly clusterId: string;
  readonly state: string;
  readonly reason: string | null;
  readonly sentence: string;
  readonly users: number;
  readonly hidden: number;
  readonly nodes: number;
  readonly nodesDown: readonly string[];
  readonly lastGoodAt: number | null;
  readonly nextTryAt: number | null;
  readonly isStale: boolean;
  readonly sipTransport: string;
}

/** Redundancy groups and their nodes. */
export interface HaOverview {
  readonly groups: readonly {
    readonly group: string;
    readonly isEnabled: boolean;
    readonly nodes: readonly {
      readonly name: string;
      readonly isHere: boolean;
      /** 0 to 12. */
      readonly number: number;
      readonly state: string;
      readonly reason: string;
      readonly heardSecondsAgo: number | null;
      readonly roundTripMs: number | null;
      readonly servicesDown: readonly string[];
    }[];
  }[];
  /** What stands against switching high availability on in this node's group. */
  readonly problems: readonly string[];
}

/** What commands may touch. The node gives it; nothing here is a service's inside. */
export interface AdminContext {
  readonly node: {
    readonly name: string;
    readonly version: string;
    readonly domain: string;
    readonly startedAt: number;
    /** Everything durable lives there. */
    readonly dataFolder: string;
    readonly isReady: () => boolean;
  };
  readonly supervisor: Supervisor;
  readonly ids: Ids;
  readonly changeFeed: ChangeFeed;
  readonly alarms: Alarms;
  readonly notifications: Notifications;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, 'snapshot'>;
  readonly audit: AuditLog;
  readonly restartNotices: Pick<RestartNotices, 'needed'>;
  readonly syncWatch: Pick<SyncWatch, 'runs' | 'version'>;
  readonly sync: {
    overview(): SyncOverview;
    onProgress(listener: (event: SyncProgressEvent) => void): Disposable;
    request(options: { readonly full: boolean; readonly acceptDeletions: boolean }): Promise<SyncOutcome>;
    /** Every user that shares a directory URI, and every directory URI that is not valid. */
    userProblems(): Promise<UserProblem[]>;
  };
  readonly rcc: {
    overview(userid: string): Promise<RccPhones>;
    /** null forgets the choice; a line or partition of null is left open. */
    choose(
      userid: string,
      wanted: { readonly device: string; readonly line: string | null; readonly partition: string | null } | null,
    ): Promise<RccPhones>;
  };
  readonly peers: {
    list(): Promise<readonly PeerView[]>;
    /** Adds a peer, or gives the one with this URL new credentials; waits a moment for its first sync. */
    add(peer: {
      readonly url: string;
      readonly user: string;
      readonly password: string;
      /** PEM; '' trusts what the system trusts. */
      readonly ca: string;
      /** '' as the SIP Proxy's parameter says. */
      readonly sipTransport: 'TCP' | 'UDP' | 'TLS' | '';
    }): Promise<PeerView>;
    remove(wanted: string): Promise<PeerView>;
    /** null: all of them. */
    sync(
      wanted: string | null,
      asked: { readonly isFull: boolean; readonly acceptDeletions: boolean },
    ): Promise<readonly PeerView[]>;
  };
  /** @param address bare, in any case; null while the Presence Datastore is not running */
  readonly presence: (address: string) => Promise<PresenceOverview | null>;
  readonly replication: { readonly state: number; readonly sentence: string };
  readonly highAvailability: {
    /** Of this node, now. */
    readonly state: string;
    readonly reason: string;
    overview(): Promise<HaOverview>;
    /** @param group '' for this node's */
    enable(group: string, isOverridden: boolean): Promise<void>;
    disable(group: string): Promise<void>;
    failover(node: string, by: string): Promise<void>;
    fallback(node: string, by: string): Promise<void>;
    recover(group: string, by: string): Promise<void>;
  };
  readonly certificates: {
    list(): Promise<readonly CertificateInfo[]>;
    renew(): Promise<readonly CertificateInfo[]>;
  };
}
