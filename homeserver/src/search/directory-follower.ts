/** Keeps the directory of users: a follower of the log, which writes anew whoever has changed. */
import type { FollowerOptions } from "../log/follow.ts";
import type { RecordOf } from "../log/types.ts";
import type { Clock } from "../platform/clock.ts";
import { createKeyedQueue } from "../platform/keyed-queue.ts";
import { historyVisibility } from "../protocol/events/visibility.ts";
import { isJsonObject, type Json } from "../protocol/json.ts";
import { isStorable, wellFormed } from "../protocol/text.ts";
import type { RoomView } from "../rooms/api/index.ts";
import {
  type DirectoryFacts,
  directoryFacts,
  nextMembers,
  nextRooms,
  noteOpenRooms,
  writeDirectory,
} from "../storage/search/user-directory.ts";
import { loadCursor, OF_BEFORE, saveCursor } from "../storage/streams/cursors.ts";
import type { Sql } from "../storage/sql.ts";
import { transaction } from "../storage/transaction.ts";
import { indexedWords } from "./words.ts";

const KINDS = ["event", "membership", "profile", "partial_state"] as const;
type Kinds = (typeof KINDS)[number];

/** Users, or rooms, of one step. */
const STEP = 200;
/** Words of one user. */
const MAX_WORDS = 100;
/** How often it is looked whether all are to be written anew. */
const WATCH_MS = 3_000;
/** UTF-16 code units of a name that another server's member event gives. */
const MAX_NAME = 1024;

/** Types of events that open rooms, or shut them. */
const OPENING = new Set(["m.room.join_rules", "m.room.history_visibility"]);
const KEYS = [
  ["m.room.join_rules", ""],
  ["m.room.history_visibility", ""],
] as const;

export interface DirectoryFollowerDeps {
  readonly sql: Sql;
  readonly view: Pick<RoomView, "currentStateOfRooms">;
  /** Resolves when those who were there before may be written. */
  readonly allowed: (signal: AbortSignal) => Promise<void>;
  readonly clock: Pick<Clock, "sleep">;
}

export function directoryFollower({
  sql,
  view,
  allowed,
  clock,
}: DirectoryFollowerDeps): FollowerOptions<Kinds> {
  /** What is written comes one after another. */
  const lane = createKeyedQueue<"">();

  async function write(userIds: readonly string[]): Promise<void> {
    for (let at = 0; at < userIds.length; at += STEP) {
      const some = userIds.slice(at, at + STEP);
      await transaction(sql, async (tx) => {
        const facts = await directoryFacts(tx, some);
        await writeDirectory(
          tx,
          some,
          facts.flatMap((each) => entryOf(each) ?? []),
        );
      });
    }
  }

  async function writeAll(next: (after: string) => Promise<string[]>, signal: AbortSignal) {
    for (let after = ""; ;) {
      signal.throwIfAborted();
      const some = await next(after);
      await write(some);
      if (some.length < STEP) return;
      after = some.at(-1)!;
    }
  }

  /** Notes which of the rooms are open, and returns those that were not so before. */
  async function look(roomNids: readonly number[]): Promise<number[]> {
    if (roomNids.length === 0) return [];
    const states = await view.currentStateOfRooms(roomNids, KEYS);
    const rooms = roomNids.map((roomNid) => {
      const events = new Map((states.get(roomNid) ?? []).map(({ event }) => [event.type, event]));
      const rule = events.get("m.room.join_rules")?.content.join_rule;
      const visibility = historyVisibility(events.get("m.room.history_visibility"));
      return { roomNid, isOpen: rule === "public" || visibility === "world_readable" };
    });
    return transaction(sql, (tx) => noteOpenRooms(tx, rooms));
  }

  /** An administrator may want all to be written anew, while nothing happens. Never rejects. */
  async function watch(signal: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(WATCH_MS, signal);
      if (signal.aborted) return;
      // What went wrong is tried again.
      await lane.run("", () => build(signal)).catch(() => undefined);
    }
  }

  /** Writes all who were there before, unless that is done: an administrator may want it again. */
  async function build(signal: AbortSignal): Promise<void> {
    if ((await loadCursor(sql, OF_BEFORE.people)) !== undefined) return;
    for (let after = -1; ;) {
      await allowed(signal);
      const rooms = await nextRooms(sql, after, STEP);
      await look(rooms);
      if (rooms.length < STEP) break;
      after = rooms.at(-1)!;
    }
    await writeAll(async (after) => {
      await allowed(signal);
      return nextMembers(sql, after, STEP);
    }, signal);
    await saveCursor(sql, OF_BEFORE.people, 1);
  }

  async function take(records: readonly RecordOf<Kinds>[], signal: AbortSignal): Promise<void> {
    const users = new Set<string>();
    const changed = new Set<number>();
    const whole = new Set<number>();
    for (const record of records) note(record, { users, changed, whole });
    for (const roomNid of await look([...changed])) whole.add(roomNid);
    await write([...users]);
    for (const roomNid of whole) {
      await writeAll((after) => nextMembers(sql, after, STEP, roomNid), signal);
    }
  }

  return {
    name: "user-directory",
    kinds: KINDS,
    from: "end",
    async begin(signal) {
      await lane.run("", () => build(signal));
      void watch(signal);
    },
    handle: (records, signal) => lane.run("", () => take(records, signal)),
  };
}

interface Noted {
  readonly users: Set<string>;
  /** Rooms whose state has changed. */
  readonly changed: Set<number>;
  /** Rooms whose members are all to be written. */
  readonly whole: Set<number>;
}

function note(record: RecordOf<Kinds>, { users, changed, whole }: Noted): void {
  switch (record.kind) {
    case "profile":
    case "membership":
      users.add(record.userId);
      break;
    case "event":
      for (const { userId } of record.memberships) users.add(userId);
      if (!record.stateChanged) break;
      changed.add(record.roomNid);
      // Also where it was noted already: the process may have stopped before the members were.
      if (OPENING.has(record.event.type)) whole.add(record.roomNid);
      break;
    case "partial_state":
      changed.add(record.roomNid);
      if (record.isComplete) whole.add(record.roomNid);
      break;
  }
}

/** Undefined for a user who is not to be found. */
function entryOf(facts: DirectoryFacts) {
  const { userId, isOpen, isLocal, member } = facts;
  const told = isLocal ? facts : profileIn(member);
  if (told === undefined) return undefined;
  const { displayName, avatarUrl } = told;
  const localpart = userId.slice(1, userId.indexOf(":"));
  const words = new Set([
    ...indexedWords(localpart, MAX_WORDS),
    ...indexedWords(displayName ?? "", MAX_WORDS),
    ...(isOpen ? ["#open"] : []),
  ]);
  return { userId, displayName, avatarUrl, words: [...words] };
}

/** Name and picture in a member event. Undefined without one: a local user whose account is closed. */
function profileIn(member: string | null) {
  if (member === null) return undefined;
  const { content } = JSON.parse(member) as { content?: Json };
  const { displayname, avatar_url: avatar } = isJsonObject(content) ? content : {};
  return {
    displayName:
      typeof displayname === "string" && displayname !== "" && isStorable(displayname)
        ? wellFormed(displayname, MAX_NAME)
        : null,
    avatarUrl:
      typeof avatar === "string" && avatar.startsWith("mxc://") && isStorable(avatar)
        ? wellFormed(avatar, MAX_NAME)
        : null,
  };
}
