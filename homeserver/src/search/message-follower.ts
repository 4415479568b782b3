/** Keeps the index of messages: a follower of the log, which writes anew whatever has changed. */
import type { FollowerOptions } from "../log/follow.ts";
import type { RecordOf } from "../log/types.ts";
import type { Clock } from "../platform/clock.ts";
import { isJsonObject, type Json, type JsonObject } from "../protocol/json.ts";
import {
  nextSearchable,
  pruneSearchable,
  SEARCHABLE,
  type SearchableFacts,
  searchableFacts,
  type SearchableRow,
  shownInsteadOf,
  writeSearchable,
} from "../storage/search/searchable-events.ts";
import { loadCursor, OF_BEFORE, saveCursor } from "../storage/streams/cursors.ts";
import type { Sql } from "../storage/sql.ts";
import { transaction } from "../storage/transaction.ts";
import { indexedWords } from "./words.ts";

const KINDS = ["event", "history", "partial_state", "purge"] as const;
type Kinds = (typeof KINDS)[number];

/** The messages of a second are written together: so long one may not be found. */
const GATHER_MS = 1_000;
/** Events of one step. */
const STEP = 200;
/** Words of one event; a message has 64 kB at most. */
const MAX_WORDS = 2000;
/** UTF-16 code units of a text that are looked at. */
const MAX_TEXT = 32_768;
const DONE = Number.MAX_SAFE_INTEGER;

const TYPES: ReadonlySet<string> = new Set(SEARCHABLE);

export interface MessageFollowerDeps {
  readonly sql: Sql;
  readonly clock: Pick<Clock, "now">;
  /** Resolves when the events that were there before may be written. */
  readonly allowed: (signal: AbortSignal) => Promise<void>;
}

export function messageFollower({
  sql,
  clock,
  allowed,
}: MessageFollowerDeps): FollowerOptions<Kinds> {
  async function write(nids: readonly number[], redactedIds: readonly string[] = []) {
    for (let at = 0; at < Math.max(nids.length, redactedIds.length); at += STEP) {
      const [some, ids] = [nids.slice(at, at + STEP), redactedIds.slice(at, at + STEP)];
      await transaction(sql, async (tx) => {
        const shown = await shownInsteadOf(tx, some, ids);
        const facts = await searchableFacts(tx, shown);
        const now = clock.now();
        await writeSearchable(
          tx,
          shown,
          facts.flatMap((each) => rowOf(each, now) ?? []),
        );
      });
    }
  }

  async function writeAll(
    from: number,
    signal: AbortSignal,
    { roomNid, done }: { roomNid?: number; done?: (nid: number) => Promise<void> },
  ): Promise<void> {
    for (let after = from; ;) {
      signal.throwIfAborted();
      const some = await nextSearchable(sql, after, STEP, roomNid);
      await write(some);
      if (some.length < STEP) return;
      after = some.at(-1)!;
      await done?.(after);
    }
  }

  async function prune(roomNid: number, signal: AbortSignal): Promise<void> {
    let after: number | undefined = -1;
    while (after !== undefined) {
      signal.throwIfAborted();
      const from: number = after;
      after = await transaction(sql, (tx) => pruneSearchable(tx, roomNid, from, STEP));
    }
  }

  return {
    name: "searchable-events",
    kinds: KINDS,
    from: "end",
    gatherMs: GATHER_MS,
    async begin(signal) {
      const built = (await loadCursor(sql, OF_BEFORE.messages)) ?? -1;
      if (built === DONE) return;
      await allowed(signal);
      await writeAll(built, signal, {
        async done(nid) {
          await saveCursor(sql, OF_BEFORE.messages, nid);
          await allowed(signal);
        },
      });
      await saveCursor(sql, OF_BEFORE.messages, DONE);
    },
    async handle(records, signal) {
      const found: Found = { nids: [], redacted: [], whole: new Set(), purged: new Set() };
      for (const record of records) note(record, found);
      await write([...new Set(found.nids)], [...new Set(found.redacted)]);
      for (const roomNid of found.whole) await writeAll(-1, signal, { roomNid });
      for (const roomNid of found.purged) await prune(roomNid, signal);
    },
  };
}

interface Found {
  readonly nids: number[];
  /** Ids of events that may have been redacted. */
  readonly redacted: string[];
  /** Rooms whose events are all to be looked at. */
  readonly whole: Set<number>;
  readonly purged: Set<number>;
}

function note(record: RecordOf<Kinds>, { nids, redacted, whole, purged }: Found): void {
  switch (record.kind) {
    case "event":
      if (TYPES.has(record.event.type)) nids.push(record.eventNid);
      if (record.event.redacts !== undefined) redacted.push(record.event.redacts);
      break;
    case "history":
      nids.push(...record.eventNids);
      break;
    case "partial_state":
      // Events that came before the state was known have been judged anew.
      if (record.isComplete) whole.add(record.roomNid);
      break;
    case "purge":
      purged.add(record.roomNid);
      break;
  }
}

/** Undefined for an event without words. */
function rowOf(facts: SearchableFacts, now: number): SearchableRow | undefined {
  const { nid, roomNid, sender, type, editNid } = facts;
  const own = contentIn(facts.json);
  const edited = facts.editJson === null ? undefined : contentIn(facts.editJson)["m.new_content"];
  const content = isJsonObject(edited) ? edited : own;
  const key = SEARCHABLE.indexOf(type as (typeof SEARCHABLE)[number]);
  const words = textsOf(key, content).flatMap((text) =>
    indexedWords(text.slice(0, MAX_TEXT), MAX_WORDS),
  );
  if (words.length === 0) return undefined;
  const ts = Math.min(Math.max(facts.ts, 0), now);
  const sourceNid = content === own || editNid === null ? nid : editNid;
  return { nid, sourceNid, roomNid, sender, key, ts, words };
}

/** The texts by which content is found, by the number of its key. */
export function textsOf(key: number, content: JsonObject): string[] {
  const texts = [[content.body], [content.name], [content.topic, plainTopic(content)]][key] ?? [];
  return texts.filter((text) => typeof text === "string");
}

/** The plain text among the representations of a topic. (Client-server API, "m.room.topic".) */
function plainTopic(content: JsonObject): Json | undefined {
  const topic = content["m.topic"];
  const texts = isJsonObject(topic) ? topic["m.text"] : undefined;
  for (const text of Array.isArray(texts) ? texts : []) {
    if (isJsonObject(text) && (text.mimetype ?? "text/plain") === "text/plain") return text.body;
  }
  return undefined;
}

function contentIn(json: string): JsonObject {
  const { content } = JSON.parse(json) as { content?: Json };
  return isJsonObject(content) ? content : {};
}
