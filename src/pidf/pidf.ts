/** PIDF (RFC 3863) with RPID-like extensions, as the product's clients and phones write them. Plain data. */

export const PIDF_NAMESPACE = {
  pidf: 'urn:ietf:params:xml:ns:pidf',
  /** `person` and its activities. */
  person: 'urn:cisco:params:xml:ns:pidf:rpid',
  displayName: 'urn:ietf:params:xml:ns:pidf:cipid',
  abilities: 'urn:ietf:params:xml:ns:pidf:servcaps',
  source: 'urn:cisco:params:xml:ns:pidf:source',
} as const;

/** A user's presence: the composed state in `person`, and a tuple for each device or client. */
export interface Pidf {
  /** `sip:user@domain`, as written; '' when missing. */
  readonly entity: string;
  readonly person: PidfPerson | null;
  readonly tuples: readonly PidfTuple[];
}

export interface PidfPerson {
  readonly id: string;
  /** Local names in lower case: `available`, `busy`, `meeting`, `on-the-phone` …; the first known one decides. */
  readonly activities: readonly string[];
  /** State of the phones and of instant messaging alone, as text; '' when not told. */
  readonly phoneStatus: string;
  readonly imStatus: string;
  /** `active`, `idle` or ''. */
  readonly userInput: string;
  /** `manual` when the user chose the state; '' when not told. */
  readonly class: string;
  /** Custom text; '' when there is none. */
  readonly note: string;
  readonly displayName: string;
}

export interface PidfTuple {
  /** Names the device or client: `cisco-pws`, `cisco-upc` …; '' when missing. */
  readonly id: string;
  readonly basic: 'open' | 'closed';
  readonly contact: { readonly uri: string; readonly priority: string } | null;
  /** `servcaps`: abilities in their order, a name may be repeated (`type`). */
  readonly abilities: readonly { readonly name: string; readonly value: string }[];
  readonly userInput: string;
  /** Who published it; '' when not told. */
  readonly source: string;
  readonly note: string;
}

export const NOBODY: PidfPerson = {
  id: '',
  activities: [],
  phoneStatus: '',
  imStatus: '',
  userInput: '',
  class: '',
  note: '',
  displayName: '',
};
