/**
 * Builds a room from another server's answer to a join: the join becomes its only extremity, on the
 * state in the answer. If members were omitted, or are many, the room starts partial: it is usable
 * at once and completed later.
 */
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import type { PartialRoomChange } from "../../log/types.ts";
import { partialRoomsByNids } from "../../storage/rooms/partial-rooms.ts";
import { authNidsOf, newEvent } from "../records/new-event.ts";
import { errors } from "../../protocol/errors.ts";
import type { Identity } from "../commands/drafting.ts";
import type { Head } from "../commands/head.ts";
import type { CommandResult } from "../commands/mailbox.ts";
import type { Mailboxes } from "../commands/mailboxes.ts";
import type { RemoteStateEntries } from "../fetching/state-importer.ts";
import type { Change } from "../state/tree/index.ts";
import type { Room, StateRoot, StoredEvent } from "../api/index.ts";
import { runCommand } from "../commands/room-command.ts";
import type { RoomCommand } from "../commands/room-command.ts";

/** The other server's answer to a join. */
interface RemoteJoinAnswer {
  readonly entries: RemoteStateEntries;
  readonly membersOmitted: boolean;
  /** Servers in the room, beginning with the one that accepted the join. */
  readonly servers: readonly ServerName[];
}

/**
 * Returns what the room is now. "theirs": the head has moved since version `since`, because another
 * local user joined meanwhile: this join is then added like any other event.
 */
export type ApplyJoin = (
  room: Room,
  join: RoomEvent,
  answer: RemoteJoinAnswer,
  since: number,
) => Promise<"whole" | "partial" | "theirs">;

/**
 * With more members than this, their rows are not written in the commit of the join, which other
 * commands wait for.
 */
const MAX_MEMBERS_WITH_JOIN = 1_000;

interface Roots {
  readonly before: StateRoot;
  readonly after: StateRoot;
  /** The current state; smaller than `after` when members are filled in later. */
  readonly current: StateRoot;
}

export function createApplyJoin(mailboxes: Mailboxes, identity: Identity): ApplyJoin {
  /**
   * The state of the answer without most of its members, on top of what is known from an earlier
   * membership.
   */
  async function stateWithoutBulk(
    command: RoomCommand,
    head: Head,
    join: RoomEvent,
    remoteRoot: StateRoot,
    { members }: RemoteStateEntries,
  ): Promise<StateRoot> {
    const { store } = command;
    const auth = await store.events.byIds([...join.authEventIds]);
    const needed = new Set([...auth.values()].map(({ nid }) => nid));
    const changes: Change[] = [];
    for (const [tuple, [, now]] of await store.tree.diff(head.stateRoot, remoteRoot)) {
      const isBulk = members.has(tuple) && now !== undefined && !needed.has(now);
      if (!isBulk) changes.push([tuple, now ?? null]);
    }
    return command.setTuples(head.stateRoot, changes);
  }

  async function rootsOf(
    command: RoomCommand,
    head: Head,
    join: RoomEvent,
    nid: number,
    { entries }: RemoteJoinAnswer,
  ): Promise<Roots> {
    const own = [["m.room.member", join.stateKey as string, nid]] as const;
    const before = await command.setTuples(null, [...entries.others, ...entries.members]);
    command.dependOnState([...entries.others.values(), ...entries.members.values()]);
    const after = await command.setState(before, own);
    if (entries.members.size <= MAX_MEMBERS_WITH_JOIN) return { before, after, current: after };
    const withoutBulk = await stateWithoutBulk(command, head, join, before, entries);
    return { before, after, current: await command.setState(withoutBulk, own) };
  }

  async function addJoin(
    command: RoomCommand,
    join: RoomEvent,
    nid: number,
    { before, after, current }: Roots,
    isKnown: boolean,
  ): Promise<StoredEvent> {
    const found = await command.store.events.byIds([...join.authEventIds]);
    const auth = [...found.values()];
    if (found.size < join.authEventIds.length) {
      throw errors.unknown("The other server's answer lacks auth events of the join", 502);
    }
    command.dependOn(auth);
    const states = { stateBefore: before, stateAfter: after, roomState: current };
    const stored = newEvent(command.room.nid, nid, join, states);
    command.add({
      stored,
      authNids: authNidsOf(auth),
      timeline: "live",
      stateChanged: true,
      wasOutlier: isKnown,
      handedOver: true,
    });
    await command.moveHead([stored], current);
    return stored;
  }

  async function applyToHead(
    command: RoomCommand,
    head: Head,
    join: RoomEvent,
    answer: RemoteJoinAnswer,
  ): Promise<CommandResult<"whole" | "partial">> {
    const { store, room } = command;
    const known = await store.events.byId(join.eventId);
    const [freshNid] = known === undefined ? await store.registry.eventNids(1) : [known.nid];
    const nid = freshNid as number;
    if (known !== undefined) command.dependOn([known]);
    const roots = await rootsOf(command, head, join, nid, answer);
    const prev = await store.events.byIdsNow([...join.prevEventIds]);
    const stored = await addJoin(command, join, nid, roots, known !== undefined);
    const missing = join.prevEventIds.filter((id) => prev.get(id)?.stateAfter == null);
    const before = await partialRoomsByNids(store.sql, [room.nid]);
    const isFetched = !answer.membersOmitted;
    const isPartial = answer.membersOmitted || roots.current !== roots.after;
    const partialRoom: PartialRoomChange = {
      ...{ roomNid: room.nid, roomId: room.roomId, joinNid: nid },
      ...{ servers: answer.servers, isFetched, isComplete: !isPartial, isNew: true },
    };
    const result = command.finish<"whole" | "partial">(isPartial ? "partial" : "whole", {
      append: {
        ...(isPartial || before.length > 0
          ? { records: [{ kind: "partial_state", ...partialRoom }] }
          : {}),
        missing: {
          add: missing.map((id) => ({ roomNid: room.nid, eventId: id, childNid: stored.nid })),
        },
        strippedRooms: [
          { roomNid: room.nid, userId: join.stateKey as string, strippedState: null },
        ],
      },
    });
    return result.next === undefined ? result : { ...result, next: { ...result.next, isPartial } };
  }

  return (room, join, answer, since) =>
    mailboxes.run(room, async (head) => {
      const known = await head.store.events.byId(join.eventId);
      if (known !== undefined && known.stateAfter !== null) return { value: "whole" };
      if (head.version !== since) return { value: "theirs" };
      return runCommand(identity, head, (command) => applyToHead(command, head, join, answer));
    });
}
