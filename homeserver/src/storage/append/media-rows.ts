/** Which events name which files. */
import { mediaIn } from "../../protocol/events/media-in.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import { keyText } from "../streams/text.ts";
import type { RowKind } from "./row-kind.ts";

/** Other servers' files that one event is noted to name. */
const MAX_OTHERS = 10;
/** Events whose files of other servers are noted: those that show them. */
const SHOWING: ReadonlySet<string> = new Set(["m.room.message", "m.sticker"]);

export interface ReferenceRow {
  readonly server: string;
  readonly mediaId: string;
  /** Whether it is noted also if it is no upload of this server. */
  readonly isShown: boolean;
}

/** The files that an event names in the form in which it is stored. */
export function referencesIn(
  { type, stateKey }: Pick<RoomEvent, "type" | "stateKey">,
  json: string,
): ReferenceRow[] {
  const shows = stateKey === undefined && SHOWING.has(type);
  return mediaIn(json).map((named, index) => ({ ...named, isShown: shows && index < MAX_OTHERS }));
}

/** Rows of `media_references`; of what is no upload of this server, only what messages show. */
const INSERT_REFERENCES = `INSERT INTO media_references (server, media_id, event_nid, room_nid)
  SELECT t.server, t.media_id, t.event_nid, t.room_nid`;
const WORTH_NOTING = `(t.shown = 1 OR EXISTS (SELECT FROM media m
  WHERE m.server = t.server AND m.media_id = t.media_id AND m.user_id IS NOT NULL))`;

export const mediaReferences: RowKind = {
  name: "media_references",
  columns: [
    ["server", "text"],
    ["media_id", "text"],
    ["event_nid", "bigint"],
    ["room_nid", "bigint"],
    ["shown", "int"],
  ],
  rows: ({ append }) =>
    (append.events ?? []).flatMap((added) => {
      // What is stored already was noted when it was stored.
      if (added.stored === true) return [];
      const { event, nid, roomNid } = added;
      const own = append.redactions?.find((row) => row.targetEventId === event.eventId);
      const json = own?.redactedJson ?? event.json();
      return referencesIn(event, json).map(({ server, mediaId, isShown }) => [
        ...[keyText(server), keyText(mediaId), nid, roomNid],
        isShown ? 1 : 0,
      ]);
    }),
  statements: (from) => [`${INSERT_REFERENCES} ${from} AND ${WORTH_NOTING} ON CONFLICT DO NOTHING`],
};
