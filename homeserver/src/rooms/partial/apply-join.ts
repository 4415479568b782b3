/**
 * The room that another server's answer to a join makes: the join is its only extremity, on the state that was told.
 * Where members were left out, or are many, the room is partial at first: it is used at once, and completed later.
 */
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import type { PartialRoomChange } from "../../log/types.ts";
import { partialRoomsByNids } from "../../storage/rooms/partial-rooms.ts";
import { authNidsOf, newEvent } from "../records/new-event.ts";
import { errors } from "../../protocol/errors.ts";
import type { Identity } from "../commands/drafting.ts";
import type { Head } from "../commands/head.ts";
import type { Step } from "../commands/mailbox.ts";
import type { Mailboxes } from "../commands/mailboxes.ts";
import type { ToldEntries } from "../fetching/state-importer.ts";
import type { Change } from "../state/tree/index.ts";
import type { Room, StateRoot, StoredEvent } from "../api/index.ts";
import { inWork } from "../commands/room-command.ts";
import type { Work } from "../commands/room-command.ts";

/** What the answer to a join told. */
interface ToldJoin {
  readonly entries: ToldEntries;
  readonly membersOmitted: boolean;
  /** Servers in the room; first the one that let us in. */
  readonly servers: readonly ServerName[];
}

/**
 * Answers what the room is now. "theirs": its head is another than the version `since`: another user of this server has
 * entered meanwhile, and the join is one event more.
 */
export type EnterRoom = (
  room: Room,
  join: RoomEvent,
  told: ToldJoin,
  since: number,
) => Promise<"whole" | "partial" | "theirs">;

/** More members than this are not made rows of in the commit of the join, which others wait for. */
const MOST_AT_ONCE = 1_000;

interface Roots {
  readonly before: StateRoot;
  readonly after: StateRoot;
  /** The current state: less than `after` where much is to be filled in. */
  readonly current: StateRoot;
}

export function createEnterRoom(mailboxes: Mailboxes, identity: Identity): EnterRoom {
  /** The told state without the bulk of its members, on top of what is known from a former stay. */
  async function core(
    work: Work,
    head: Head,
    join: RoomEvent,
    told: StateRoot,
    { members }: ToldEntries,
  ): Promise<StateRoot> {
    const { store } = work;
    const auth = await store.events.byIds([...join.authEventIds]);
    const needed = new Set([...auth.values()].map(({ nid }) => nid));
    const changes: Change[] = [];
    for (const [tuple, [, now]] of await store.tree.diff(head.stateRoot, told)) {
      const isBulk = members.has(tuple) && now !== undefined && !needed.has(now);
      if (!isBulk) changes.push([tuple, now ?? null]);
    }
    return work.setTuples(head.stateRoot, changes);
  }

  async function rootsOf(
    work: Work,
    head: Head,
    join: RoomEvent,
    nid: number,
    { entries }: ToldJoin,
  ): Promise<Roots> {
    const own = [["m.room.member", join.stateKey as string, nid]] as const;
    const before = await work.setTuples(null, [...entries.others, ...entries.members]);
    work.restOnState([...entries.others.values(), ...entries.members.values()]);
    const after = await work.setState(before, own);
    if (entries.members.size <= MOST_AT_ONCE) return { before, after, current: after };
    const bare = await core(work, head, join, before, entries);
    return { before, after, current: await work.setState(bare, own) };
  }

  async function placeJoin(
    work: Work,
    join: RoomEvent,
    nid: number,
    { before, after, current }: Roots,
    isKnown: boolean,
  ): Promise<StoredEvent> {
    const found = await work.store.events.byIds([...join.authEventIds]);
    const auth = [...found.values()];
    if (found.size < join.authEventIds.length) {
      throw errors.unknown("The other server's answer lacks auth events of the join", 502);
    }
    work.restOn(auth);
    const states = { stateBefore: before, stateAfter: after, roomState: current };
    const stored = newEvent(work.room.nid, nid, join, states);
    work.add({
      stored,
      authNids: authNidsOf(auth),
      timeline: "live",
      stateChanged: true,
      known: isKnown,
      handedOver: true,
    });
    await work.moveHead([stored], current);
    return stored;
  }

  async function enter(
    work: Work,
    head: Head,
    join: RoomEvent,
    told: ToldJoin,
  ): Promise<Step<"whole" | "partial">> {
    const { store, room } = work;
    const known = await store.events.byId(join.eventId);
    const [freshNid] = known === undefined ? await store.registry.eventNids(1) : [known.nid];
    const nid = freshNid as number;
    if (known !== undefined) work.restOn([known]);
    const roots = await rootsOf(work, head, join, nid, told);
    const prev = await store.events.byIdsNow([...join.prevEventIds]);
    const stored = await placeJoin(work, join, nid, roots, known !== undefined);
    const missing = join.prevEventIds.filter((id) => prev.get(id)?.stateAfter == null);
    const before = await partialRoomsByNids(store.sql, [room.nid]);
    const isFetched = !told.membersOmitted;
    const isPartial = told.membersOmitted || roots.current !== roots.after;
    const partialRoom: PartialRoomChange = {
      ...{ roomNid: room.nid, roomId: room.roomId, joinNid: nid },
      ...{ servers: told.servers, isFetched, isComplete: !isPartial, isNew: true },
    };
    const step = work.step<"whole" | "partial">(isPartial ? "partial" : "whole", {
      append: {
        ...(isPartial || before.length > 0 ? { partialRoom } : {}),
        missing: {
          add: missing.map((id) => ({ roomNid: room.nid, eventId: id, childNid: stored.nid })),
        },
        strippedRooms: [
          { roomNid: room.nid, userId: join.stateKey as string, strippedState: null },
        ],
      },
    });
    return step.next === undefined ? step : { ...step, next: { ...step.next, isPartial } };
  }

  return (room, join, told, since) =>
    mailboxes.run(room, async (head) => {
      const known = await head.store.events.byId(join.eventId);
      if (known !== undefined && known.stateAfter !== null) return { value: "whole" };
      if (head.version !== since) return { value: "theirs" };
      return inWork(identity, head, (work) => enter(work, head, join, told));
    });
}
