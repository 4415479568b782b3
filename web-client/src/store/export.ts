import type { MatrixEvent } from "../api/types.ts";
import { fullTime } from "../text/time.ts";
import type { Client } from "./client.ts";
import { describeNotice, isMessage, shownContent } from "./describe.ts";
import type { Room } from "./room.ts";
import { wholeMessage } from "./said.ts";
import { Timeline } from "./timeline.ts";

export type ExportFormat = "text" | "html" | "json";

/** Events of one export at most, and how many are read at a time. */
const MAX_EVENTS = 50_000;

interface Wish {
  format: ExportFormat;
  /** Messages that are wanted at most, the newest. */
  most: number;
  signal: AbortSignal;
  /** Told how many have been read. */
  onProgress(read: number): void;
}

/** Reads a room's history back, as far as is wanted. Oldest first. */
async function collect(
  client: Client,
  room: Room,
  { most, signal, onProgress }: Wish,
): Promise<MatrixEvent[]> {
  const limit = Math.min(most, MAX_EVENTS);
  const shown = (stretch: Timeline): MatrixEvent[] =>
    stretch.entries.filter((entry) => !entry.hidden).map((entry) => entry.event);
  let events = shown(room.timeline);
  const stretch = Timeline.before(room.timeline);
  try {
    while (events.length < limit && !stretch.reachedStart) {
      signal.throwIfAborted();
      await client.history.older(room, stretch);
      events = [...shown(stretch), ...events];
      stretch.dropAll();
      onProgress(Math.min(events.length, limit));
    }
  } finally {
    stretch.close();
  }
  return events.slice(-limit);
}

function escaped(words: string): string {
  const names: Record<string, string> = { "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;" };
  return words.replaceAll(/[<>&"]/g, (character) => names[character]!);
}

interface Line {
  ts: number;
  /** Undefined for what is no message. */
  by: string | undefined;
  words: string;
}

function linesOf(room: Room, events: readonly MatrixEvent[]): Line[] {
  return events.flatMap((event): Line[] => {
    const ts = event.origin_server_ts;
    if (isMessage(event)) {
      const words = wholeMessage(room, event, shownContent(room, event));
      return [{ ts, by: `${room.displayName(event.sender)} (${event.sender})`, words }];
    }
    const words = describeNotice(room, event);
    return words === undefined ? [] : [{ ts, by: undefined, words }];
  });
}

function asText(name: string, lines: readonly Line[]): string {
  const said = lines.map(({ ts, by, words }) => {
    const time = new Date(ts).toISOString();
    return by === undefined ? `[${time}] * ${words}` : `[${time}] ${by}: ${words}`;
  });
  return [name, "", ...said, ""].join("\n");
}

function asHtml(name: string, lines: readonly Line[]): string {
  const said = lines.map(({ ts, by, words }) => {
    const time = `<time>${escaped(fullTime(ts))}</time>`;
    return by === undefined
      ? `<p class="note">${time} ${escaped(words)}</p>`
      : `<article><h2>${escaped(by)}</h2>${time}<p>${escaped(words)}</p></article>`;
  });
  const style =
    "body{max-width:46em;margin:2em auto;padding:0 1em;font:1em/1.5 system-ui,sans-serif}" +
    "h2{display:inline;margin:0;font-size:1em}time,.note{color:#5c6068;font-size:.87em}" +
    "article{margin:0 0 .8em}article p{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}";
  return (
    `<!doctype html><html lang="und"><head><meta charset="utf-8"><title>${escaped(name)}</title>` +
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">` +
    `<style>${style}</style></head><body><h1>${escaped(name)}</h1>\n${said.join("\n")}\n</body></html>\n`
  );
}

function asJson(room: Room, name: string, events: readonly MatrixEvent[]): string {
  const messages = events.map(
    ({ event_id, type, sender, origin_server_ts, content, state_key }) => ({
      event_id,
      type,
      sender,
      origin_server_ts,
      content,
      ...(state_key !== undefined && { state_key }),
    }),
  );
  return `${JSON.stringify({ room_id: room.roomId, name, exported: new Date().toISOString(), messages }, undefined, 2)}\n`;
}

const TYPES: Record<ExportFormat, [mime: string, end: string]> = {
  text: ["text/plain", "txt"],
  html: ["text/html", "html"],
  json: ["application/json", "json"],
};

/** A conversation as a file: what one may see of it, in its newest words, as far as this device can read it. */
export async function exportRoom(
  client: Client,
  room: Room,
  wish: Wish,
): Promise<{ blob: Blob; name: string; count: number }> {
  const events = await collect(client, room, wish);
  const name = client.store.summary(room.roomId)?.name ?? room.roomId;
  const [mime, end] = TYPES[wish.format];
  const source =
    wish.format === "json"
      ? asJson(room, name, events)
      : wish.format === "html"
        ? asHtml(name, linesOf(room, events))
        : asText(name, linesOf(room, events));
  const blob = new Blob([source], { type: `${mime};charset=utf-8` });
  const file = name.replaceAll(/[^\p{L}\p{N} ._-]/gu, "_").slice(0, 80);
  return { blob, name: `${file}.${end}`, count: events.length };
}
