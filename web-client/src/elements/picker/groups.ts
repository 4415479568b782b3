import { msg } from "@lit/localize";
import type { Client } from "../../store/client.ts";
import { namedIn, packsFor, type PackImage, type Usage } from "../../store/image-packs.ts";
import { recentEmoji } from "../../store/recent-emoji.ts";
import type { Room } from "../../store/room.ts";
import { codeOf, findEmoji, type Emoji } from "../../text/emoji.ts";
import { fold } from "../../text/mentions.ts";

/** What somebody chose: an emoji, what is written for a picture in a line, or a picture to be sent alone. */
export type Picked = { emoji: string } | { written: string } | { sticker: PackImage };

/** One thing that can be chosen. */
export interface Cell {
  label: string;
  /** Under the label: how it is written. */
  code: string | undefined;
  emoji?: string;
  image?: PackImage;
  picked: Picked;
}

/** Cells that belong together, with a sign for the way to them. */
export interface Group {
  label: string;
  sign: string | PackImage;
  cells: readonly Cell[];
}

export interface Scope {
  client: Client;
  /** Whose packs are offered too. */
  room: Room | undefined;
  /** 0: none, then from light to dark. */
  tone: number;
  query: string;
}

const MAX_RECENT = 27;
const MAX_FOUND = 90;

const sorts = (): [group: number, label: string, sign: string][] => [
  [0, msg("Faces and feelings"), "😀"],
  [1, msg("People"), "👋"],
  [3, msg("Animals and nature"), "🐻"],
  [4, msg("Food and drink"), "🍎"],
  [5, msg("Travel and places"), "🚗"],
  [6, msg("Activities"), "⚽"],
  [7, msg("Objects"), "💡"],
  [8, msg("Symbols"), "✅"],
  [9, msg("Flags"), "🏁"],
];

function cellOf(one: Emoji, tone: number): Cell {
  const emoji = (tone > 0 ? one.skins?.[tone - 1] : undefined) ?? one.emoji;
  return { label: one.name, code: `:${codeOf(one)}:`, emoji, picked: { emoji } };
}

/** The packs' pictures for one use, whose name or description has the words in it. */
function pictures({ client, room, query }: Scope, usage: Usage): Group[] {
  if (room === undefined) return [];
  const wanted = fold(query).trim();
  const packs = packsFor(client, room, msg("My pictures"));
  const written = new Map([...namedIn(packs)].map(([name, image]) => [image, `:${name}:`]));
  const cellFor = (image: PackImage): Cell => {
    const label = image.body;
    if (usage === "sticker") return { label, code: undefined, image, picked: { sticker: image } };
    const code = written.get(image) ?? `:${image.code}:`;
    return { label, code, image, picked: { written: code } };
  };
  return packs
    .filter((pack) => pack.usage.includes(usage))
    .map(({ name, images }) => ({
      label: name,
      sign: images[0]!,
      cells: images
        .filter(({ code, body }) => fold(`${code} ${body} ${name}`).includes(wanted))
        .map(cellFor),
    }))
    .filter(({ cells }) => cells.length > 0);
}

/** Emoji as they are offered: those of late, the packs', then all by their sorts. With words: what fits them. */
export function emojiGroups(all: readonly Emoji[], scope: Scope): Group[] {
  const { client, tone, query } = scope;
  const own = pictures(scope, "emoticon");
  if (query.trim() !== "") {
    const cells = findEmoji(all, query, MAX_FOUND).map((one) => cellOf(one, tone));
    return [...own, ...(cells.length === 0 ? [] : [{ label: msg("Emoji"), sign: "😀", cells }])];
  }
  const byEmoji = new Map(
    all.flatMap((one) => [one.emoji, ...(one.skins ?? [])].map((emoji) => [emoji, one] as const)),
  );
  const recent = recentEmoji(client)
    .filter((emoji) => byEmoji.has(emoji))
    .slice(0, MAX_RECENT)
    .map((emoji): Cell => ({ ...cellOf(byEmoji.get(emoji)!, 0), emoji, picked: { emoji } }));
  const sorted = sorts().map(([group, label, sign]): Group => ({
    label,
    sign,
    cells: all.filter((one) => one.group === group).map((one) => cellOf(one, tone)),
  }));
  const late = recent.length === 0 ? [] : [{ label: msg("Recent"), sign: "🕘", cells: recent }];
  return [...late, ...own, ...sorted.filter(({ cells }) => cells.length > 0)];
}

export function stickerGroups(scope: Scope): Group[] {
  return pictures(scope, "sticker");
}
