import { LRUCache } from "lru-cache";
import type { EventRecord } from "../log/types.ts";
import { atMost } from "../platform/caches.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import { isUserId, serverOf } from "../protocol/identifiers.ts";
import type { RoomView, StateRoot, StoredEvent } from "../rooms/api/index.ts";

/**
 * Limit on users of a server (the earliest members) that are checked to see whether it was in a
 * room.
 */
const MAX_USERS = 500;

const ROOMS_KEPT = 20_000;

/** The recent joins of a room, from the log. */
interface Joins {
  /** Every join after this position is in `at`. */
  readonly from: number;
  /** Server → position of the last join of one of its users. */
  readonly at: Map<string, number>;
}

export type RoomServers = ReturnType<typeof createRoomServers>;

/**
 * Which other servers get an event: those in the room, and the server of the user whom it is about.
 */
export function createRoomServers(deps: {
  readonly view: RoomView;
  readonly ours: ServerName;
  readonly position: () => number;
}) {
  const { view, ours } = deps;
  const joins = new LRUCache<number, Joins>(atMost(ROOMS_KEPT));
  /** In rooms that are not in memory nobody joined after this position. */
  let floor = deps.position();

  async function serversIn(roomNid: number): Promise<ServerName[]> {
    return (await view.joinedServers(roomNid)).filter((name) => name !== ours);
  }

  /** True when one of the server's users was joined in the state at the root. */
  async function wasIn(server: ServerName, roomNid: number, root: StateRoot): Promise<boolean> {
    const users = (await view.joinedMembers(roomNid)).filter((user) => serverOf(user) === server);
    const keys = users.slice(0, MAX_USERS).map((user) => ["m.room.member", user] as const);
    const members = await view.stateEventsAt(root, keys);
    return members.some(({ event }) => event.content.membership === "join");
  }

  /** The servers in the room when the event was sent: servers that joined later may not see it. */
  async function serversAt({ roomNid, position, stateRoot }: EventRecord): Promise<ServerName[]> {
    const servers = await serversIn(roomNid);
    const { from, at } = joins.get(roomNid) ?? { from: floor, at: new Map() };
    const isDoubtful = (name: string): boolean => position < from || (at.get(name) ?? 0) > position;
    const late = new Set<ServerName>();
    for (const server of servers.filter(isDoubtful)) {
      if (!(await wasIn(server, roomNid, stateRoot))) late.add(server);
    }
    return late.size === 0 ? servers : servers.filter((server) => !late.has(server));
  }

  function joined({ roomNid, position }: EventRecord, server: string): void {
    let known = joins.get(roomNid);
    if (!known) {
      known = { from: floor, at: new Map() };
      if (joins.size >= ROOMS_KEPT) floor = position;
      joins.set(roomNid, known);
    }
    known.at.set(server, position);
  }

  return {
    serversIn,

    /** Applies records of the log, before their events are sent. */
    follow(records: readonly EventRecord[]): void {
      for (const record of records) {
        for (const { server, membership } of record.memberships) {
          if (membership === "join" && server !== ours) joined(record, server);
        }
      }
    },

    /**
     * The servers that get an event which this server sends. A remote event about a user whose
     * knock came through this server goes to that user's server only.
     */
    async forEvent(record: EventRecord): Promise<Set<ServerName>> {
      const { event, forwarded } = record;
      if (forwarded && event.sender !== event.stateKey) {
        const subject = subjectOf(event);
        return new Set(subject === undefined ? [] : [subject]);
      }
      const servers = new Set(await serversAt(record));
      const target = subjectOf(record.event);
      if (target !== undefined && target !== ours) servers.add(target);
      servers.delete(serverOf(record.event.sender));
      return servers;
    },

    /** Whether a server that is in the room now may get a stored event. */
    async mayHave(
      server: ServerName,
      { event, roomNid, roomState }: StoredEvent,
    ): Promise<boolean> {
      return subjectOf(event) === server || wasIn(server, roomNid, roomState);
    },
  };
}

/** The server of the user whom a member event is about; invites are delivered in another way. */
function subjectOf({ type, stateKey, content }: EventRecord["event"]): ServerName | undefined {
  if (type !== "m.room.member" || content.membership === "invite") return undefined;
  return isUserId(stateKey) ? serverOf(stateKey) : undefined;
}
