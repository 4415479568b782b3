import { describe, expect, test } from "vitest";
import { insertStaged, stagedInRoom } from "../../../src/storage/rooms/staged-events.ts";
import { a, b, c, clock, heard, roomId, unheard, world } from "./unheard.ts";

async function staged(): Promise<string[]> {
  const room = await a.rooms.view.room(roomId);
  const rows = await stagedInRoom(a.db.sql, room!.nid, Number.MAX_SAFE_INTEGER, 100);
  return rows.map((row) => row.eventId);
}

describe("the staging area", () => {
  test("keeps an event of which the prev event can't be had, and places it when it can", async () => {
    const [, second] = await unheard("first", "second");
    world.cut(a, b);
    world.cut(a, c);
    const results = await a.rooms.federation.receive(b.name, [second!.pdu]);
    expect(results).toEqual({ [second!.eventId]: {} });
    expect(await staged()).toEqual([second!.eventId]);
    expect(await heard()).toEqual([]);
    world.heal();
    clock.advance(15_000);
    await expect.poll(() => heard()).toEqual(["first", "second"]);
    await expect.poll(() => staged()).toEqual([]);
  });

  test("places a staged event as soon as what it lacked comes by itself", async () => {
    const [first, second] = await unheard("first", "second");
    world.cut(a, b);
    world.cut(a, c);
    await a.rooms.federation.receive(b.name, [second!.pdu]);
    expect(await staged()).toEqual([second!.eventId]);
    await a.rooms.federation.receive(b.name, [first!.pdu]);
    await expect.poll(() => heard()).toEqual(["first", "second"]);
    await expect.poll(() => staged()).toEqual([]);
  });

  test("survives a crash between receipt and placing", async () => {
    const [, second] = await unheard("first", "second");
    world.cut(a, b);
    world.cut(a, c);
    await a.rooms.federation.receive(b.name, [second!.pdu]);
    world.heal();
    const next = await world.replica(a);
    await expect.poll(() => heard(next)).toEqual(["first", "second"]);
  });

  test("takes nothing that is placed at once", async () => {
    const [first, second] = await unheard("first", "second");
    world.calls.clear();
    await a.rooms.federation.receive(b.name, [second!.pdu, first!.pdu]);
    expect(await heard()).toEqual(["first", "second"]);
    expect(world.calls.size).toBe(0);
    expect(await staged()).toEqual([]);
  });

  test("asks the room's other servers when the origin is away", async () => {
    const [first, second] = await unheard("first", "second");
    await c.rooms.federation.receive(b.name, [first!.pdu, second!.pdu]);
    world.cut(a, b);
    await a.rooms.federation.receive(b.name, [second!.pdu]);
    expect(await heard()).toEqual(["first", "second"]);
  });

  test("takes up to so many events per room and per origin, and says which it took", async () => {
    const keep = (origin: string, ids: string[]) =>
      insertStaged(
        a.db.sql,
        origin,
        999_999,
        ids.map((eventId) => ({ eventId, json: "{}" })),
        { receivedTs: 1, nextTry: Number.MAX_SAFE_INTEGER },
        { perRoom: 3, perOrigin: 2 },
      );
    expect(await keep("x.test", ["$1", "$2", "$3"])).toEqual(["$1", "$2"]);
    expect((await keep("x.test", ["$3", "$2"])).toSorted()).toEqual(["$2"]);
    expect(await keep("y.test", ["$3", "$4"])).toEqual(["$3"]);
    await a.db.sql`DELETE FROM staged_events WHERE room_nid = 999999`;
  });
});
