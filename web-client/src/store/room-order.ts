import type { Client } from "./client.ts";
import type { RoomSummary } from "./room-store.ts";
import type { OrderedTag } from "./room-tags.ts";

/** Rooms with a place first, in its order; the others by activity, as they come. */
export function byTagOrder(rooms: readonly RoomSummary[]): RoomSummary[] {
  const place = (room: RoomSummary): number => room.order ?? Infinity;
  return rooms.toSorted((a, b) => {
    const [one, other] = [place(a), place(b)];
    return one === other ? 0 : one - other;
  });
}

/** Places closer than this cannot be told apart by what stands between them. */
const LEAST = 1e-9;

/**
 * The places to set so that the room at `from` stands at `to` among `orders`: one as a rule, all anew where they lie too
 * close or some have none.
 */
export function placesFor(
  orders: readonly (number | undefined)[],
  from: number,
  to: number,
): Map<number, number> {
  const rest = orders.flatMap((order, at) => (at === from ? [] : [{ order, at }]));
  const before = to === 0 ? 0 : rest[to - 1]?.order;
  const after = to >= rest.length ? 1 : rest[to]?.order;
  const isClear = [before, after].every((one) => one !== undefined && Number.isFinite(one));
  if (isClear && after! - before! > LEAST) return new Map([[from, (before! + after!) / 2]]);
  const anew = rest.map(({ at }) => at);
  anew.splice(to, 0, from);
  return new Map(anew.map((at, place) => [at, (place + 1) / (anew.length + 1)]));
}

/** Notes tags here at once; the server follows, and a refusal takes them back. */
async function note(client: Client, roomId: string, tag: string, order: number | null | undefined) {
  const room = client.store.room(roomId);
  if (room === undefined) return;
  const before = room.accountData.get("m.tag");
  const { [tag]: _, ...others } = room.tags();
  const tags = order === null ? others : { ...others, [tag]: order === undefined ? {} : { order } };
  const next = { tags };
  room.accountData.set("m.tag", next);
  client.store.refresh([roomId]);
  try {
    if (order === null) await client.api.notes.removeTag(roomId, tag);
    else await client.api.notes.setTag(roomId, tag, order);
  } catch (error) {
    if (room.accountData.get("m.tag") === next) {
      if (before === undefined) room.accountData.delete("m.tag");
      else room.accountData.set("m.tag", before);
      client.store.refresh([roomId]);
    }
    throw error;
  }
}

/** Makes a room a favourite, or one of low priority, or neither. It is never both. */
export async function setTag(client: Client, roomId: string, tag: OrderedTag | undefined) {
  const tags = client.store.room(roomId)?.tags() ?? {};
  for (const one of ["m.favourite", "m.lowpriority"] as const) {
    if (one !== tag && one in tags) await note(client, roomId, one, null);
  }
  if (tag !== undefined && !(tag in tags)) await note(client, roomId, tag, undefined);
}

/** Moves a room to another place among those with its tag. `rooms` are these, as they stand. */
export async function moveRoom(
  client: Client,
  tag: OrderedTag,
  rooms: readonly RoomSummary[],
  from: number,
  to: number,
): Promise<void> {
  const places = placesFor(
    rooms.map(({ order }) => order),
    from,
    to,
  );
  await Promise.all([...places].map(([at, order]) => note(client, rooms[at]!.roomId, tag, order)));
}
