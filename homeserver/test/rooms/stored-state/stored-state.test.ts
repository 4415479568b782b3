/**
 * Whatever way the events of a room come to a server, the states that it stores are those of the plain algorithm on the whole
 * graph. Histories at random: told live, fetched, told by state, filled in from before, rejected and judged again, in rooms
 * of which a part of the state is known, purged, and killed after any commit.
 */
import { appendFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import type { RoomId } from "../../../src/protocol/identifiers.ts";
import { ROOM_VERSION_IDS, roomVersion } from "../../../src/protocol/room-versions.ts";
import { checkRoom } from "../../../src/rooms/integrity/index.ts";
import { createRoomStore } from "../../../src/rooms/state/store.ts";
import { choicesOf } from "../../protocol/forked-room.ts";
import { freshDatabase } from "../../support/database.ts";
import type { TestDatabase } from "../../support/database.ts";
import { createOthers } from "./others.ts";
import { RoomRun } from "./room-run.ts";
import type { Counts } from "./room-run.ts";
import { keyOf } from "./sealed.ts";
import { createSubject } from "./subject.ts";

/** WEFT_STATE_HISTORIES=10000 for many; WEFT_STATE_HISTORIES_FROM for other seeds; WEFT_STATE_REPORT: a file for progress. */
const HISTORIES = Number(process.env["WEFT_STATE_HISTORIES"] ?? 24);
const REPORT = process.env["WEFT_STATE_REPORT"];
const FIRST = Number(process.env["WEFT_STATE_HISTORIES_FROM"] ?? 0);
/** A batch has one room of each version, at once. Half of the histories are for one replica, half for two. */
const BATCHES = Math.ceil(HISTORIES / ROOM_VERSION_IDS.length / 2);
/** Rooms of earlier batches make queries no faster. */
const BATCHES_A_DATABASE = 50;

/** So many failures are told; the first is enough to fail. */
const MOST_FAILURES = 30;

const failures: string[] = [];
const tally = new Map<string, Counts>();

function countsOf(replicas: number, version: string): Counts {
  const key = `${replicas} ${version}`;
  let counts = tally.get(key);
  if (counts === undefined) {
    counts = {
      histories: 0,
      events: 0,
      placed: 0,
      outliers: 0,
      rejected: 0,
      forks: 0,
      partial: 0,
      purged: 0,
    };
    tally.set(key, counts);
  }
  return counts;
}

let db: TestDatabase;

beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(async () => {
  await db.close();
  console.info(figures());
});

function figures(): string {
  const lines = [...tally].map(([key, counts]) => {
    const [replicas, version] = key.split(" ");
    const said = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
    return `version ${version}, ${replicas} replica(s): ${said.join(", ")}`;
  });
  return lines.join("\n");
}

/** How much of a room waits for another try; it is due now. */
async function waiting(roomId: RoomId): Promise<number> {
  // Rows that the server is at work on are left for the next look: whoever waits for one may hold another.
  await db.sql`
    UPDATE staged_events SET next_try = 0 WHERE event_id IN (
      SELECT event_id FROM staged_events s JOIN rooms USING (room_nid)
      WHERE room_id = ${roomId} AND next_try > 0 FOR UPDATE OF s SKIP LOCKED)`;
  await db.sql`
    UPDATE partial_rooms SET next_try = 0 WHERE room_nid IN (
      SELECT room_nid FROM partial_rooms p JOIN rooms USING (room_nid)
      WHERE room_id = ${roomId} AND next_try > 0 FOR UPDATE OF p SKIP LOCKED)`;
  const [row] = await db.sql<{ count: number }[]>`
    SELECT (SELECT count(*) FROM staged_events JOIN rooms USING (room_nid) WHERE room_id = ${roomId})
      + (SELECT count(*) FROM partial_rooms JOIN rooms USING (room_nid)
         WHERE room_id = ${roomId} AND NOT complete) AS count`;
  return row!.count;
}

async function findings(roomId: RoomId): Promise<string[]> {
  const found: string[] = [];
  await checkRoom(db.sql, roomId, {
    key: async (server) => keyOf(server).verifyKey,
    found: ({ what, eventId }) => found.push(`${eventId ?? ""} ${what}`),
  });
  return found;
}

async function runBatch(seed: number, replicas: number): Promise<void> {
  const choose = choicesOf(seed * 7 + replicas);
  const rooms = new Map<RoomId, RoomRun>();
  for (const id of ROOM_VERSION_IDS) {
    const run = await RoomRun.begin(roomVersion(id)!, seed * 2 + replicas - 1);
    rooms.set(run.roomId, run);
  }
  const sent = (event: RoomEvent): void => rooms.get(event.roomId)?.history.add(event);
  const subject = await createSubject(db, createOthers(rooms), replicas, sent);
  const all = [...rooms.values()];
  let joined: RoomRun[] = [];
  try {
    const isIn = await Promise.all(all.map((run) => run.join(subject)));
    joined = all.filter((_, i) => isIn[i]);
    for (let deaths = choose(3); deaths > 0; deaths--) {
      void subject.dieAfter(choose(replicas), choose(200));
    }
    await Promise.all(joined.map((run) => run.live(subject)));
    await Promise.all(joined.map((run) => run.settle(subject, waiting)));
    for (const run of joined) if (choose(8) === 0) await run.purge(subject.replicas[0]!);
  } finally {
    await subject.close();
  }
  await verify(joined, seed, replicas);
}

/** Nobody writes any more. */
async function verify(runs: readonly RoomRun[], seed: number, replicas: number): Promise<void> {
  const store = createRoomStore(db.sql);
  for (const run of runs) {
    const { version } = run.history;
    const wrong = [
      ...(await run.differences(store, countsOf(replicas, version.id))),
      ...(await findings(run.roomId)),
    ];
    if (wrong.length === 0) continue;
    const name = `seed ${seed} of version ${version.id} on ${replicas}, room ${run.roomId}`;
    failures.push(`${name}:\n  ${wrong.join("\n  ")}`);
    report(failures.at(-1)!);
  }
  await store.resolver?.close();
}

/** Of long runs: at once. */
function report(line: string): void {
  if (REPORT !== undefined) appendFileSync(REPORT, `${line}\n`);
}

describe("the stored states of a room are those of the plain algorithm", () => {
  it.each([1, 2])(
    "on %i replica(s)",
    async (replicas) => {
      for (let batch = 0; batch < BATCHES; batch++) {
        await runBatch(FIRST + batch, replicas);
        report(`${figures()}\n${batch + 1} of ${BATCHES} batches on ${replicas}`);
        if (failures.length > MOST_FAILURES) break;
        if ((batch + 1) % BATCHES_A_DATABASE > 0) continue;
        await db.close();
        db = await freshDatabase();
      }
      expect(failures.splice(0).join("\n")).toBe("");
    },
    14_400_000,
  );

  it("was tried on histories that are worth it", () => {
    const all = [...tally.values()];
    const sum = (name: keyof Counts) => all.reduce((total, counts) => total + counts[name], 0);
    expect(sum("histories")).toBeGreaterThan(BATCHES * ROOM_VERSION_IDS.length);
    expect(sum("placed")).toBeGreaterThan(sum("events") / 5);
    expect(sum("rejected")).toBeGreaterThan(sum("histories") / 10);
    expect(sum("forks")).toBeGreaterThan(sum("histories") / 2);
  });
});
