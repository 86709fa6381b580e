/** What decides who may see a user's presence. All addresses in lower case. */
export interface WatcherPolicy {
  /** The user's own bare address. */
  readonly presentity: string;
  /** Access control list: at most one entry per watcher and type. */
  readonly acl: readonly AclEntry[];
  /** Presence rules in their order; disabled ones may stand among them. */
  readonly rules: readonly WatcherRule[];
  readonly privacy: {
    /** `Privacy.AllowContacts`: whoever is on the user's contact list may see. */
    readonly allowContacts: boolean;
    /** `Privacy.Internal` and `Privacy.External`: for watchers of our own domains, and of all others. */
    readonly internal: PrivacyChoice;
    readonly external: PrivacyChoice;
  };
  /** Whether the address is on the user's contact list. */
  isContact(watcher: string): boolean;
  readonly administrator: AdministratorRules;
}

/** What the administrator allows everybody: parameters of the Presence Engine (docs/services/oam-agent.md). */
export interface AdministratorRules {
  /** False: nobody sees anybody else. */
  readonly availabilitySharing: boolean;
  /** False: general privacy alone lets nobody of our own domains see; the user is asked. */
  readonly authorizeWithoutPrompt: boolean;
}

export type PrivacyChoice = 'allow' | 'deny' | 'ask';

export interface AclEntry {
  /** `user@domain`, or a domain. */
  readonly watcher: string;
  readonly type: 'user' | 'domain';
  readonly policy: 'allow' | 'deny';
}

export interface WatcherRule {
  readonly isEnabled: boolean;
  readonly watchers: readonly {
    readonly type: 'user' | 'domain' | 'internal' | 'external' | 'any';
    readonly value: string;
  }[];
  readonly policy: 'allow' | 'block' | 'polite-block' | 'ask';
}

export interface Watcher {
  /** Bare address in lower case. */
  readonly address: string;
  /** Its domain is one of ours. */
  readonly isInternal: boolean;
}

/** RFC 5025 3.2: sees, is refused, sees somebody unavailable, or waits until the user has been asked. */
export type WatcherDecision = 'allow' | 'block' | 'polite-block' | 'ask';

/** What decided, for the trace and for tests. */
export type WatcherReason = 'self' | 'acl-user' | 'acl-domain' | 'rule' | 'contact' | 'privacy' | 'sharing';

export interface Judgement {
  readonly decision: WatcherDecision;
  readonly reason: WatcherReason;
}

/**
 * Whether a watcher may see the user, within what the administrator allows. `sharing` says of presence alone: who is
 * blocked by it may still write.
 */
export function judgeWatcher(policy: WatcherPolicy, watcher: Watcher): Judgement {
  const judged = ownJudgement(policy, watcher);
  const { availabilitySharing, authorizeWithoutPrompt } = policy.administrator;
  if (judged.reason === 'self' || judged.decision === 'block') return judged;
  if (!availabilitySharing) return { decision: 'block', reason: 'sharing' };
  // General privacy is no answer that the user has given about this watcher.
  const isUnasked = judged.reason === 'privacy' && judged.decision === 'allow' && watcher.isInternal;
  return isUnasked && !authorizeWithoutPrompt ? { decision: 'ask', reason: 'privacy' } : judged;
}

/**
 * By the user's own rules: the user's own, then the entry of the list for the watcher, the entry for its domain, the
 * first enabled rule that matches, the contact list, and last the general privacy.
 */
function ownJudgement(policy: WatcherPolicy, watcher: Watcher): Judgement {
  const { address, isInternal } = watcher;
  if (address === policy.presentity) return { decision: 'allow', reason: 'self' };
  const domain = address.slice(address.lastIndexOf('@') + 1);

  const ofUser = policy.acl.find((entry) => entry.type === 'user' && entry.watcher === address);
  if (ofUser) return { decision: decisionOf(ofUser), reason: 'acl-user' };
  const ofDomain = policy.acl.find((entry) => entry.type === 'domain' && entry.watcher === domain);
  if (ofDomain) return { decision: decisionOf(ofDomain), reason: 'acl-domain' };

  for (const rule of policy.rules) {
    const isMatch = rule.watchers.some(({ type, value }) => {
      if (type === 'user') return value === address;
      if (type === 'domain') return value === domain;
      return type === 'any' || (type === 'internal') === isInternal;
    });
    if (rule.isEnabled && isMatch) return { decision: rule.policy, reason: 'rule' };
  }

  const { allowContacts, internal, external } = policy.privacy;
  if (allowContacts && policy.isContact(address)) return { decision: 'allow', reason: 'contact' };
  const choice = isInternal ? internal : external;
  return { decision: choice === 'deny' ? 'block' : choice, reason: 'privacy' };
}

/** Whether a watcher sees the user, and would not if it were not on the user's contact list. */
export function seesOnlyAsContact(policy: WatcherPolicy, watcher: Watcher): boolean {
  if (judgeWatcher(policy, watcher).reason !== 'contact') return false;
  return judgeWatcher({ ...policy, isContact: () => false }, watcher).decision !== 'allow';
}

function decisionOf({ policy }: AclEntry): WatcherDecision {
  return policy === 'allow' ? 'allow' : 'block';
}
