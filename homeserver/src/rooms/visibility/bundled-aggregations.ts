/**
 * Bundled aggregations: `unsigned["m.relations"]` (client-server API, "Aggregations of child
 * events").
 */
import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import type { RecordOf } from "../../log/types.ts";
import {
  compareReplacements,
  isReplacement,
  mayBeReplaced,
  mayBeThreadRoot,
  relationIn,
} from "../../protocol/events/relations.ts";
import { relationsTo, type ChildRow, type Target } from "../../storage/rooms/relations.ts";
import { shareRows } from "../../storage/shared-query.ts";
import { rootOfBytes } from "../records/events.ts";
import type { VisibleEvents } from "./visible-events.ts";
import type { IgnoredBy, WithoutIgnored } from "./without-ignored.ts";
import type { RoomStore } from "../state/store.ts";
import type { VisibleEvent, Reader, StateRoot, StoredEvent } from "../api/index.ts";

/**
 * Client JSON of events that are embedded in others, in order; `bundling`: with their own
 * aggregations.
 */
export type PresentInside = (
  events: readonly VisibleEvent[],
  bundling: boolean,
) => Promise<string[]>;

export interface BundledAggregations {
  /** False only when the event certainly has no relations. */
  mayHave(event: StoredEvent): boolean;
  /** Event nid → JSON text of m.relations, for events that have any. */
  of(
    events: readonly StoredEvent[],
    reader: Reader,
    present: PresentInside,
  ): Promise<Map<number, string>>;
  follow(records: readonly RecordOf<"event" | "history">[]): void;
}

interface Child extends Omit<ChildRow, "stateBefore"> {
  readonly roomNid: number;
  readonly stateBefore: StateRoot;
}

/** The aggregations of one event. */
interface Aggregated {
  readonly nid: number;
  readonly edit: VisibleEvent | undefined;
  readonly thread: Thread | undefined;
  readonly references: readonly string[];
}

interface Thread {
  readonly latest: VisibleEvent;
  readonly count: number;
  readonly participated: boolean;
}

export interface BundledAggregationsDeps {
  readonly store: RoomStore;
  readonly withoutIgnored: WithoutIgnored;
  readonly visibleEvents: VisibleEvents;
  readonly ignoredBy: IgnoredBy;
  /** The log's position at the start. */
  readonly position: number;
}

type RowsOf = (targets: readonly Target[]) => Promise<readonly ChildRow[]>;

const BUNDLED = ["m.replace", "m.thread", "m.reference"];
const MAX_TARGETS = 200_000;
/** Children examined together when the first one is invisible or invalid. */
const STEP = 100;

export function createBundledAggregations(deps: BundledAggregationsDeps): BundledAggregations {
  // Relations to events newer than this are all in `targets`: others need no query.
  let watchedFrom = deps.position;
  const targets = new LRUCache<string, true>(atMost(MAX_TARGETS));
  const rowsOf: RowsOf = shareRows(
    (asked) => relationsTo(deps.store.sql, asked, BUNDLED),
    ({ eventId }) => eventId,
    ({ target }) => target,
  );
  /** Rooms that were backfilled since: relations in them are always queried. */
  const filled = new LRUCache<number, true>(atMost(MAX_TARGETS));

  function mayHave({ position, event, roomNid }: StoredEvent): boolean {
    if (event.stateKey !== undefined) return false;
    return (position ?? 0) <= watchedFrom || targets.has(event.eventId) || filled.has(roomNid);
  }

  return {
    mayHave,
    follow(records) {
      for (const record of records) {
        if (targets.size >= MAX_TARGETS || filled.size >= MAX_TARGETS) {
          targets.clear();
          filled.clear();
          watchedFrom = record.position;
        }
        if (record.kind === "history") {
          filled.set(record.roomNid, true);
          continue;
        }
        const relation = relationIn(record.event.content);
        if (relation !== undefined) targets.set(relation.eventId, true);
      }
    },
    async of(events, reader, present) {
      const wanted = events.filter(mayHave);
      if (wanted.length === 0) return new Map();
      return write(await aggregate(deps, rowsOf, wanted, reader), present);
    },
  };
}

