/** Pages of a room's history. */
import { asText } from "../../harness/json.ts";
import type { ClientEvent } from "../../harness/shapes.ts";
import type { User } from "../../harness/users.ts";

export interface Page {
  readonly chunk: ClientEvent[];
  readonly start: string;
  readonly end?: string;
  readonly state?: ClientEvent[];
}

export async function messages(user: User, roomId: string, query: object): Promise<Page> {
  const path = { roomId };
  return await user.call("getRoomEvents", { path, query: { ...query } });
}

export const bodies = (events: readonly ClientEvent[]) =>
  events
    .filter((event) => event.type === "m.room.message")
    .map((event) => asText(event.content["body"]));
