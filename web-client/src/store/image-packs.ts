import { object, text, type Content } from "../api/types.ts";
import type { Emoticon } from "../text/compose.ts";
import { plainName } from "../text/names.ts";
import type { Client } from "./client.ts";
import type { Room } from "./room.ts";

/** The names under which packs of pictures are kept: none of them is in the specification yet. */
const OF_ROOMS = "im.ponies.room_emotes";
const OF_USER = "im.ponies.user_emotes";
const CHOSEN_ROOMS = "im.ponies.emote_rooms";

type Usage = "emoticon" | "sticker";

/** One picture of a pack. */
export interface PackImage extends Emoticon {
  /** As it is written between colons. */
  code: string;
  /** What it shows. */
  body: string;
  info: Content | undefined;
  usage: readonly Usage[];
}

/** Pictures that belong together. */
interface ImagePack {
  name: string;
  images: readonly PackImage[];
}

/** Pictures of a pack, and packs, that are looked at, at most. */
const MAX_IMAGES = 500;
const MAX_PACKS = 50;
const MXC = /^mxc:\/\/[^/?#\s]{1,255}\/[\w-]{1,255}$/;

function usageOf(content: Content | undefined): Usage[] | undefined {
  const usage = content?.["usage"];
  if (!Array.isArray(usage)) return undefined;
  const known = usage.filter((one): one is Usage => one === "emoticon" || one === "sticker");
  return known.length === 0 ? undefined : known;
}

function packOf(content: Content, fallback: string): ImagePack | undefined {
  const pack = object(content, "pack");
  const ofPack = usageOf(pack) ?? ["emoticon", "sticker"];
  const images = Object.entries(object(content, "images") ?? {})
    .slice(0, MAX_IMAGES)
    .flatMap(([code, raw]): PackImage[] => {
      const image = object({ image: raw ?? null }, "image");
      const mxc = text(image, "url");
      const shown = plainName(code)?.replace(/[\s:]/g, "_");
      if (mxc === undefined || !MXC.test(mxc) || shown === undefined) return [];
      return [
        {
          mxc,
          code: shown,
          body: plainName(text(image, "body")) ?? shown,
          info: object(image, "info"),
          usage: usageOf(image) ?? ofPack,
        },
      ];
    });
  if (images.length === 0) return undefined;
  return { name: plainName(text(pack, "display_name")) ?? fallback, images };
}

/** The packs that somebody has at hand in a room: their own, the room's, and those of rooms they chose. (MSC2545.) */
function packsFor({ store }: Pick<Client, "store">, room: Room, ownName: string): ImagePack[] {
  const found: (ImagePack | undefined)[] = [packOf(store.accountData.get(OF_USER) ?? {}, ownName)];
  const nameOf = (one: Room): string => store.summary(one.roomId)?.name ?? one.roomId;
  for (const { content } of room.stateOf(OF_ROOMS).values())
    found.push(packOf(content, nameOf(room)));
  const chosen = object(store.accountData.get(CHOSEN_ROOMS), "rooms") ?? {};
  for (const roomId of Object.keys(chosen)) {
    const other = store.room(roomId);
    if (other === undefined || other === room) continue;
    for (const key of Object.keys(object(chosen, roomId) ?? {})) {
      const state = other.stateEvent(OF_ROOMS, key);
      if (state !== undefined) found.push(packOf(state.content, nameOf(other)));
    }
  }
  return found.filter((pack) => pack !== undefined).slice(0, MAX_PACKS);
}

/** The pictures that may stand in a line here, by name; of two that bear one name the first. */
export function emoticonsFor(client: Pick<Client, "store">, room: Room): Map<string, PackImage> {
  const byName = new Map<string, PackImage>();
  for (const { images } of packsFor(client, room, "")) {
    for (const image of images) {
      if (image.usage.includes("emoticon") && !byName.has(image.code))
        byName.set(image.code, image);
    }
  }
  return byName;
}
