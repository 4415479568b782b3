import { createMemoryWake } from "../../src/log/wake.ts";
import type { Wake } from "../../src/log/wake.ts";
import { createLog } from "../../src/log/log.ts";
import type {
  Append,
  HeadMove,
  Log,
  LogRecord,
  NewEvent,
  RecordKind,
} from "../../src/log/types.ts";
import { nextHeadVersion } from "../../src/log/types.ts";
import { type Clock, systemClock } from "../../src/platform/clock.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { eventFromStored } from "../../src/protocol/events/event.ts";
import type { RoomEvent } from "../../src/protocol/events/event.ts";
import type { EventId, ServerName } from "../../src/protocol/identifiers.ts";
import { roomVersion } from "../../src/protocol/room-versions.ts";
import type { RoomVersion } from "../../src/protocol/room-versions.ts";
import { connectWriter } from "../../src/storage/append/append.ts";
import { STREAMS } from "../../src/storage/streams/index.ts";
import { connect } from "../../src/storage/sql.ts";
import type { DatabaseLocation, Sql } from "../../src/storage/sql.ts";

/** All kinds of records. */
export const EVERYTHING: readonly RecordKind[] = [
  ...(["event", "membership"] as const),
  ...STREAMS.map(({ kind }) => kind),
];

/** Calls the listener with all that the log tells; returns what ends it. */
export function hear(log: Log, listener: (records: readonly LogRecord[]) => void): () => void {
  return log.follow({ phase: "readers", kinds: EVERYTHING, take: listener });
}

export const SERVER = "here.example" as ServerName;
const VERSION = roomVersion("11") as RoomVersion;

export interface TestLog {
  log: Log;
  sql: Sql;
  stop(): Promise<void>;
}

/** A log of its own on a database, as one replica has it. */
export async function openLog(
  location: DatabaseLocation,
  wake?: Wake,
  clock: Clock = systemClock,
): Promise<TestLog> {
  const sql = connect(location, { max: 4 });
  const log = await createLog({
    sql,
    writer: connectWriter(location),
    wake: wake ?? createMemoryWake(),
    clock,
    logger: silentLogger(),
    serverName: SERVER,
  });
  return {
    log,
    sql,
    async stop() {
      await log.stop();
      await sql.end({ timeout: 2 });
    },
  };
}

let lastNid = 1_000_000;
export const freshNid = (): number => ++lastNid;

/** Makes a room's row, as the engine does before its first append. */
export async function makeRoom(sql: Sql, name: string): Promise<TestRoom> {
  const roomId = `!${name}:${SERVER}`;
  const [row] = await sql<{ nid: number }[]>`
    INSERT INTO rooms (room_nid, room_id, version, created_ts)
    VALUES (nextval('room_nids'), ${roomId}, '11', 0) RETURNING room_nid AS nid`;
  return { nid: row?.nid ?? 0, roomId, version: 0 };
}

export interface TestRoom {
  nid: number;
  roomId: string;
  /** Head version that the next command builds on. */
  version: number;
}

let counter = 0;

/** An event in its stored form; nothing about it is signed. */
export function makeEvent(room: TestRoom, fields: Record<string, unknown> = {}): RoomEvent {
  const { event_id: id, ...rest } = fields;
  counter += 1;
  const pdu = {
    auth_events: ["$auth"],
    content: { body: `message ${counter} with "quotes", \\ and ünïcode` },
    depth: 1,
    hashes: {},
    origin_server_ts: 1_700_000_000_000,
    prev_events: [`$prev-${counter}`],
    room_id: room.roomId,
    sender: `@alice:${SERVER}`,
    signatures: {},
    type: "m.room.message",
    ...rest,
  };
  const eventId = (id ?? `$event-${process.pid}-${counter}`) as EventId;
  return eventFromStored(JSON.stringify(pdu), VERSION, eventId);
}

export function live(room: TestRoom, event: RoomEvent, more: Partial<NewEvent> = {}): NewEvent {
  return {
    nid: freshNid(),
    roomNid: room.nid,
    event,
    timeline: "live",
    stateBefore: Buffer.alloc(16, 1),
    stateAfter: Buffer.alloc(16, 1),
    roomState: Buffer.alloc(16, 1),
    authNids: [1, 2],
    ...more,
  };
}

/** One command: moves the room's head and appends one message, built on what was built before. */
export function command(room: TestRoom, more: Partial<Append> = {}): Append {
  const event = live(room, makeEvent(room));
  const head: HeadMove = {
    roomNid: room.nid,
    expectedVersion: room.version,
    version: nextHeadVersion(room.version, systemRandom),
    extremities: [event.nid],
    stateRoot: Buffer.alloc(16, 1),
    depth: 1,
  };
  room.version = head.version;
  return { head, events: [event], ...more };
}

export const onlyEvent = (append: Append): NewEvent => append.events?.[0] as NewEvent;
