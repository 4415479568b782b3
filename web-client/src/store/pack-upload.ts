import { msg, str } from "@lit/localize";
import type { Content } from "../api/types.ts";
import { fileSize } from "../text/time.ts";
import type { Client } from "./client.ts";
import { inspectFile } from "./files.ts";
import { CODE, type EditedImage } from "./image-pack-edits.ts";
import { uploadLimit } from "./uploads.ts";

/** A code of a file's name that is not taken: "Cat wave.png" is "cat_wave". */
export function codeFor(name: string, taken: ReadonlySet<string>): string {
  const stem = name
    .replace(/\.[^.]*$/, "")
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, 90);
  const first = CODE.test(stem) ? stem : "picture";
  for (let at = 1; ; at++) {
    const code = at === 1 ? first : `${first}_${at}`;
    if (!taken.has(code)) return code;
  }
}

/** Puts a picture on the server for a pack. Throws words when it is none, or too large. */
export async function uploadPicture(
  client: Client,
  file: File,
  taken: ReadonlySet<string>,
): Promise<EditedImage> {
  const limit = await uploadLimit(client);
  if (file.size > limit)
    throw new PictureError(msg(str`This is larger than the server takes: ${fileSize(limit)}.`));
  const { msgtype, info } = await inspectFile(file);
  if (msgtype !== "m.image") throw new PictureError(msg("This cannot be read as a picture."));
  const code = codeFor(file.name, taken);
  const mxc = await client.api.media.upload(file, file.name, () => undefined).done;
  // What only a place holder needs is left out: a pack has to fit into one event.
  const { w, h, size, mimetype } = info;
  const known = Object.entries({ w, h, size, mimetype }).filter(([, value]) => value !== undefined);
  return { code, mxc, body: "", info: Object.fromEntries(known) as Content };
}

/** Something about a file, in words for the person. */
export class PictureError extends Error {}
