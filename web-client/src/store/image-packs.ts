import { object, text, type Content } from "../api/types.ts";
import type { Emoticon } from "../text/compose.ts";
import { plainName } from "../text/names.ts";
import type { Client } from "./client.ts";
import type { Room } from "./room.ts";

/** Packs of rooms: their name in the specification, and the one from before, which much is kept under still. */
export const OF_ROOMS = ["m.room.image_pack", "im.ponies.room_emotes"] as const;
/** A pack of the account's own never came into the specification; clients keep it under this name. (MSC2545.) */
export const OF_USER = "im.ponies.user_emotes";
/** The packs of rooms that are at hand everywhere. */
export const CHOSEN = ["m.image_pack.rooms", "im.ponies.emote_rooms"] as const;

export type Usage = "emoticon" | "sticker";

/** Where a pack stands: among a room's state under a key, or in the account. */
export type PackPlace = { roomId: string; key: string } | "own";

/** One picture of a pack. */
export interface PackImage extends Emoticon {
  /** As it is written between colons. */
  code: string;
  /** What it shows. */
  body: string;
  info: Content | undefined;
}

/** Pictures that belong together. */
export interface ImagePack {
  place: PackPlace;
  name: string;
  usage: readonly Usage[];
  images: readonly PackImage[];
}

