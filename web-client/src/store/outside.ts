import { ApiError } from "../api/errors.ts";
import type { MatrixEvent } from "../api/types.ts";
import type { Client } from "./client.ts";
import type { Room } from "./room.ts";
import { removalOf } from "./removal.ts";

function takeState(room: Room, events: readonly MatrixEvent[]): void {
  for (const event of events) {
    if (typeof event.state_key === "string")
      room.setState({ ...event, state_key: event.state_key });
  }
}

/** Whether what sync brought meanwhile says more than what was asked for. */
const isOvertaken = (room: Room): boolean =>
  room.membership === "join" || room.membership === "invite" || room.membership === "knock";

/** Shows a room that everybody may read, without joining it. Its news do not come by themselves. */
export async function lookInside(client: Client, roomId: string): Promise<void> {
  const state = await client.api.directory.state(roomId);
  const room = client.store.ensure(roomId);
  if (isOvertaken(room)) return;
  takeState(room, state);
  room.isPeeked = true;
  room.changed("$state", "$timeline");
  client.store.refresh([roomId]);
}

/**
 * Finds out what became of a room that this device knows nothing of: one that somebody else put this person out of stays
 * readable up to then. Answers whether it is one.
 */
export async function recallPast(client: Client, roomId: string): Promise<boolean> {
  const state = await client.api.directory.state(roomId).catch((error: unknown) => {
    if (error instanceof ApiError && error.status < 500) return undefined;
    throw error;
  });
  const room = client.store.ensure(roomId);
  if (state === undefined || isOvertaken(room)) return false;
  takeState(room, state);
  const removal = removalOf(room, client.session.userId);
  if (removal === undefined) {
    room.clearState();
    return false;
  }
  room.removal = removal;
  room.membership = removal.how === "banned" ? "ban" : "leave";
  room.changed("$state", "$timeline");
  client.store.refresh([roomId]);
  return true;
}
