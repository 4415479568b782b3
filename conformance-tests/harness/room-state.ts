import type { ClientEvent } from "./shapes.ts";
import type { User } from "./users.ts";

/** The state of a room by "type|state key". */
export async function stateTypes(user: User, roomId: string): Promise<Map<string, ClientEvent>> {
  const events = (await user.call("getRoomState", {
    path: { roomId },
  })) as unknown as ClientEvent[];
  return new Map(events.map((event) => [`${event.type}|${event.state_key ?? ""}`, event]));
}

/** Sets a member event as if it were any other state. */
export const setMember = (user: User, roomId: string, stateKey: string, body: object) =>
  user.request("setRoomStateWithKey", {
    path: { roomId, eventType: "m.room.member", stateKey },
    body,
  });
