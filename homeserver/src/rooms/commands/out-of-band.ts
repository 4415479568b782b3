/** Memberships in rooms that this server is not in: invites, knocks, and their ends. */
import type { Log } from "../../log/types.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import { serverOf } from "../../protocol/identifiers.ts";
import type { ServerName, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { membershipIn } from "../../storage/rooms/members.ts";
import { authNidsOf, newEvent } from "../records/new-event.ts";
import type { Mailboxes } from "./mailboxes.ts";
import { membershipOf } from "../records/member-events.ts";
import type { Room } from "../api/index.ts";
import { runCommand } from "./room-command.ts";
import type { RoomCommand } from "./room-command.ts";
import type { CommandResult } from "./mailbox.ts";
import type { Identity } from "./drafting.ts";

export interface OutOfBand {
  /**
   * Stores the member event as an outlier, and the user's membership. Stores nothing and returns
   * false when the user has joined the room meanwhile: then only the room's own events decide.
   */
  store(room: Room, event: RoomEvent, userId: UserId, how: OutOfBandOptions): Promise<boolean>;
}

interface OutOfBandOptions {
  /** The stripped state that the user is shown; null: none any more. */
  readonly shown: readonly JsonObject[] | null;
  /** The server that sent the invite, or that accepted our event. */
  readonly origin?: ServerName | undefined;
  /** The event is ours, and `origin` sends it to the other servers. */
  readonly handedOver?: boolean;
  /**
   * For an event of ours: nid of the user's member event when the request began, 0 for none. If a
   * newer one has arrived since then, it stays.
   */
  readonly since?: number;
}

/**
 * Whether the event comes after the other: it names the other as an auth event, or is deeper in the
 * graph.
 */
export function isAfter(event: RoomEvent, other: RoomEvent): boolean {
  return event.authEventIds.includes(other.eventId) || event.depth > other.depth;
}

export function createOutOfBand(
  mailboxes: Mailboxes,
  identity: Identity,
  log: Pick<Log, "append">,
): OutOfBand {
  /** Whether the answer to our event has already arrived by another way. */
  async function isAnswered(
    { store, room }: RoomCommand,
    event: RoomEvent,
    userId: UserId,
    since: number,
  ): Promise<boolean> {
    // Waits until everything handed to the log earlier is in the tables.
    await log.append({});
    const row = await membershipIn(store.sql, room.nid, userId);
    if (row === undefined || row.eventNid === since) return false;
    const present = await store.events.one(row.eventNid);
    return present !== undefined && isAfter(present.event, event);
  }

  const run = (room: Room, body: (command: RoomCommand) => Promise<CommandResult<boolean>>) =>
    mailboxes.run(room, (head) => runCommand(identity, head, body));

  return {
    store: (room, event, userId, { shown, origin, handedOver = false, since }) =>
      run(room, async (command) => {
        const { store } = command;
        const present = await command.stateEvent("m.room.member", userId);
        if (membershipOf(present) === "join") return command.finish(false);
        if (since !== undefined && (await isAnswered(command, event, userId, since))) {
          return command.finish(true);
        }
        const known = await store.events.byId(event.eventId);
        const [freshNid] = known === undefined ? await store.registry.eventNids(1) : [known.nid];
        const nid = freshNid as number;
        if (known === undefined) {
          // Only the auth events that are stored here. A later join completes them (see
          // outliers.ts).
          const auth = [...(await store.events.byIds([...event.authEventIds])).values()];
          command.dependOn(auth);
          command.add({
            stored: newEvent(room.nid, nid, event),
            authNids: authNidsOf(auth),
            timeline: "outlier",
            stateChanged: false,
            handedOver,
          });
        } else command.dependOn([known]);
        const membership = {
          roomNid: room.nid,
          roomId: room.roomId,
          userId,
          membership: event.content.membership as string,
          eventNid: nid,
          server: serverOf(userId),
        };
        const strippedState = shown === null ? null : JSON.stringify(shown);
        return command.finish(true, {
          append: {
            memberships: [membership],
            strippedRooms: [{ roomNid: room.nid, userId, strippedState, origin }],
          },
        });
      }),
  };
}
