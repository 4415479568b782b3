import { errors } from "../../protocol/errors.ts";
import type { LocalEvents } from "../commands/local-events.ts";
import type { RoomAdministration } from "../api/administration.ts";
import type { RoomView } from "../api/index.ts";

/** What only the others build on is in the room's state no longer: the state is that of the newest. */
export function createDropExtremities(
  local: Pick<LocalEvents, "run">,
  view: Pick<RoomView, "room">,
): RoomAdministration["dropExtremities"] {
  return async (roomId) => {
    const room = await view.room(roomId);
    if (room === undefined) throw errors.notFound("This server does not know that room");
    return local.run(room, async (command) => {
      const { extremities } = command;
      if (extremities.length < 2) return 0;
      const newest = extremities.reduce((one, other) =>
        other.event.depth > one.event.depth ||
        (other.event.depth === one.event.depth && other.nid > one.nid)
          ? other
          : one,
      );
      await command.setExtremities([newest]);
      return extremities.length - 1;
    });
  };
}
