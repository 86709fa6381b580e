import { z } from 'zod';
import { HA_REASONS, type HaState, isHaState } from './states.ts';

const state = z
  .number()
  .int()
  .refine((value): value is HaState => isHaState(value), { error: 'is not a state' });
const name = z.string().min(1).max(128);

/** What a node says of itself with every heartbeat, and answers one with. */
export const beatSchema = z.strictObject({
  node: name,
  /** Its redundancy group. */
  group: z.number().int(),
  version: z.string().max(64),
  /** This life of its Server Recovery Manager, and of its host. */
  start: z.string().max(64),
  host: z.string().max(64),
  /** Grows with each change of state within a life: what is older than what was heard is late. */
  sequence: z.number().int(),
  state,
  reason: z.enum(HA_REASONS),
  health: z.enum(['up', 'pending', 'down']),
  /** Critical services that are down. */
  down: z.array(name).max(32),
  /** Home nodes whose users it serves, with the epoch. */
  ownership: z.array(z.strictObject({ home: z.number().int(), epoch: z.number().int() })).max(8),
  replicationState: z.number().int(),
  /** Parameters that both nodes should have alike, as one line. */
  parameters: z.string().max(512),
});
export type Beat = z.infer<typeof beatSchema>;

/** The sender goes silent on purpose. */
export const goodbyeSchema = z.strictObject({ node: name, start: z.string().max(64), isNodeGoingDown: z.boolean() });
export type Goodbye = z.infer<typeof goodbyeSchema>;

export const ACTIONS = ['failover', 'fallback', 'recover'] as const;
export type Action = (typeof ACTIONS)[number];

/** An administrator's request, given to the node that it is about. */
export const requestSchema = z.strictObject({ action: z.enum(ACTIONS), by: z.string().max(128) });
export type ActionRequest = z.infer<typeof requestSchema>;

/** What a Server Recovery Manager answers to others. */
export interface PeerHandlers {
  beat(beat: Beat): Promise<Beat>;
  goodbye(goodbye: Goodbye): void;
  /** @throws ImpError `conflict` when it is not legal now */
  request(request: ActionRequest): Promise<void>;
}

/** A node to talk to. */
export interface PeerAddress {
  readonly name: string;
  readonly address: string;
}

/** The way between Server Recovery Managers. Both sides have proved who they are. */
export interface PeerTransport {
  listen(handlers: PeerHandlers): Promise<AsyncDisposable>;
  /** @throws ImpError kind `unavailable` when it cannot be reached */
  beat(to: PeerAddress, beat: Beat): Promise<Beat>;
  goodbye(to: PeerAddress, goodbye: Goodbye): Promise<void>;
  request(to: PeerAddress, request: ActionRequest): Promise<void>;
}
