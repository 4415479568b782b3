/** Bundled aggregations: `unsigned["m.relations"]` (client-server API, "Aggregations of child events"). */
import { LRUCache } from "lru-cache";
import { atMost } from "../platform/caches.ts";
import type { LogRecord } from "../log/types.ts";
import { relationIn } from "../protocol/relations.ts";
import { relationsTo } from "../storage/room-relations.ts";
import { clientText } from "./client-text.ts";
import type { IgnoredBy, Shown } from "./shown.ts";
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

export interface BundlesDeps {
  readonly store: RoomStore;
  readonly shown: Shown;
  readonly ignoredBy: IgnoredBy;
  /** The log's position at the start. */
  readonly position: number;
}

const BUNDLED = ["m.replace", "m.thread", "m.reference"];
const MAX_TARGETS = 200_000;
/** Children looked at together when the newest may not be seen. */
const STEP = 100;

export function createBundles(deps: BundlesDeps): Bundles {
  const { store } = deps;
  // Relations to events younger than this are all in `targets`: no query is needed for the others.
  let watchedFrom = deps.position;
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
        const relation = relationIn(record.event.content);
        if (relation === undefined) continue;
        if (targets.size >= MAX_TARGETS) {
          targets.clear();
          watchedFrom = record.position;
        }
        targets.set(relation.eventId, true);
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
          if (rows.length === 0) return;
          const ignored = await deps.ignoredBy(reader.userId);
          const children = Map.groupBy(
            rows.filter((row) => !ignored.has(row.sender)),
            (row) => row.target,
          );
          for (const stored of ofRoom) {
            const own = children.get(stored.event.eventId);
            if (own === undefined) continue;
            const text = await bundle(deps, stored, own, reader);
            if (text !== undefined) texts.set(stored.nid, text);
          }
        }),
      );
      return texts;
    },
  };
}

async function bundle(
  deps: BundlesDeps,
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
  const edit = await lastSeen(deps, edits, reader);
  if (edit !== undefined) parts.push(`"m.replace":${clientText(edit.stored.event, "")}`);
  const thread = await threadText(deps, target, children, reader);
  if (thread !== undefined) parts.push(`"m.thread":${thread}`);
  const references = children.filter((child) => child.relType === "m.reference");
  if (references.length > 0) {
    const nids = references.map((child) => child.nid);
    const events = [...(await deps.store.events.byNids(nids)).values()];
    const seen = await deps.shown(reader.userId, events);
    const chunk = seen.map(({ stored }) => ({ event_id: stored.event.eventId }));
    if (chunk.length > 0) parts.push(`"m.reference":${JSON.stringify({ chunk })}`);
  }
  return parts.length === 0 ? undefined : `{${parts.join(",")}}`;
}

async function threadText(
  deps: BundlesDeps,
  target: StoredEvent,
  children: readonly Child[],
  reader: Reader,
): Promise<string | undefined> {
  const replies = children.filter((child) => child.relType === "m.thread");
  const last = await lastSeen(deps, replies, reader);
  if (last === undefined) return undefined;
  const counted = replies.slice(0, last.index + 1);
  const participated =
    target.event.sender === reader.userId ||
    counted.some((child) => child.sender === reader.userId);
  return (
    `{"latest_event":${clientText(last.stored.event, "")},"count":${counted.length},` +
    `"current_user_participated":${participated}}`
  );
}

/** The newest of the children that the reader may see: who has left does not see what came later. */
async function lastSeen(
  { store, shown }: BundlesDeps,
  children: readonly Child[],
  reader: Reader,
): Promise<{ stored: StoredEvent; index: number } | undefined> {
  for (let end = children.length, step = 1; end > 0; end -= step, step = STEP) {
    const some = children.slice(Math.max(0, end - step), end);
    const found = await store.events.byNids(some.map((child) => child.nid));
    const seen = await shown(
      reader.userId,
      some.flatMap((child) => found.get(child.nid) ?? []),
    );
    const last = seen.at(-1)?.stored;
    if (last === undefined) continue;
    return { stored: last, index: children.findIndex((child) => child.nid === last.nid) };
  }
  return undefined;
}
