/** Adds events to a room whose state is partially known. */
import { authTypesFor } from "../../protocol/auth/index.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import { stateTuple } from "../../protocol/state-map.ts";
import type { StateRoot, StoredEvent } from "../api/index.ts";
import type { RoomCommand } from "../commands/room-command.ts";

/**
 * Members missing from a partial state, taken from the event's auth events. Nothing better is known
 * until the state is complete; then the event is judged again.
 */
export async function withAuthMembers(
  command: RoomCommand,
  root: StateRoot,
  event: RoomEvent,
  auth: readonly StoredEvent[],
): Promise<StateRoot> {
  const members = auth.filter(
    (one) => one.event.type === "m.room.member" && one.status !== "rejected",
  );
  const keys = members.map((one) => ["m.room.member", one.event.stateKey as string] as const);
  const present = await command.store.state.events(root, keys);
  const wanted = new Set(
    authTypesFor(event, event.version).map(([type, key]) => stateTuple(type, key)),
  );
  const lacking = members.flatMap(({ nid, event: { stateKey = "" } }) => {
    const tuple = stateTuple("m.room.member", stateKey);
    return present.has(tuple) || !wanted.has(tuple)
      ? []
      : [["m.room.member", stateKey, nid] as const];
  });
  return command.setState(root, lacking);
}
