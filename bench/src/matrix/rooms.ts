import { parallel } from "../load/parallel.ts";
import type { Answer, Api } from "./api.ts";
import type { User } from "./users.ts";

const JOINS_AT_ONCE = 4;
const PAGE = 1000;

interface RoomOptions {
  readonly version?: string | undefined;
  /** Further state events that the room begins with. */
  readonly state?: readonly object[];
}

/** A public room of `owner`, with the members joined. */
export async function createRoom(
  api: Api,
  owner: User,
  members: readonly User[] = [],
  { version, state = [] }: RoomOptions = {},
): Promise<string> {
  const { room_id: roomId } = await api.call({
    method: "POST",
    path: "/_matrix/client/v3/createRoom",
    token: owner.token,
    body: {
      preset: "public_chat",
      initial_state: state,
      ...(version === undefined ? {} : { room_version: version }),
    },
  });
  await parallel(members, JOINS_AT_ONCE, ({ token }) =>
    api.call({
      method: "POST",
      path: `/_matrix/client/v3/join/${encodeURIComponent(roomId)}`,
      token,
      body: {},
    }),
  );
  return roomId;
}

export function roomPath(roomId: string): string {
  return `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}`;
}

/** How often each event stands in the room's timeline, read page by page from its end to its beginning. */
export async function timelineOf(
  api: Api,
  { token }: User,
  roomId: string,
): Promise<Map<string, number>> {
  const seen = new Map<string, number>();
  let from: string | undefined;
  for (;;) {
    const place = from === undefined ? "" : `&from=${encodeURIComponent(from)}`;
    const path = `${roomPath(roomId)}/messages?dir=b&limit=${PAGE}${place}`;
    const page: Answer = await api.call({ path, token });
    for (const { event_id: id } of page.chunk) seen.set(id, (seen.get(id) ?? 0) + 1);
    if (page.end === undefined || page.chunk.length === 0) return seen;
    from = page.end;
  }
}

/** What is wrong with the acknowledged events of a room, in words; undefined: each is there exactly once. */
export function discrepancy(
  acknowledged: Iterable<string>,
  timeline: ReadonlyMap<string, number>,
): string | undefined {
  let [missing, doubled] = [0, 0];
  for (const id of acknowledged) if (!timeline.has(id)) missing++;
  for (const times of timeline.values()) if (times > 1) doubled++;
  if (missing === 0 && doubled === 0) return undefined;
  return `${missing} missing, ${doubled} doubled`;
}
