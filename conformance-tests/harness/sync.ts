import { show } from "./must.ts";
import type { ClientEvent, SyncBody } from "./shapes.ts";
import type { User } from "./users.ts";
import type { QueryValues } from "./client.ts";

export type SyncCheck = (body: SyncBody) => boolean;

export interface SyncUntil {
  /** Where to start; the beginning when absent. */
  readonly since?: string;
  readonly query?: QueryValues;
  readonly timeoutMs?: number;
}

/** One /sync that does not wait. */
export function syncOnce(user: User, query: QueryValues = {}): Promise<SyncBody> {
  return user.call("sync", { query: { timeout: 0, ...query } });
}

/** The position after everything that the user's session has been told. */
export async function syncToken(user: User): Promise<string> {
  return (await syncOnce(user)).next_batch;
}

/**
 * Goes on syncing until one answer passes the check, and answers with that one. `what` says in the failure
 * what was waited for.
 */
export async function syncUntil(
  user: User,
  what: string,
  check: SyncCheck,
  { since, query, timeoutMs = 60_000 }: SyncUntil = {},
): Promise<SyncBody> {
  const deadline = Date.now() + timeoutMs;
  const seen: SyncBody[] = [];
  let from = since;
  for (;;) {
    const left = deadline - Date.now();
    if (left <= 0)
      throw new Error(`${user.userId} never saw ${what}; it saw ${show(seen.slice(-4))}`);
    const timeout = Math.min(left, 3000);
    const body = await user.call("sync", { query: { ...query, since: from, timeout } });
    if (check(body)) return body;
    if (from === undefined || body.next_batch !== from) seen.push(body);
    from = body.next_batch;
  }
}

export function joinedRoom(body: SyncBody, roomId: string) {
  return body.rooms?.join?.[roomId];
}

export function timelineOf(body: SyncBody, roomId: string): ClientEvent[] {
  const room = body.rooms?.join?.[roomId] ?? body.rooms?.leave?.[roomId];
  return room?.timeline?.events ?? [];
}

export function stateOf(body: SyncBody, roomId: string): ClientEvent[] {
  const room = body.rooms?.join?.[roomId] ?? body.rooms?.leave?.[roomId];
  return room?.state?.events ?? [];
}

export function ephemeralOf(body: SyncBody, roomId: string): ClientEvent[] {
  return (body.rooms?.join?.[roomId]?.ephemeral?.events ?? []) as unknown as ClientEvent[];
}

export const hasEvent =
  (roomId: string, eventId: string): SyncCheck =>
  (body) =>
    timelineOf(body, roomId).some((event) => event.event_id === eventId);

export const hasTimelineEvent =
  (roomId: string, fits: (event: ClientEvent) => boolean): SyncCheck =>
  (body) =>
    timelineOf(body, roomId).some(fits);

export const isMember =
  (roomId: string, userId: string, membership: string): SyncCheck =>
  (body) =>
    [...timelineOf(body, roomId), ...stateOf(body, roomId)].some(
      (event) =>
        event.type === "m.room.member" &&
        event.state_key === userId &&
        event.content["membership"] === membership,
    );

export const isJoined =
  (roomId: string): SyncCheck =>
  (body) =>
    body.rooms?.join?.[roomId] !== undefined;
export const isInvited =
  (roomId: string): SyncCheck =>
  (body) =>
    body.rooms?.invite?.[roomId] !== undefined;
export const hasLeft =
  (roomId: string): SyncCheck =>
  (body) =>
    body.rooms?.leave?.[roomId] !== undefined;

/** Waits until the user's session is told of that event. */
export function untilEvent(user: User, roomId: string, eventId: string, options?: SyncUntil) {
  return syncUntil(user, `event ${eventId} in ${roomId}`, hasEvent(roomId, eventId), options);
}

export const types = (events: readonly ClientEvent[]) => events.map((event) => event.type);

/** Whose member events there are. */
export const memberKeys = (events: readonly ClientEvent[]) =>
  events.filter((event) => event.type === "m.room.member").map((event) => String(event.state_key));

/** A filter of rooms, as /sync takes it. */
export const filterOf = (room: object) => ({ filter: JSON.stringify({ room }) });

/** The global account data of that type which an answer tells. */
export const accountData = (body: SyncBody, type: string) =>
  ((body.account_data?.events ?? []) as unknown as ClientEvent[]).find(
    (event) => event.type === type,
  );

/** The account data of a room. */
export const roomAccountData = (body: SyncBody, roomId: string, type: string) =>
  ((joinedRoom(body, roomId)?.account_data?.events ?? []) as unknown as ClientEvent[]).find(
    (event) => event.type === type,
  );
