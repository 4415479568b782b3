import { LRUCache } from "lru-cache";
import { atMost } from "../platform/caches.ts";
import type { UserId } from "../protocol/identifiers.ts";
import { PowerLevels } from "../protocol/power-levels.ts";
import type { PushContext } from "../protocol/push-rules.ts";
import type { Room, RoomView, StateRoot } from "../rooms/types.ts";

/** What push rules look at in a room in one state; it holds for every user and every event in that state. */
interface RoomFacts {
  readonly root: StateRoot;
  readonly levels: PowerLevels;
  readonly memberCount: number;
  /** Display names by user, as they were asked for. */
  readonly names: Map<UserId, string | undefined>;
}

const CREATE = ["m.room.create", ""] as const;
const LEVELS = ["m.room.power_levels", ""] as const;
const NAMES_KEPT = 5000;

/** Remembers per room what push rules need, for as long as the room's state stays the same. */
export function createPushContexts(view: RoomView) {
  const facts = new LRUCache<number, Promise<RoomFacts>>(atMost(5000));

  async function load(room: Room, userId: UserId, root: StateRoot): Promise<RoomFacts> {
    const [state, summary] = await Promise.all([
      view.stateEventsAt(root, [CREATE, LEVELS]),
      view.summary(room.nid, userId),
    ]);
    const of = (type: string) => state.find((stored) => stored.event.type === type)?.event;
    const levels = PowerLevels.of(of("m.room.power_levels"), of("m.room.create"), room.version);
    return { root, levels, memberCount: summary.joined, names: new Map() };
  }

  async function factsOf(room: Room, userId: UserId, root: StateRoot): Promise<RoomFacts> {
    const present = await facts.get(room.nid)?.catch(() => undefined);
    if (present && present.root === root) return present;
    const loading = load(room, userId, root);
    facts.set(room.nid, loading);
    return loading;
  }

  async function nameOf(known: RoomFacts, userId: UserId): Promise<string | undefined> {
    if (known.names.has(userId)) return known.names.get(userId);
    const [member] = await view.stateEventsAt(known.root, [["m.room.member", userId]]);
    const name = member?.event.content.displayname;
    if (known.names.size >= NAMES_KEPT) known.names.clear();
    known.names.set(userId, typeof name === "string" ? name : undefined);
    return known.names.get(userId);
  }

  /** The context of a user's rules for events of a given sender, in the state at `root`. */
  return async function contextOf(
    room: Room,
    userId: UserId,
    root: StateRoot,
  ): Promise<(sender: string) => PushContext> {
    const known = await factsOf(room, userId, root);
    const shared = {
      displayName: await nameOf(known, userId),
      memberCount: known.memberCount,
      notificationLevels: { room: known.levels.notification("room") },
    };
    return (sender) => ({ ...shared, senderPowerLevel: known.levels.userLevel(sender) });
  };
}

export type PushContexts = ReturnType<typeof createPushContexts>;
