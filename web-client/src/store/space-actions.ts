import { strings, text, type Content, type EventContent } from "../api/types.ts";
import type { NewRoom } from "../api/rooms.ts";
import { serverOf, viaServers } from "./actions.ts";
import type { Client } from "./client.ts";
import { placeKeys } from "./space-order.ts";
import { topOrderOf } from "./spaces.ts";
import type { Room } from "./room.ts";

/** Servers through which a room may be joined; our own where nobody is known in it. */
function viaOf(client: Client, roomId: string): string[] {
  const room = client.store.room(roomId);
  const known = room === undefined ? [] : viaServers(room);
  return known.length > 0 ? known : [serverOf(client.session.userId)];
}

type InitialState = NonNullable<NewRoom["initial_state"]>;

/** What a room that is made in a space says of it, and where its members may join, of that. */
export function inSpaceState(client: Client, spaceId: string, isRestricted: boolean): InitialState {
  const parent: EventContent<"m.space.parent"> = { via: viaOf(client, spaceId), canonical: true };
  const state: InitialState = [{ type: "m.space.parent", state_key: spaceId, content: parent }];
  if (!isRestricted) return state;
  const rule: EventContent<"m.room.join_rules"> = {
    join_rule: "restricted",
    allow: [{ type: "m.room_membership", room_id: spaceId }],
  };
  return [...state, { type: "m.room.join_rules", state_key: "", content: rule }];
}

function childOf(space: Room, roomId: string): EventContent<"m.space.child"> {
  const content = space.stateEvent("m.space.child", roomId)?.content;
  const order = text(content, "order");
  return {
    via: strings(content, "via"),
    ...(order === undefined ? {} : { order }),
    ...(content?.suggested === true ? { suggested: true } : {}),
  };
}

const setChild = (
  client: Client,
  spaceId: string,
  roomId: string,
  content: EventContent<"m.space.child">,
): Promise<unknown> => client.api.rooms.setState(spaceId, "m.space.child", content, roomId);

/** Puts a room or space into a space. */
export async function addToSpace(client: Client, spaceId: string, roomId: string): Promise<void> {
  await setChild(client, spaceId, roomId, { via: viaOf(client, roomId) });
}

/** Takes a room out of a space; the room stays as it is. */
export async function removeFromSpace(
  client: Client,
  spaceId: string,
  roomId: string,
): Promise<void> {
  await setChild(client, spaceId, roomId, {});
}

/** Shows a room to the members of a space as one to join, or no longer. */
export async function suggest(
  client: Client,
  space: Room,
  roomId: string,
  isOn: boolean,
): Promise<void> {
  const { suggested: _, ...rest } = childOf(space, roomId);
  await setChild(client, space.roomId, roomId, isOn ? { ...rest, suggested: true } : rest);
}

const TOP_ORDER = "org.matrix.msc3230.space_order";

/** Moves a space to another place among those that are in no other, for this person alone. `order` are all of them. */
export async function moveSpace(
  client: Client,
  order: readonly string[],
  from: number,
  to: number,
): Promise<void> {
  const { store } = client;
  const keys = order.map((spaceId) => topOrderOf(store.room(spaceId)));
  const places = [...placeKeys(keys, from, to)];
  const before = places.map(([at]) => store.room(order[at]!)?.accountData.get(TOP_ORDER));
  const show = (contents: readonly (Content | undefined)[]): void => {
    for (const [index, [at]] of places.entries()) {
      const [data, content] = [store.room(order[at]!)?.accountData, contents[index]];
      if (content === undefined) data?.delete(TOP_ORDER);
      else data?.set(TOP_ORDER, content);
    }
    store.refresh(places.map(([at]) => order[at]!));
  };
  // Here at once; the server follows, and a refusal takes it back.
  show(places.map(([, key]) => ({ order: key })));
  try {
    for (const [at, key] of places)
      await client.api.notes.setAccountData(order[at]!, TOP_ORDER, { order: key });
  } catch (error) {
    show(before);
    throw error;
  }
}

/** Moves a child to another place among its siblings; `order` are all of them, as they stand. */
export async function moveChild(
  client: Client,
  space: Room,
  order: readonly string[],
  from: number,
  to: number,
): Promise<void> {
  const keys = order.map((roomId) => {
    const key = childOf(space, roomId).order;
    return typeof key === "string" ? key : undefined;
  });
  for (const [at, key] of placeKeys(keys, from, to)) {
    const roomId = order[at]!;
    await setChild(client, space.roomId, roomId, { ...childOf(space, roomId), order: key });
  }
}
