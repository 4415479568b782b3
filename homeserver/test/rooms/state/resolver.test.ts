import { afterAll, describe, expect, test } from "vitest";
import { createWorkerPool } from "../../../src/platform/worker-pool.ts";
import { eventFromStored } from "../../../src/protocol/events/event.ts";
import type { EventId } from "../../../src/protocol/identifiers.ts";
import { roomVersion } from "../../../src/protocol/room-versions.ts";
import { separate } from "../../../src/protocol/state-res/index.ts";
import type { PortableConflict } from "../../../src/protocol/state-res/index.ts";
import { stateTuple } from "../../../src/protocol/state-map.ts";
import { newEvent } from "../../../src/rooms/records/new-event.ts";
import { createResolver, resolveInLine } from "../../../src/rooms/state/resolver.ts";
import type { Resolvable } from "../../../src/rooms/state/resolver.ts";
import type { StoredEvent } from "../../../src/rooms/index.ts";
import { loopTurns } from "../../support/loop-turns.ts";

const VERSION = roomVersion("10")!;
const USER = "@a:a.test";

/** Two branches that set the same keys, one of them after a change of the power levels. */
function fork(size: number): Resolvable {
  const events = new Map<EventId, StoredEvent>();
  function add(type: string, stateKey: string, content: object, auth: readonly EventId[]): EventId {
    const eventId = `$${events.size}` as EventId;
    const pdu = {
      ...{ room_id: "!r:a.test", type, state_key: stateKey, sender: USER, content },
      ...{ auth_events: auth, prev_events: auth, depth: events.size },
      ...{ origin_server_ts: events.size, hashes: { sha256: "x" }, signatures: {} },
    };
    const event = eventFromStored(JSON.stringify(pdu), VERSION, eventId);
    events.set(eventId, newEvent(1, events.size + 1, event));
    return eventId;
  }
  const create = add("m.room.create", "", { creator: USER, room_version: "10" }, []);
  const join = add("m.room.member", USER, { membership: "join" }, [create]);
  const levels = add("m.room.power_levels", "", { users: { [USER]: 100 } }, [create, join]);
  const raised = add("m.room.power_levels", "", { users: { [USER]: 99 } }, [create, join, levels]);
  const branch = (name: string, power: EventId) => {
    const state = new Map([
      [stateTuple("m.room.create", ""), create],
      [stateTuple("m.room.member", USER), join],
      [stateTuple("m.room.power_levels", ""), power],
    ]);
    for (let i = 0; i < size; i += 1) {
      const id = add("org.example.note", `${i}`, { name }, [create, join, power]);
      state.set(stateTuple("org.example.note", `${i}`), id);
    }
    return state;
  };
  const sets = [branch("one", levels), branch("two", raised)];
  const { unconflicted, conflicted } = separate(sets, VERSION);
  return { version: VERSION, conflicted, unconflicted, authDifference: [levels, raised], events };
}

describe("the resolver", () => {
  const resolver = createResolver(10);
  afterAll(() => resolver.close());

  test("comes to the same in line and on its thread", async () => {
    for (const size of [3, 500]) {
      const conflict = fork(size);
      expect(await resolver.resolve(conflict)).toEqual(resolveInLine(conflict));
    }
  });

  test("lets others run while a big conflict is resolved", async () => {
    const conflict = fork(3_000);
    expect(await loopTurns(() => resolver.resolve(conflict))).toBeGreaterThan(10);
  });
});

test("a worker thread that throws answers with the error, and goes on", async () => {
  const file = new URL("../../../src/rooms/state/resolver-thread.ts", import.meta.url);
  const pool = createWorkerPool<PortableConflict, [string, EventId][]>(file);
  const empty = { conflicted: [], unconflicted: [], authDifference: [], events: [], rejected: [] };
  await expect(pool.run({ version: "nonsense", ...empty })).rejects.toThrow("nonsense");
  expect(await pool.run({ version: "10", ...empty })).toEqual([]);
  const cut = pool.run({ version: "10", ...empty });
  await Promise.all([expect(cut).rejects.toThrow("ended"), pool.close()]);
  expect(await pool.run({ version: "10", ...empty })).toEqual([]);
  await pool.close();
});
