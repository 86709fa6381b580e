/** One presence rule of a user; the first enabled one that matches a watcher wins, after the access control list. */
export interface PresenceRuleRow {
  fkenduser: string;
  /** Unique among the user's rules; chosen by the client. */
  ruleid: string;
  position: number;
  name: string;
  enabled: number;
  /** JSON: `[{"type": "user" | "domain" | "internal" | "external" | "any", "value": "user@domain"}]`. */
  watchers: string;
  policy: 'allow' | 'block' | 'polite-block' | 'ask';
}

/** How clients turn what a person dials, or a number of the directory, into what is sent. */
export interface DialRuleRow {
  pkid: string;
  type: 'application' | 'directory';
  name: string;
  priority: number;
  beginswith: string;
  /** Number of digits that it applies to. */
  digits: number;
  /** Leading digits taken away. */
  digitsremoved: number;
  prepend: string;
}
