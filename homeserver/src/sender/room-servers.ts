import { LRUCache } from "lru-cache";
import type { EventRecord } from "../log/types.ts";
import { atMost } from "../platform/caches.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import { isUserId, serverOf } from "../protocol/identifiers.ts";
import type { RoomView, StateRoot, StoredEvent } from "../rooms/api/index.ts";

/** So many users of a server are looked at, those who came first, to see whether it was in a room. */
const MAX_USERS = 500;

const ROOMS_KEPT = 20_000;

/** Joins of a room as the log told them. */
interface Joins {
  /** Every join after this position is in `at`. */
  readonly from: number;
  /** Server → position of the last join of one of its users. */
  readonly at: Map<string, number>;
}

/** Which other servers an event goes to: those in the room, and that of the user whom it is about. */
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

  /** Servers in the room when the event was sent: who came later may not see what was said before. */
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

    /** Takes in what the log tells, ahead of the events that are sent. */
    follow(records: readonly EventRecord[]): void {
      for (const record of records) {
        for (const { server, membership } of record.memberships) {
          if (membership === "join" && server !== ours) joined(record, server);
        }
      }
    },

    /**
     * Where an event that this server sends goes. Another server's word about a user whose knock this one took is for
     * that user's server alone.
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

    /** Whether an event of the database, of a room that the server is in now, may go to it. */
    async mayHave(
      server: ServerName,
      { event, roomNid, roomState }: StoredEvent,
    ): Promise<boolean> {
      return subjectOf(event) === server || wasIn(server, roomNid, roomState);
    },
  };
}

/** The server of the user whom a member event is about; an invited one is told otherwise. */
function subjectOf({ type, stateKey, content }: EventRecord["event"]): ServerName | undefined {
  if (type !== "m.room.member" || content.membership === "invite") return undefined;
  return isUserId(stateKey) ? serverOf(stateKey) : undefined;
}
