/** A user's digest credentials for SIP: H(A1) of RFC 7616, never the password. The change log holds the key only. */
export interface SipCredentialRow {
  /** User id in lower case. */
  userid: string;
  /** The name that the digests were made with: the user id as it is written. */
  username: string;
  /** The proxy domain that they were made for; with another one the password must be set anew. */
  realm: string;
  /** Both in lower-case hex. */
  ha1md5: string;
  ha1sha256: string;
}
