import { LRUCache } from "lru-cache";
import { atMost } from "../platform/caches.ts";
import { createSingleFlight } from "../platform/single-flight.ts";
import type { UserId } from "../protocol/identifiers.ts";
import { PowerLevels } from "../protocol/events/power-levels.ts";
import type { PushContext } from "../protocol/push/push-rules.ts";
import type { Room, RoomView, StateRoot } from "../rooms/api/index.ts";

/** What push rules read of a room in one state: the same for every user and event in that state. */
interface RoomFacts {
  readonly root: StateRoot;
  readonly levels: PowerLevels;
  readonly memberCount: number;
  /** Display names by user, as far as they were read. */
  readonly names: Map<UserId, string | undefined>;
}

/** The context for events of one sender. */
export type ContextOf = (sender: string) => PushContext;

const CREATE = ["m.room.create", ""] as const;
const LEVELS = ["m.room.power_levels", ""] as const;
const NAMES_KEPT = 5000;

/** Caches what push rules need of a room for as long as its state stays the same. */
export function createPushContexts(view: RoomView) {
  const loading = createSingleFlight<string, RoomFacts>();
  const facts = new LRUCache<number, RoomFacts>(atMost(5000));
  let redactions = 0;

  async function load(room: Room, userId: UserId, root: StateRoot): Promise<RoomFacts> {
    const asked = redactions;
    const [state, summary] = await Promise.all([
      view.stateEventsAt(root, [CREATE, LEVELS]),
      view.summary(room.nid, userId),
    ]);
    const of = (type: string) => state.find((stored) => stored.event.type === type)?.event;
    const levels = PowerLevels.of(of("m.room.power_levels"), of("m.room.create"), room.version);
    const loaded = { root, levels, memberCount: summary.joined, names: new Map() };
    // Read before a redaction: used once and not cached.
    if (asked === redactions) facts.set(room.nid, loaded);
    return loaded;
  }

  function factsOf(room: Room, userId: UserId, root: StateRoot): Promise<RoomFacts> | RoomFacts {
    const present = facts.get(room.nid);
    if (present?.root === root) return present;
    return loading.run(`${room.nid} ${root}`, () => load(room, userId, root));
  }

  /** The names of these users; those that were not known are read at once. */
  async function namesOf(known: RoomFacts, userIds: readonly UserId[]) {
    const names = new Map<UserId, string | undefined>();
    const missing: UserId[] = [];
    for (const userId of userIds) {
      if (known.names.has(userId)) names.set(userId, known.names.get(userId));
      else missing.push(userId);
    }
    if (missing.length === 0) return names;
    const keys = missing.map((userId) => ["m.room.member", userId] as const);
    const members = await view.stateEventsAt(known.root, keys);
    for (const userId of missing) names.set(userId, undefined);
    for (const { event } of members) {
      const name = event.content.displayname;
      if (typeof name === "string") names.set(event.stateKey as UserId, name);
    }
    if (known.names.size + missing.length > NAMES_KEPT) known.names.clear();
    for (const userId of missing.slice(0, NAMES_KEPT)) known.names.set(userId, names.get(userId));
    return names;
  }

  function contextIn(known: RoomFacts, displayName: string | undefined): ContextOf {
    const shared = {
      displayName,
      memberCount: known.memberCount,
      notificationLevels: { room: known.levels.notification("room") },
    };
    return (sender) => ({ ...shared, senderPowerLevel: known.levels.userLevel(sender) });
  }

  return {
    /** The context of a user's rules for events of a given sender, in the state at `root`. */
    async of(room: Room, userId: UserId, root: StateRoot): Promise<ContextOf> {
      const known = await factsOf(room, userId, root);
      return contextIn(known, (await namesOf(known, [userId])).get(userId));
    },

    /** The same for several users, at least one, with one query at most. */
    async ofUsers(
      room: Room,
      userIds: readonly UserId[],
      root: StateRoot,
    ): Promise<Map<UserId, ContextOf>> {
      const known = await factsOf(room, userIds[0]!, root);
      const names = await namesOf(known, userIds);
      return new Map(userIds.map((userId) => [userId, contextIn(known, names.get(userId))]));
    },

    /** Something in the room was redacted: its state has the same events, but with less content. */
    redacted(roomNid: number): void {
      redactions += 1;
      facts.delete(roomNid);
    },

    /** The same from memory only; undefined when it is not cached. */
    peek(roomNid: number, userId: UserId, root: StateRoot): ContextOf | undefined {
      const known = facts.get(roomNid);
      if (known?.root !== root || !known.names.has(userId)) return undefined;
      return contextIn(known, known.names.get(userId));
    },
  };
}

export type PushContexts = ReturnType<typeof createPushContexts>;
