/** GET /_matrix/federation/v1/hierarchy/{roomId}: a space and its children, for another server. */
import { errors } from "../protocol/errors.ts";
import { childState } from "../protocol/events/space-child.ts";
import type { RoomId, ServerName } from "../protocol/identifiers.ts";
import { jsonText } from "../protocol/json.ts";
import type { RoomFederation } from "../rooms/api/federation.ts";
import type { RoomSummary } from "../rooms/api/index.ts";
import { mayKnowOf } from "./access.ts";
import type { LocalRooms } from "./local-rooms.ts";
import type { FoundRoom, RoomWithChildren } from "./types.ts";

export interface SpaceAnswer {
  readonly room: RoomWithChildren;
  readonly children: RoomSummary[];
  readonly inaccessible_children: RoomId[];
}

export interface ServeDeps {
  readonly local: LocalRooms;
  readonly aclAllows: RoomFederation["aclAllows"];
}

/** Children that are told of, at most. */
const MAX_TOLD = 200;
/** Children of children whose edges are shown: the space that names them is asked for the rest. */
const MAX_EDGES = 50;
/** Characters of an answer: others read no longer ones. */
const MAX_CHARACTERS = 2 * 1024 * 1024;

/** M_NOT_FOUND 404 for a room that this server is not in, or that the other may not know of. */
export function createServeSpace({ local, aclAllows }: ServeDeps) {
  return async (
    origin: ServerName,
    roomId: RoomId,
    suggestedOnly: boolean,
  ): Promise<SpaceAnswer> => {
    const space = (await local.find([roomId])).get(roomId);
    if (space === undefined || !(await allowed(origin, [space])).has(roomId)) {
      throw errors.notFound("This server knows of no such room that yours may see");
    }
    const shown = (room: FoundRoom, max: number): RoomWithChildren => {
      const wanted = suggestedOnly ? room.children.filter((each) => each.suggested) : room.children;
      return { ...room.summary, children_state: wanted.slice(0, max).map(childState) };
    };
    const named = space.children.filter(({ suggested }) => suggested || !suggestedOnly);
    const ids = named.slice(0, MAX_TOLD).map((child) => child.roomId);
    const found = await local.find(ids);
    const visible = await allowed(origin, [...found.values()]);
    const children: RoomSummary[] = [];
    const room = shown(space, named.length);
    let characters = jsonText(room as never).length;
    for (const id of ids) {
      const child = found.get(id);
      if (child === undefined || !visible.has(id)) continue;
      const told = shown(child, MAX_EDGES);
      characters += jsonText(told as never).length;
      if (characters > MAX_CHARACTERS) break;
      children.push(told);
    }
    const hidden = ids.filter((id) => found.has(id) && !visible.has(id));
    return { room, children, inaccessible_children: hidden };
  };

  /** Those of the rooms that users of the server may know of. */
  async function allowed(origin: ServerName, rooms: readonly FoundRoom[]): Promise<Set<RoomId>> {
    const ids = rooms.flatMap(({ summary }) => [
      summary.room_id,
      ...(summary.allowed_room_ids ?? []),
    ]);
    const standing = await local.standingOfServer(origin, [...new Set(ids)]);
    const known = rooms.filter(({ summary }) => mayKnowOf(summary, standing));
    const admitted = await Promise.all(
      known.map(({ summary }) => aclAllows(summary.room_id, origin)),
    );
    return new Set(known.filter((_, index) => admitted[index]).map((room) => room.summary.room_id));
  }
}