/** Pictures of a pack, and packs, that are looked at, at most. */
const MAX_IMAGES = 500;
const MAX_PACKS = 50;
/** Pictures of all packs that are at hand in a room, at most: the first count. */
const MAX_AT_HAND = 2_000;
/** Spaces above a room whose packs are at hand in it, at most. */
const MAX_SPACES = 5;
const MXC = /^mxc:\/\/[^/?#\s]{1,255}\/[\w-]{1,255}$/;

type Stores = Pick<Client, "store">;

function usageOf(content: Content | undefined): Usage[] {
  const usage = content?.["usage"];
  const known = Array.isArray(usage)
    ? usage.filter((one): one is Usage => one === "emoticon" || one === "sticker")
    : [];
  return known.length === 0 ? ["emoticon", "sticker"] : known;
}

/** Reads a pack that strangers wrote. Codes are shown as they may be written, whatever they are. */
export function packOf(place: PackPlace, content: Content, fallback: string): ImagePack {
  const pack = object(content, "pack");
  const images = Object.entries(object(content, "images") ?? {})
    .slice(0, MAX_IMAGES)
    .flatMap(([code, raw]): PackImage[] => {
      const image = object({ image: raw ?? null }, "image");
      const mxc = text(image, "url");
      const shown = plainName(code)?.replace(/[\s:]/g, "_");
      if (mxc === undefined || !MXC.test(mxc) || shown === undefined) return [];
      const body = plainName(text(image, "body")) ?? shown;
      return [{ mxc, code: shown, body, info: object(image, "info") }];
    });
  const name = plainName(text(pack, "display_name")) ?? fallback;
  return { place, name, usage: usageOf(pack), images };
}

/** What stands under a key of a room, under the new name or the old. */
export function rawRoomPack(room: Room, key: string): Content | undefined {
  return OF_ROOMS.map((type) => room.stateOf(type).get(key)?.content).find(
    (content) => content !== undefined,
  );
}

/** All packs of a room, also those that have nothing in them yet; what was deleted has no name either. */
export function packsOfRoom({ store }: Stores, room: Room): ImagePack[] {
  const keys = new Set(OF_ROOMS.flatMap((type) => [...room.stateOf(type).keys()]));
  const name = store.summary(room.roomId)?.name ?? room.roomId;
  return [...keys].slice(0, MAX_PACKS).flatMap((key) => {
    const content = rawRoomPack(room, key) ?? {};
    const pack = packOf({ roomId: room.roomId, key }, content, name);
    const isThere = pack.images.length > 0 || object(content, "pack") !== undefined;
    return isThere ? [pack] : [];
  });
}

/** The packs of rooms that were chosen for everywhere, as places. */
export function chosenPacks({ store }: Stores): { roomId: string; key: string }[] {
  const found = CHOSEN.flatMap((type) => {
    const rooms = object(store.accountData.get(type), "rooms") ?? {};
    return Object.keys(rooms).flatMap((roomId) =>
      Object.keys(object(rooms, roomId) ?? {}).map((key) => ({ roomId, key })),
    );
  });
  const byId = new Map(found.map((place) => [`${place.roomId} ${place.key}`, place]));
  return [...byId.values()].slice(0, MAX_PACKS);
}

/** The spaces that a room says it belongs to and that one is in, from the nearest upwards. */
function spacesAbove({ store }: Stores, room: Room): Room[] {
  const found = new Set<Room>();
  for (let at: Room | undefined = room; at !== undefined && found.size <= MAX_SPACES;) {
    const parents: [string, { content: Content }][] = [...at.stateOf("m.space.parent")];
    const main = parents
      .filter(([, { content }]) => content["canonical"] === true)
      .map(([spaceId]) => spaceId)
      .toSorted()[0];
    const space: Room | undefined = main === undefined ? undefined : store.room(main);
    if (space === undefined || space.membership !== "join" || found.has(space) || space === room)
      break;
    found.add(space);
    at = space;
  }
  return [...found];
}

/** One's own pack, and those that were chosen for everywhere. */
function chosenByMe(client: Stores, ownName: string): ImagePack[] {
  const { store } = client;
  const own = packOf("own", store.accountData.get(OF_USER) ?? {}, ownName);
  const chosen = chosenPacks(client).flatMap(({ roomId, key }) => {
    const other = store.room(roomId);
    const content = other?.membership === "join" ? rawRoomPack(other, key) : undefined;
    const name = store.summary(roomId)?.name ?? roomId;
    return content === undefined ? [] : [packOf({ roomId, key }, content, name)];
  });
  return [own, ...chosen];
}

/** Whether a code stands for a picture that the person chose to have: only such take the place of an emoji of that name. */
export function isMine(client: Stores, code: string): boolean {
  return namedIn(chosenByMe(client, "")).has(code);
}

/** The packs that somebody has at hand in a room: their own, those chosen for everywhere, the room's, and its spaces'. */
export function packsFor(client: Stores, room: Room, ownName: string): ImagePack[] {
  const mine = chosenByMe(client, ownName);
  const here = [room, ...spacesAbove(client, room)].flatMap((one) => packsOfRoom(client, one));
  const isChosen = (pack: ImagePack): boolean =>
    mine.some(({ place }) => samePlace(place, pack.place));
  const all = [...mine, ...here.filter((pack) => !isChosen(pack))];
  let left = MAX_AT_HAND;
  return all
    .map((pack) => {
      const images = pack.images.slice(0, Math.max(0, left));
      left -= images.length;
      return { ...pack, images };
    })
    .filter(({ images }) => images.length > 0)
    .slice(0, MAX_PACKS);
}

export function samePlace(a: PackPlace, b: PackPlace): boolean {
  if (a === "own" || b === "own") return a === b;
  return a.roomId === b.roomId && a.key === b.key;
}

/** A pack's name as it may stand in a code: "Cats & dogs" is "cats_dogs". */
function slug(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "_")
    .replace(/^_+|_+$/g, "");
}

/**
 * The pictures that may stand in a line here, by what is written for them. Of two with one code the second bears its pack's
 * name too: `cat` and `cat/old_friends`.
 */
export function emoticonsFor(client: Stores, room: Room): Map<string, PackImage> {
  return namedIn(packsFor(client, room, "own"));
}

/** The same of these packs. */
export function namedIn(packs: readonly ImagePack[]): Map<string, PackImage> {
  const byName = new Map<string, PackImage>();
  for (const { images, usage, name } of packs) {
    if (!usage.includes("emoticon")) continue;
    for (const image of images) {
      const written = [image.code, `${image.code}/${slug(name)}`].find((one) => !byName.has(one));
      if (written !== undefined) byName.set(written, image);
    }
  }
  return byName;
}
