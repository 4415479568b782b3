import type { RoomId } from "../protocol/identifiers.ts";
import type { SpaceChild } from "../protocol/events/space-child.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { RoomSummary } from "../rooms/api/index.ts";

/** A room with its children, as this server knows it or another one told. */
export interface FoundRoom {
  readonly summary: RoomSummary;
  /** In the order of siblings; none of a room that is no space. */
  readonly children: readonly SpaceChild[];
  /** What the other server that told of a space told of its children. */
  readonly told?: ToldChildren | undefined;
}

interface ToldChildren {
  readonly rooms: ReadonlyMap<RoomId, FoundRoom>;
  /** Our users can see these nowhere, says that server. */
  readonly inaccessible: ReadonlySet<RoomId>;
}

/** A room of an answer about spaces. */
export type RoomWithChildren = RoomSummary & { readonly children_state: JsonObject[] };

/** Rooms with this type have children. */
export const SPACE = "m.space";

/** Children of a space that are looked at, at most. */
export const MAX_CHILDREN = 1000;
