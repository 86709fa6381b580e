import type { IncomingMessage } from 'node:http';
import { AccessError } from './credentials.ts';

/** `__Host-`: only over TLS, only for this host, for all of its paths (RFC 6265bis 4.1.3.2). */
export const SESSION_COOKIE = '__Host-imp-admin';

export function sessionIdOf({ headers }: IncomingMessage): string | undefined {
  for (const part of headers.cookie?.split(';') ?? []) {
    const [name, value] = part.trim().split('=');
    if (name === SESSION_COOKIE && value !== undefined && value !== '') return value;
  }
  return undefined;
}

export function sessionCookie(id: string): string {
  return `${SESSION_COOKIE}=${id}; Path=/; Secure; HttpOnly; SameSite=Strict`;
}

export const ENDED_COOKIE = `${SESSION_COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0`;

/**
 * Refuses what a page of another site makes a browser send. Browsers name the origin of every POST; one without it comes
 * from a program, which has no cookie that it was not given.
 * @throws AccessError `admin.cross-site`
 */
export function refuseCrossSite({ headers }: IncomingMessage): void {
  const site = headers['sec-fetch-site'];
  const isOtherSite = typeof site === 'string' && site !== 'same-origin' && site !== 'none';
  const origin = headers.origin;
  if (isOtherSite || (origin !== undefined && origin !== `https://${headers.host ?? ''}`)) {
    throw new AccessError('admin.cross-site', 'the request comes from a page of another site');
  }
}
