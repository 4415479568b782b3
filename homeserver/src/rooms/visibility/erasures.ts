/**
 * Erased local users: users who join a room after the erasure get redacted copies of their events.
 * (Client-server API, POST /account/deactivate, `erase`.)
 */
import { LRUCache } from "lru-cache";
import type { RecordOf } from "../../log/types.ts";
import { atMost } from "../../platform/caches.ts";
import { redactEvent } from "../../protocol/events/event.ts";
import { serverOf } from "../../protocol/identifiers.ts";
import type { ServerName, UserId } from "../../protocol/identifiers.ts";
import { stateTuple } from "../../protocol/state-map.ts";
import { shareRows } from "../../storage/shared-query.ts";
import { erasedAmong } from "../../storage/users/erased-users.ts";
import { membersOfServer } from "../../storage/rooms/members.ts";
import type { LookAtRoot } from "./at-root.ts";
import type { LastMemberships } from "./last-membership.ts";
import type { RootAt } from "./root-at.ts";
import type { RoomStore } from "../state/store.ts";
import type { StateRoot, StoredEvent } from "../api/index.ts";

/** The parts of an event that decide about erasure: sender, position, and the state before it. */
export interface Sent {
  readonly nid: number;
  readonly sender: string;
  readonly roomNid: number;
  readonly position: number | null;
  readonly stateBefore: StateRoot;
}

export interface Erasures {
  /** nids of the events that this user may only get redacted. */
  withheld(userId: UserId, events: readonly Sent[]): Promise<ReadonlySet<number>>;
  /** The events as this user may have them: some are replaced by redacted copies. */
  copies(userId: UserId, events: readonly StoredEvent[]): Promise<readonly StoredEvent[]>;
  /**
   * The same for state. Other state set by erased users stays, or the room would break: only their
   * member events are redacted.
   */
  state(userId: UserId, events: readonly StoredEvent[]): Promise<readonly StoredEvent[]>;
  /** nids of the events that this server may only get redacted. */
  withheldFromServer(
    server: ServerName,
    events: readonly StoredEvent[],
  ): Promise<ReadonlySet<number>>;
  follow(records: readonly RecordOf<"erasure">[]): void;
}

const USERS_KEPT = 100_000;
const ROOTS_KEPT = 10_000;
const NONE: ReadonlySet<number> = new Set();

