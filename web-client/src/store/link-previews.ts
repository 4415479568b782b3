import { atom } from "nanostores";
import { isTransient } from "../api/errors.ts";
import { parseMxc } from "../api/media.ts";
import { number, text, type Content, type MatrixEvent } from "../api/types.ts";
import { parseMatrixLink, splitLinks } from "../text/links.ts";
import { plainName } from "../text/names.ts";
import type { Client } from "./client.ts";
import type { Room } from "./room.ts";
import { readSetting, writeSetting } from "./settings.ts";

/** What a page says of itself, as the server tells it. */
export interface LinkPreview {
  title: string;
  site: string | undefined;
  description: string | undefined;
  image: { mxc: string; width: number; height: number } | undefined;
}

const IN_OPEN = "weft.previews";
const IN_ENCRYPTED = "weft.previews-encrypted";

/** Whether links are looked at: by themselves in open rooms, in encrypted ones only where somebody chose it, since the server learns of them. */
export const $previews = atom({
  open: readSetting(IN_OPEN) !== "off",
  encrypted: readSetting(IN_ENCRYPTED) === "on",
});

export function setPreviews(change: Partial<{ open: boolean; encrypted: boolean }>): void {
  const next = { ...$previews.get(), ...change };
  writeSetting(IN_OPEN, next.open ? "on" : "off");
  writeSetting(IN_ENCRYPTED, next.encrypted ? "on" : "off");
  $previews.set(next);
}

/** Links of a message that are looked at. */
const MAX_LINKS = 2;

/** The addresses in a message that a preview may stand for, as far as the room's settings let. */
export function previewedLinks(room: Room, event: MatrixEvent, body: string): string[] {
  const { open, encrypted } = $previews.get();
  const isEncrypted = room.encryption !== undefined;
  if (!(isEncrypted ? encrypted : open) || event.event_id.startsWith("~")) return [];
  const links = splitLinks(body.slice(0, 5000)).flatMap(({ href }) =>
    href !== undefined && /^https?:/i.test(href) && parseMatrixLink(href) === undefined
      ? [href]
      : [],
  );
  return [...new Set(links)].slice(0, MAX_LINKS);
}

function read(answer: Content): LinkPreview | undefined {
  const title = plainName(text(answer, "og:title"));
  if (title === undefined) return undefined;
  const mxc = text(answer, "og:image");
  const width = number(answer, "og:image:width") ?? 0;
  const height = number(answer, "og:image:height") ?? 0;
  return {
    title,
    site: plainName(text(answer, "og:site_name")),
    description: plainName(text(answer, "og:description")),
    image: mxc === undefined || parseMxc(mxc) === undefined ? undefined : { mxc, width, height },
  };
}

/** Previews that are kept. */
const MAX_KEPT = 200;
const kept = new WeakMap<Client, Map<string, Promise<LinkPreview | undefined>>>();

/** What stands at an address, asked once; undefined when there is nothing to show. */
export function previewOf(client: Client, url: string): Promise<LinkPreview | undefined> {
  const ours = kept.get(client) ?? new Map<string, Promise<LinkPreview | undefined>>();
  kept.set(client, ours);
  const known = ours.get(url);
  if (known !== undefined) return known;
  const asked = client.api.media.preview(url).then(read, (error: unknown) => {
    if (isTransient(error)) ours.delete(url);
    return undefined;
  });
  ours.set(url, asked);
  if (ours.size > MAX_KEPT) ours.delete(ours.keys().next().value!);
  return asked;
}