async function aggregate(
  deps: BundledAggregationsDeps,
  rowsOf: RowsOf,
  events: readonly StoredEvent[],
  reader: Reader,
): Promise<Aggregated[]> {
  const rows = await rowsOf(
    events.map(({ roomNid, event: { eventId, sender, type } }) => ({
      ...{ roomNid, eventId, sender, type },
    })),
  );
  if (rows.length === 0) return [];
  const roomOf = new Map<string, number>(events.map((one) => [one.event.eventId, one.roomNid]));
  const ignored = await deps.ignoredBy(reader.userId);
  const notIgnored = rows
    .filter((row) => !ignored.has(row.sender))
    .map((row) => ({
      ...row,
      roomNid: roomOf.get(row.target)!,
      stateBefore: rootOfBytes(row.stateBefore),
    }));
  const visible = await deps.visibleEvents.among(reader.userId, notIgnored);
  const children = Map.groupBy(visible, (row) => row.target);
  const found = events.map(async (target): Promise<Aggregated[]> => {
    const own = children.get(target.event.eventId);
    if (own === undefined) return [];
    const [edit, thread] = await Promise.all([
      editOf(deps, target, own, reader),
      threadOf(deps, target, own, reader),
    ]);
    const references = own.filter((child) => child.relType === "m.reference");
    const { nid } = target;
    return [{ nid, edit, thread, references: references.map((child) => child.eventId) }];
  });
  return (await Promise.all(found)).flat();
}

/** The latest valid edit. A redacted event has none. */
async function editOf(
  deps: BundledAggregationsDeps,
  target: StoredEvent,
  children: readonly Child[],
  reader: Reader,
): Promise<VisibleEvent | undefined> {
  if (target.redactedBy !== null || !mayBeReplaced(target.event)) return undefined;
  const edits = children.filter((child) => child.relType === "m.replace");
  return firstOf(deps, edits.toSorted(compareReplacements), reader, (stored) =>
    isReplacement(target.event, stored.event),
  );
}

async function threadOf(
  deps: BundledAggregationsDeps,
  target: StoredEvent,
  children: readonly Child[],
  reader: Reader,
): Promise<Thread | undefined> {
  if (!mayBeThreadRoot(target.event)) return undefined;
  const replies = children.filter((child) => child.relType === "m.thread");
  const latest = await firstOf(deps, replies.toReversed(), reader, () => true);
  if (latest === undefined) return undefined;
  const { userId } = reader;
  const participated =
    target.event.sender === userId || replies.some((child) => child.sender === userId);
  return { latest, count: replies.length, participated };
}

/** The first of the children, in the given order, that the reader gets and that passes. */
async function firstOf(
  { store, withoutIgnored }: BundledAggregationsDeps,
  children: readonly Child[],
  reader: Reader,
  passes: (stored: StoredEvent) => boolean,
): Promise<VisibleEvent | undefined> {
  for (let at = 0, step = 1; at < children.length; at += step, step = STEP) {
    const some = children.slice(at, at + step);
    const found = await store.events.byNids(some.map((child) => child.nid));
    const events = some.flatMap((child) => found.get(child.nid) ?? []).filter(passes);
    const [first] = await withoutIgnored(reader.userId, events);
    if (first !== undefined) return first;
  }
  return undefined;
}

/**
 * The latest event of a thread has its own aggregations. It cannot be a thread root, so the nesting
 * ends there.
 */
async function write(
  all: readonly Aggregated[],
  present: PresentInside,
): Promise<Map<number, string>> {
  const edits = all.flatMap(({ edit }) => edit ?? []);
  const latest = all.flatMap(({ thread }) => thread?.latest ?? []);
  const [editTexts, latestTexts] = await Promise.all([
    edits.length === 0 ? [] : present(edits, false),
    latest.length === 0 ? [] : present(latest, true),
  ]);
  const [nextEdit, nextLatest] = [editTexts.values(), latestTexts.values()];
  const texts = new Map<number, string>();
  for (const { nid, edit, thread, references } of all) {
    const parts: string[] = [];
    if (edit !== undefined) parts.push(`"m.replace":${nextEdit.next().value}`);
    if (thread !== undefined) {
      const { count, participated } = thread;
      parts.push(
        `"m.thread":{"latest_event":${nextLatest.next().value},"count":${count},` +
          `"current_user_participated":${participated}}`,
      );
    }
    if (references.length > 0) {
      const chunk = references.map((eventId) => ({ event_id: eventId }));
      parts.push(`"m.reference":${JSON.stringify({ chunk })}`);
    }
    if (parts.length > 0) texts.set(nid, `{${parts.join(",")}}`);
  }
  return texts;
}
