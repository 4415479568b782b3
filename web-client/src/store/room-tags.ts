import { number, object } from "../api/types.ts";
import type { Room } from "./room.ts";

/** The tags that put a room into a part of the list whose order one makes by hand. */
export type OrderedTag = "m.favourite" | "m.lowpriority";

/** Where a room stands among those with a tag: from 0 to 1, Infinity without a place of its own; undefined without the tag. */
export function tagOrder(room: Room, tag: OrderedTag): number | undefined {
  const held = object(room.tags(), tag);
  if (held === undefined) return undefined;
  const order = number(held, "order");
  return order !== undefined && order >= 0 && order <= 1 ? order : Infinity;
}
