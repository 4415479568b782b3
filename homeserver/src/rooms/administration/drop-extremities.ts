import { errors } from "../../protocol/errors.ts";
import type { Identity } from "../commands/drafting.ts";
import type { Mailboxes } from "../commands/mailboxes.ts";
import { runCommand } from "../commands/room-command.ts";
import type { RoomAdministration } from "../api/administration.ts";
import type { RoomView, StoredEvent } from "../api/index.ts";

export interface DropExtremitiesDeps {
  readonly mailboxes: Mailboxes;
  readonly identity: Identity;
  readonly view: Pick<RoomView, "room">;
}

/** What only the others build on is in the room's state no longer: the state is that of the newest. */
export function createDropExtremities({
  mailboxes,
  identity,
  view,
}: DropExtremitiesDeps): RoomAdministration["dropExtremities"] {
  return async (roomId) => {
    const room = await view.room(roomId);
    if (room === undefined) throw errors.notFound("This server does not know that room");
    return mailboxes.run(room, (head) =>
      runCommand(identity, head, async (command) => {
        const { extremities } = command;
        if (extremities.length < 2) return command.finish(0);
        await command.setExtremities([extremities.reduce(newerOf)]);
        // The head moves, though no event was added.
        return command.finish(extremities.length - 1, { append: {} });
      }),
    );
  };
}

function newerOf(one: StoredEvent, other: StoredEvent): StoredEvent {
  const deeper = other.event.depth - one.event.depth;
  return deeper > 0 || (deeper === 0 && other.nid > one.nid) ? other : one;
}
