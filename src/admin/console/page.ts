import type { Caller } from '../access/caller.ts';
import type { Session } from '../access/sessions.ts';
import type { Html } from './html.ts';

/** What may have changed; pages that show it are fetched again. */
export const TOPICS = ['services', 'alarms', 'sync', 'changes'] as const;
export type Topic = (typeof TOPICS)[number];

/** One request for a page, by somebody who has signed in. */
export interface PageCall {
  readonly caller: Caller;
  readonly session: Session;
  /** Of this node. */
  readonly node: string;
  /** Path and query of this page, for forms that come back to it. */
  readonly url: string;
  readonly query: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, string>>;
  /** Runs a command that shows; pages get all they know from commands. */
  show<Result>(words: string, given?: Readonly<Record<string, unknown>>): Promise<Result>;
}

export interface Page {
  /** Below `/admin`; `/` for the first. A part may be named: `/users/:user`. */
  readonly path: string;
  readonly title: string;
  /** The heading that it stands under in the menu; null: reached from another page. */
  readonly section: 'Node' | 'Data' | 'Cluster' | 'Tools' | null;
  /** Upon which its live part is fetched again. */
  readonly topics: readonly Topic[];
  /** Scripts besides the one of every page, by file. */
  readonly scripts?: readonly string[];
  render(call: PageCall): Promise<PageContent>;
}

export interface PageContent {
  /** What is fetched again when a topic of the page changes. */
  readonly live: Html;
  /** What stays as it is, as forms that somebody fills in: above the live part. */
  readonly fixed?: Html;
  /** In the place of the page's title. */
  readonly title?: string;
}
