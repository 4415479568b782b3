import { object, text, type Content, type EventContent, type MatrixEvent } from "../api/types.ts";
import type { Client } from "./client.ts";
import { bodyWithoutFallback, shownContent } from "./describe.ts";
import { wishFor } from "./files.ts";
import type { Room } from "./room.ts";
import { isRedacted } from "./timeline.ts";

/** What belongs to the place that a message stands in, and not to the message. */
const LEFT_OUT = ["m.relates_to", "m.new_content", "m.mentions"];

/** Messages and stickers are passed on; other things have their meaning where they stand. */
export function canForward(event: MatrixEvent): boolean {
  return (event.type === "m.room.message" || event.type === "m.sticker") && !isRedacted(event);
}

/** The same file, uploaded openly: with its key in an open room it would be no secret either. */
async function opened(client: Client, content: Content): Promise<Content> {
  const wish = wishFor(
    content,
    { url: "url", file: "file" },
    text(object(content, "info"), "mimetype"),
  );
  if (wish === undefined) throw new Error("no file");
  const url = await client.media.acquire(wish);
  try {
    const blob = await (await fetch(url)).blob();
    const name = text(content, "filename") ?? text(content, "body") ?? "file";
    const { thumbnail_file: _file, thumbnail_info: _info, ...info } = object(content, "info") ?? {};
    const { file: _sealed, ...rest } = content;
    const uploaded = client.api.media.upload(blob, name, () => undefined);
    return { ...rest, info, url: await uploaded.done };
  } finally {
    client.media.release(wish);
  }
}

/** Sends what a message says, in its newest words, to another room. Answers true once it is on its way. */
export async function forward(
  client: Client,
  from: Room,
  event: MatrixEvent,
  to: Room,
): Promise<true> {
  const shown: Content = { ...shownContent(from, event) };
  for (const key of LEFT_OUT) delete shown[key];
  const body = text(shown, "body");
  if (body !== undefined) shown["body"] = bodyWithoutFallback(event, body);
  const isSealed = object(shown, "file") !== undefined;
  const content = isSealed && to.encryption === undefined ? await opened(client, shown) : shown;
  if (event.type === "m.sticker") {
    client.outbox.send(to, "m.sticker", content as unknown as EventContent<"m.sticker">);
  } else {
    client.outbox.send(to, "m.room.message", content as unknown as EventContent<"m.room.message">);
  }
  return true;
}
