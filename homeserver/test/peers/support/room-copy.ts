import type { Body } from "../../support/user.ts";

/** Asks the client API: what `TestUser.call` does. */
export type Ask = (method: string, path: string) => Promise<Body>;

/** What one server holds of a room, for comparing it with another's. */
export interface RoomCopy {
  /** Event id → what both servers must agree on. */
  readonly events: Map<string, unknown>;
  /** Type and state key → event id. */
  readonly state: Map<string, string>;
}

/** Reads all of a room's history, back to its beginning, and its current state. */
export async function copyRoom(ask: Ask, roomId: string): Promise<RoomCopy> {
  const path = `/rooms/${encodeURIComponent(roomId)}`;
  const events = new Map<string, unknown>();
  for (let from = ""; ;) {
    const page = await ask("GET", `${path}/messages?dir=b&limit=100${from && `&from=${from}`}`);
    for (const event of page.chunk) {
      if (events.has(event.event_id)) throw new Error(`${event.event_id} is there twice`);
      events.set(event.event_id, agreed(event));
    }
    // The same place again: what precedes it is on a server that cannot be asked now.
    if (page.end === undefined || page.end === page.start) break;
    from = encodeURIComponent(page.end);
  }
  const state: Body[] = await ask("GET", `${path}/state`);
  return {
    events: sorted(events),
    state: sorted(
      new Map(state.map((event) => [`${event.type} ${event.state_key}`, event.event_id])),
    ),
  };
}

/** What was said, each as often as it is there. */
export function bodiesIn({ events }: RoomCopy): string[] {
  const found = [...events.values()] as { type: string; content: { body: string } }[];
  return found
    .filter(({ type }) => type === "m.room.message")
    .map(({ content }) => content.body)
    .toSorted();
}

/** Everything of an event but `unsigned`, which is each server's own. */
function agreed({ type, sender, state_key, content, origin_server_ts, redacts }: Body): unknown {
  return { type, sender, state_key, content, origin_server_ts, redacts };
}

function sorted<T>(map: Map<string, T>): Map<string, T> {
  return new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
}
