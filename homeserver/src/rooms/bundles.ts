/** Bundled aggregations: `unsigned["m.relations"]` (client-server API, "Aggregations of child events"). */
import { LRUCache } from "lru-cache";
import { atMost } from "../platform/caches.ts";
import type { LogRecord } from "../log/types.ts";
import { isJsonObject } from "../protocol/json.ts";
import { relationsTo } from "../storage/room-relations.ts";
import { clientText } from "./client-text.ts";
import type { RoomStore } from "./store.ts";
import type { Reader, StoredEvent } from "./types.ts";

export interface Bundles {
  /** False only when the event has no relations to show. */
  mayHave(event: StoredEvent): boolean;
  /** Event nid → JSON text of m.relations, for those that have any. */
  of(events: readonly StoredEvent[], reader: Reader): Promise<Map<number, string>>;
  follow(records: readonly LogRecord[]): void;
}

interface Child {
  readonly nid: number;
  readonly target: string;
  readonly relType: string;
  readonly type: string;
  readonly sender: string;
}

const BUNDLED = ["m.replace", "m.thread", "m.reference"];
const MAX_TARGETS = 200_000;

export function createBundles(store: RoomStore, startPosition: number): Bundles {
  // Relations to events younger than this are all in `targets`: no query is needed for the others.
  let watchedFrom = startPosition;
  const targets = new LRUCache<string, true>(atMost(MAX_TARGETS));

  function mayHave({ position, event, redactedBy }: StoredEvent): boolean {
    return (
      redactedBy === null &&
      event.stateKey === undefined &&
      ((position ?? 0) <= watchedFrom || targets.has(event.eventId))
    );
  }

  return {
    mayHave,
    follow(records) {
      for (const record of records) {
        if (record.kind !== "event") continue;
        const relation = record.event.content["m.relates_to"];
        if (!isJsonObject(relation) || typeof relation.event_id !== "string") continue;
        if (targets.size >= MAX_TARGETS) {
          targets.clear();
          watchedFrom = record.position;
        }
        targets.set(relation.event_id, true);
      }
    },
    async of(events, reader) {
      const wanted = events.filter(mayHave);
      const texts = new Map<number, string>();
      if (wanted.length === 0) return texts;
      const rooms = Map.groupBy(wanted, (stored) => stored.roomNid);
      await Promise.all(
        [...rooms].map(async ([roomNid, ofRoom]) => {
          const ids = ofRoom.map((stored) => stored.event.eventId);
          const rows = await relationsTo(store.sql, roomNid, ids, BUNDLED);
          const children = Map.groupBy(rows, (row) => row.target);
          for (const stored of ofRoom) {
            const own = children.get(stored.event.eventId);
            if (own === undefined) continue;
            const text = await bundle(store, stored, own, reader);
            if (text !== undefined) texts.set(stored.nid, text);
          }
        }),
      );
      return texts;
    },
  };
}

async function bundle(
  store: RoomStore,
  target: StoredEvent,
  children: readonly Child[],
  reader: Reader,
): Promise<string | undefined> {
  const parts: string[] = [];
  const edits = children.filter(
    (child) =>
      child.relType === "m.replace" &&
      child.sender === target.event.sender &&
      child.type === target.event.type,
  );
  const threads = children.filter((child) => child.relType === "m.thread");
  const lastEdit = edits.at(-1);
  const lastReply = threads.at(-1);
  const shown = await store.events.byNids(
    [lastEdit?.nid ?? 0, lastReply?.nid ?? 0].filter(Boolean),
  );
  const edit = lastEdit && shown.get(lastEdit.nid);
  if (edit !== undefined) parts.push(`"m.replace":${clientText(edit.event, "")}`);
  const reply = lastReply && shown.get(lastReply.nid);
  if (reply !== undefined) {
    const participated =
      target.event.sender === reader.userId ||
      threads.some((child) => child.sender === reader.userId);
    parts.push(
      `"m.thread":{"latest_event":${clientText(reply.event, "")},"count":${threads.length},` +
        `"current_user_participated":${participated}}`,
    );
  }
  const references = children.filter((child) => child.relType === "m.reference");
  if (references.length > 0) {
    const events = await store.events.byNids(references.map((child) => child.nid));
    const chunk = [...events.values()].map(({ event }) => ({ event_id: event.eventId }));
    parts.push(`"m.reference":${JSON.stringify({ chunk })}`);
  }
  return parts.length === 0 ? undefined : `{${parts.join(",")}}`;
}
