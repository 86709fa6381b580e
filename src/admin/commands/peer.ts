import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { isoTime } from '../../platform/clock.ts';
import { type AnyCommand, command } from '../command.ts';
import type { PeerView } from '../context.ts';
import { table } from '../table.ts';

/** Peer clusters (docs/services/intercluster-sync-agent.md). */

const peerShape = z.strictObject({
  id: z.number(),
  url: z.string(),
  user: z.string().describe('Application user there'),
  name: z.string().describe("Node name of its publisher; '' until it was reached once"),
  version: z.string(),
  clusterId: z.string(),
  state: z.string().describe('Configured, Connecting, Syncing, Synced, Failed or Paused'),
  reason: z.string().nullable().describe('Of a failure'),
  detail: z.string().describe('One sentence'),
  users: z.number().describe('Users that it has'),
  hidden: z.number().describe('Of those, users who are not used, as somebody else has their user id'),
  nodes: z.number(),
  nodesDown: z.array(z.string()).describe('Names of nodes that do not answer'),
  lastGood: z.string().nullable().describe('ISO 8601'),
  nextTry: z.string().nullable().describe('ISO 8601'),
  isStale: z.boolean().describe('It is gone for so long that its users may not be true any more'),
  sipTransport: z.string().describe("'' as the SIP Proxy's parameter says"),
});
export type PeerRow = z.infer<typeof peerShape>;

const isoOrNull = (ms: number | null): string | null => (ms === null ? null : isoTime(ms));

function rowOf({ lastGoodAt, nextTryAt, sentence, ...peer }: PeerView): PeerRow {
  return {
    ...peer,
    nodesDown: [...peer.nodesDown],
    detail: sentence,
    lastGood: isoOrNull(lastGoodAt),
    nextTry: isoOrNull(nextTryAt),
  };
}

function render(peers: readonly PeerRow[]): string {
  if (peers.length === 0) return 'no peers: add one with imp peer add URL --user NAME';
  return table(
    ['PEER', 'NAME', 'URL', 'STATE', 'USERS', 'DETAIL'],
    peers.map((peer) => [
      String(peer.id),
      peer.name || '-',
      peer.url,
      peer.isStale ? `${peer.state}, stale` : peer.state,
      peer.hidden === 0 ? String(peer.users) : `${peer.users} (${peer.hidden} not used)`,
      peer.nodesDown.length === 0 ? peer.detail : `${peer.detail}; ${peer.nodesDown.join(', ')} down`,
    ]),
  );
}

const peerName = z.string().min(1).describe("Its number, URL, or its publisher's name");

/** `/intercluster/soap` stands by itself where only the host is given. */
const peerUrl = z
  .url({ protocol: /^https$/, error: 'must be an https URL' })
  .transform((given) => {
    const url = new URL(given);
    if (url.pathname === '/') url.pathname = '/intercluster/soap';
    return url.href;
  })
  .describe("The peer's intercluster URL");

const pem = z.string().refine(isCertificates, { error: 'holds no certificate (PEM)' });

function isCertificates(given: string): boolean {
  const blocks = given.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.length > 0 && blocks.every((block) => new X509Certificate(block).raw.length > 0);
  } catch {
    // What the parser does not take is no certificate.
    return false;
  }
}

export const peerCommands: readonly AnyCommand[] = [
  command({
    words: ['peer', 'list'],
    summary: 'Lists the peer clusters, and where the sync with each stands.',
    access: 'read',
    arguments: z.strictObject({}),
    positional: [],
    result: z.array(peerShape),
    run: async (context) => (await context.peers.list()).map(rowOf),
    render,
  }),
  command({
    words: ['peer', 'add'],
    summary: 'Adds a peer cluster, or new credentials for it; the password is read from standard input.',
    access: 'operate',
    arguments: z.strictObject({
      url: peerUrl,
      user: z
        .string()
        .min(1)
        .regex(/^[^:]*$/, { error: 'holds a colon' })
        .describe('An application user there'),
      password: z.string().min(1, { error: 'is empty: give it on standard input' }).max(256).describe('Its password'),
      ca: pem.optional().describe("PEM file of the authority that verifies it (the peer's DATA/certs/ca.pem)"),
      sipTransport: z
        .enum(['TCP', 'UDP', 'TLS'])
        .optional()
        .describe('How SIP goes there; left out, as the parameter interclusterTransport of the SIP Proxy says'),
    }),
    positional: ['url'],
    secret: 'password',
    files: ['ca'],
    result: peerShape,
    run: async (context, { ca, sipTransport, ...peer }) =>
      rowOf(await context.peers.add({ ...peer, ca: ca ?? '', sipTransport: sipTransport ?? '' })),
    render: (peer) => render([peer]),
  }),
  command({
    words: ['peer', 'remove'],
    summary: 'Removes a peer cluster, and its users here.',
    access: 'operate',
    arguments: z.strictObject({ peer: peerName }),
    positional: ['peer'],
    result: peerShape,
    run: async (context, { peer }) => rowOf(await context.peers.remove(peer)),
    render: ({ url, users }) => `removed ${url} and its ${users} ${users === 1 ? 'user' : 'users'} here`,
  }),
  command({
    words: ['peer', 'sync'],
    summary: 'Syncs with a peer cluster now, or with all of them, and ends when it is done.',
    access: 'operate',
    arguments: z.strictObject({
      peer: peerName.optional(),
      full: z.boolean().default(false).describe('Compare all users, not only what changed'),
      acceptDeletions: z
        .boolean()
        .default(false)
        .describe('Remove users even if the peer returns less than half of those known'),
    }),
    positional: ['peer'],
    result: z.array(peerShape),
    run: async (context, { peer, full, acceptDeletions }) =>
      (await context.peers.sync(peer ?? null, { isFull: full || acceptDeletions, acceptDeletions })).map(rowOf),
    render,
  }),
];
