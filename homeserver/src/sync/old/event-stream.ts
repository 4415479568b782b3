import { formatSyncToken, type SyncToken } from "../../log/token.ts";
import { parseFilter } from "../../protocol/filter.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { RoomId } from "../../protocol/identifiers.ts";
import type { RoomView } from "../../rooms/api/index.ts";
import type { Present } from "../sections/present.ts";
import type { Scope } from "../sections/scope.ts";
import type { Compose, RoomText } from "../v3/compute.ts";

/** Events of a room in one answer, at most; of more the newest. */
const MAX_EVENTS = 1_000;
/** What joined users are told: everything, as it happened. */
export const STREAM = parseFilter({ room: { timeline: { limit: MAX_EVENTS } } });
const NONE = { types: [] };
/** What those are told who look into a room from outside: its events alone. */
export const ONLY_EVENTS = parseFilter({
  ...{ presence: NONE, account_data: NONE },
  room: { timeline: { limit: MAX_EVENTS }, ephemeral: NONE, account_data: NONE },
});

/**
 * The form of an answer of GET /events: one list, oldest first in each room. Messages for devices
 * are not told here, so that tokens say of them what the client had before.
 */
export function eventStream(
  deps: { readonly view: Pick<RoomView, "events">; readonly present: Pick<Present, "state"> },
  { start, had }: { readonly start: string; readonly had: number },
) {
  async function eventsOf(scope: Scope, one: RoomText): Promise<string[]> {
    const { room, section, userRoom, text } = one;
    if (section === "invite" || section === "knock") {
      const own = (await deps.view.events([userRoom.eventNid])).get(userRoom.eventNid);
      const [shown] = own === undefined ? [] : await deps.present.state(scope, [own]);
      return shown === undefined ? [] : [inRoom(room.roomId, JSON.parse(shown) as JsonObject)];
    }
    const parts = JSON.parse(text) as RoomParts;
    const batches = [parts.state, parts.timeline, parts.ephemeral, parts.account_data];
    return batches
      .flatMap((batch) => batch?.events ?? [])
      .map((event) => inRoom(room.roomId, event));
  }

  function text(chunk: readonly string[], { position, ephemeral }: SyncToken): string {
    const end = formatSyncToken({ position, ephemeral, toDevice: Math.min(had, position) });
    return `{"start":${JSON.stringify(start)},"chunk":[${chunk.join(",")}],"end":"${end}"}`;
  }

  const compose: Compose = async (scope, parts) => {
    const chunk: string[] = [];
    for (const one of parts.rooms) chunk.push(...(await eventsOf(scope, one)));
    return text([...chunk, ...parts.presence, ...parts.accountData], parts.upTo);
  };
  return { compose, nothing: (upTo: SyncToken) => text([], upTo) };
}

interface RoomParts {
  readonly state?: { readonly events: JsonObject[] };
  readonly timeline?: { readonly events: JsonObject[] };
  readonly ephemeral?: { readonly events: JsonObject[] };
  readonly account_data?: { readonly events: JsonObject[] };
}

/** An event's text, with the room that it is from. */
export function inRoom(roomId: RoomId, event: JsonObject): string {
  return JSON.stringify({ ...event, room_id: roomId });
}