export function createErasures(deps: {
  readonly store: RoomStore;
  readonly lastMemberships: LastMemberships;
  readonly atRoot: LookAtRoot;
  readonly rootAt: RootAt;
  readonly serverName: ServerName;
}): Erasures {
  const { store, lastMemberships, atRoot } = deps;
  /** Local users: the log position of the erasure, or null when not erased. */
  const users = new LRUCache<string, { readonly at: number | null }>(atMost(USERS_KEPT));
  /** Fixed once the user is erased: the room's state at that moment. */
  const roots = new LRUCache<string, { readonly root: StateRoot }>(atMost(ROOTS_KEPT));
  /** Rises with each erasure: results read before one are not cached. */
  let changes = 0;
  const erasedRows = shareRows(
    (userIds: readonly string[]) => erasedAmong(store.sql, userIds),
    (userId) => userId,
    (row) => row.userId,
  );

  async function erased(senders: Iterable<string>): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    const unknown: string[] = [];
    for (const sender of new Set(senders)) {
      if (serverOf(sender as UserId) !== deps.serverName) continue;
      const known = users.get(sender);
      if (known === undefined) unknown.push(sender);
      else if (known.at !== null) found.set(sender, known.at);
    }
    if (unknown.length === 0) return found;
    const asked = changes;
    for (const { userId, position } of await erasedRows(unknown)) found.set(userId, position);
    if (asked === changes) {
      for (const userId of unknown) users.set(userId, { at: found.get(userId) ?? null });
    }
    return found;
  }

  async function rootAt(roomNid: number, position: number): Promise<StateRoot> {
    const key = `${roomNid} ${position}`;
    const known = roots.get(key);
    if (known !== undefined) return known.root;
    const root = await deps.rootAt({ roomNid, position });
    roots.set(key, { root });
    return root;
  }

  /**
   * Users who were in the room when the event was sent, when its sender was erased, or in between,
   * have seen it already.
   */
  async function hadSeen(userId: UserId, event: Sent, erasedAt: number): Promise<boolean> {
    const before = await atRoot(event.stateBefore, userId);
    if (before.membership === "join") return true;
    if (before.membership === "invite" && before.visibility === "invited") return true;
    const then = await atRoot(await rootAt(event.roomNid, erasedAt), userId);
    if (then.membership === "join") return true;
    if (then.memberNid === undefined || event.position === null) return false;
    const row = {
      ...{ roomNid: event.roomNid, userId, eventNid: then.memberNid },
      forgotten: false,
    };
    const end = await lastMemberships.endOf({ ...row, membership: "leave", position: erasedAt });
    return (end?.position ?? -1) >= event.position;
  }

  async function withheld(userId: UserId, events: readonly Sent[]): Promise<ReadonlySet<number>> {
    const others = events.filter(({ sender }) => sender !== userId);
    const erasedAt = await erased(others.map(({ sender }) => sender));
    if (erasedAt.size === 0) return NONE;
    const found = new Set<number>();
    for (const event of others) {
      const at = erasedAt.get(event.sender);
      if (at !== undefined && !(await hadSeen(userId, event, at))) found.add(event.nid);
    }
    return found;
  }

  async function copies(userId: UserId, events: readonly StoredEvent[]) {
    const hidden = await withheld(userId, events.map(sentOf));
    return hidden.size === 0
      ? events
      : events.map((one) => (hidden.has(one.nid) ? copy(one) : one));
  }

  /** Whether a user of the server is joined in that state. */
  async function isIn(root: StateRoot, members: readonly string[]): Promise<boolean> {
    const keys = members.map((userId) => ["m.room.member", userId] as const);
    const state = await store.state.events(root, keys);
    return members.some(
      (userId) =>
        state.get(stateTuple("m.room.member", userId))?.event.content.membership === "join",
    );
  }

  return {
    withheld,
    copies,
    async state(userId, events) {
      const members = events.filter(({ event }) => event.type === "m.room.member");
      const hidden = await withheld(userId, members.map(sentOf));
      if (hidden.size === 0) return events;
      return events.map((one) => (hidden.has(one.nid) ? copy(one) : one));
    },
    async withheldFromServer(server, events) {
      const erasedAt = await erased(events.map(({ event }) => event.sender));
      if (erasedAt.size === 0) return NONE;
      const members = new Map<number, Promise<string[]>>();
      const found = new Set<number>();
      for (const { nid, roomNid, event, stateBefore } of events) {
        const at = erasedAt.get(event.sender);
        if (at === undefined) continue;
        let ofRoom = members.get(roomNid);
        if (ofRoom === undefined) {
          ofRoom = membersOfServer(store.sql, roomNid, server).then((rows) =>
            rows.map((row) => row.userId),
          );
          members.set(roomNid, ofRoom);
        }
        const theirs = await ofRoom;
        if (await isIn(stateBefore, theirs)) continue;
        if (!(await isIn(await rootAt(roomNid, at), theirs))) found.add(nid);
      }
      return found;
    },
    follow(records) {
      for (const { userId, position } of records) {
        changes += 1;
        users.set(userId, { at: position });
      }
    },
  };
}

function sentOf({ nid, event, roomNid, position, stateBefore }: StoredEvent): Sent {
  return { nid, sender: event.sender, roomNid, position, stateBefore };
}

function copy(stored: StoredEvent): StoredEvent {
  return { ...stored, event: redactEvent(stored.event) };
}
