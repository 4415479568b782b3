import { object, type Content, type EventContent } from "../api/types.ts";
import type { Client } from "./client.ts";
import {
  CHOSEN,
  OF_ROOMS,
  OF_USER,
  rawRoomPack,
  type PackPlace,
  type Usage,
} from "./image-packs.ts";
import { canSend } from "./power.ts";

type PackContent = EventContent<"m.room.image_pack">;

/** A picture as it is to stand in a pack. */
export interface EditedImage {
  /** Under which it stood before; absent for a new one. */
  was?: string | undefined;
  code: string;
  mxc: string;
  body: string;
  info?: Content | undefined;
}

export interface EditedPack {
  name: string;
  usage: readonly Usage[];
  images: readonly EditedImage[];
}

/** As codes have to be. */
export const CODE = /^[A-Za-z0-9_-]{1,100}$/;
/** Bytes of a pack's content, at most: an event has 65,536 in all. */
const MAX_BYTES = 60_000;

/** May this person change the packs of a place? */
export function canEditPack({ store, session }: Client, place: PackPlace): boolean {
  if (place === "own") return true;
  const room = store.room(place.roomId);
  return room?.membership === "join" && canSend(room, session.userId, OF_ROOMS[0], true);
}

function rawPack({ store }: Client, place: PackPlace): Content {
  if (place === "own") return store.accountData.get(OF_USER) ?? {};
  const room = store.room(place.roomId);
  return (room && rawRoomPack(room, place.key)) ?? {};
}

/** A pack's content with the changes, and with all that others wrote there and Weft does not know. */
export function packContent(before: Content, { name, usage, images }: EditedPack): PackContent {
  const known = object(before, "images") ?? {};
  const { display_name: _, usage: _old, ...others } = object(before, "pack") ?? {};
  const entries = images.map(({ was, code, mxc, body, info }) => {
    const kept = was === undefined ? {} : (object(known, was) ?? {});
    const image: Content = { ...kept, url: mxc, ...(info === undefined ? {} : { info }) };
    if (body === "" || body === code) delete image["body"];
    else image["body"] = body;
    return [code, image];
  });
  const pack = {
    ...others,
    ...(name === "" ? {} : { display_name: name }),
    ...(usage.length === 1 ? { usage: [...usage] } : {}),
  };
  // What stands beside the two is others'.
  return { ...before, images: Object.fromEntries(entries), pack };
}

/** Whether a pack would be larger than an event may be. */
export function isTooLarge(client: Client, place: PackPlace, pack: EditedPack): boolean {
  const content = packContent(rawPack(client, place), pack);
  return new TextEncoder().encode(JSON.stringify(content)).length > MAX_BYTES;
}

async function write(client: Client, place: PackPlace, content: PackContent): Promise<void> {
  if (place === "own") return writeAccount(client, OF_USER, content);
  const { roomId, key } = place;
  await client.api.rooms.setState(roomId, OF_ROOMS[0], content, key);
  // Whoever knows only the old name is not left with what was.
  const old = client.store.room(roomId)?.stateOf(OF_ROOMS[1]).get(key);
  if (old !== undefined) await client.api.rooms.setState(roomId, OF_ROOMS[1], content, key);
}

/** Saves a pack. Rejects with the server's error. */
export function savePack(client: Client, place: PackPlace, pack: EditedPack): Promise<void> {
  return write(client, place, packContent(rawPack(client, place), pack));
}

/** Takes a pack away: nothing of it is left to be chosen. */
export function deletePack(client: Client, place: PackPlace): Promise<void> {
  return write(client, place, { images: {} });
}

type AccountType = typeof OF_USER | (typeof CHOSEN)[number];

/** Saved, and here at once as if sync had brought it. */
async function writeAccount<Type extends AccountType>(
  client: Client,
  type: Type,
  content: EventContent<Type>,
): Promise<void> {
  const before = client.store.accountData.get(type);
  await client.api.account.setAccountData(type, content);
  // Sync may have brought it already, or what was written elsewhere since.
  if (client.store.accountData.get(type) !== before) return;
  client.store.takeAccountData(type, content);
}

/** Has a room's pack at hand in all rooms, or no longer. */
export async function choosePack(
  client: Client,
  { roomId, key }: { roomId: string; key: string },
  isOn: boolean,
): Promise<void> {
  for (const type of CHOSEN) {
    const before = client.store.accountData.get(type) ?? {};
    const rooms = object(before, "rooms") ?? {};
    const { [key]: kept, ...others } = object(rooms, roomId) ?? {};
    if (!isOn && kept === undefined) continue;
    const ofRoom = isOn ? { ...others, [key]: kept ?? {} } : others;
    const { [roomId]: _, ...otherRooms } = rooms;
    const next = Object.keys(ofRoom).length === 0 ? otherRooms : { ...rooms, [roomId]: ofRoom };
    await writeAccount(client, type, { ...before, rooms: next } as EventContent<typeof type>);
  }
}
