/** What a hostile server offers of the past: no more is asked for than has a bound. */
import { describe, expect, test } from "vitest";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import type { EventId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import { forger } from "../support/forge.ts";
import { publicRoom } from "../support/servers.ts";
import { a, alice, copy, count, h, mallory, roomId, world } from "./hostile-server.ts";

describe("a hostile server", () => {
  test("offers a chain of missing events without end: a few requests, and other servers' events go on", async () => {
    const forge = await forger(h, roomId, mallory);
    const quietServer = await world.server(`b${Math.random().toString(36).slice(2)}.test`);
    const bob = quietServer.user("bob");
    await quietServer.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    await world.flush();
    let made = 0;
    const next = (depth: number): RoomEvent =>
      forge({ prev: [`$unknown${made++}`], depth, content: { body: `chain ${made}` } });
    const tips = Array.from({ length: 40 }, (_, i) => next(1_000 + i));
    let asked = 0;
    world.pretend(h, "missingEvents", async () => {
      asked += 1;
      return { events: Array.from({ length: 60 }, (_, i) => copy(next(900 + i))) };
    });
    for (const call of ["stateIds", "state", "event", "eventAuth"] as const) {
      world.pretend(h, call, async () => {
        asked += 1;
        return {};
      });
    }
    const hostile = Promise.all(tips.map((tip) => a.rooms.federation.receive(h.name, [copy(tip)])));
    const type = "m.room.message";
    const sent = quietServer.rooms.send.message({ by: bob, roomId, type, content: { body: "hi" } });
    const eventId = await sent;
    await world.flush();
    expect((await a.rooms.view.eventsById([eventId])).get(eventId)?.status).toBe("accepted");
    await hostile;
    console.info(`${asked} requests for ${tips.length} tips`);
    expect(asked).toBeLessThan(tips.length * 12);
    expect(await count("staged_events")).toBeLessThanOrEqual(1_000);
  }, 180_000);

  test("does not answer about one room: its events in another room are helped meanwhile", async () => {
    const other = await publicRoom(world, [a, alice], [h, mallory]);
    const said: EventId[] = [];
    await world.lose(async () => {
      for (const body of ["first", "second"]) {
        const type = "m.room.message";
        said.push(
          await h.rooms.send.message({ by: mallory, roomId: other, type, content: { body } }),
        );
      }
    });
    const second = (await h.rooms.view.eventsById(said)).get(said[1]!)!.event;
    let release: () => void = () => undefined;
    const silence = new Promise<void>((resolve) => (release = resolve));
    world.pretend(h, "missingEvents", async (honest, room) => {
      if (room === roomId) await silence;
      return honest();
    });
    const forge = await forger(h, roomId, mallory);
    const lacking = Array.from({ length: 3 }, (_, i) => copy(forge({ prev: [`$nowhere${i}`] })));
    const held = lacking.map((pdu) => a.rooms.federation.receive(h.name, [pdu]));
    await a.rooms.federation.receive(h.name, [copy(second)]);
    const found = await a.rooms.view.eventsById(said);
    expect([...found.values()].map(({ status }) => status)).toEqual(["accepted", "accepted"]);
    release();
    await Promise.all(held);
    await a.db.sql`DELETE FROM staged_events`;
  });

  test("sends more events that nobody can place than are kept: it's told, and the rest goes on", async () => {
    const forge = await forger(h, roomId, mallory);
    world.cut(a, h);
    const results: JsonObject[] = [];
    for (let from = 0; from < 1_100; from += 50) {
      const pdus = Array.from({ length: 50 }, (_, i) =>
        copy(forge({ prev: [`$nowhere${from + i}`], content: { body: `${from + i}` } })),
      );
      results.push(...Object.values(await a.rooms.federation.receive(h.name, pdus)));
    }
    expect(results.filter((result) => "error" in result)).toHaveLength(100);
    const room = (await a.rooms.view.room(roomId))!;
    const [row] = await a.db.sql<{ n: number }[]>`
      SELECT count(*) AS n FROM staged_events WHERE room_nid = ${room.nid}`;
    expect(row?.n).toBe(1_000);
    world.heal();
    const good = forge({ content: { body: "good" } });
    expect(await a.rooms.federation.receive(h.name, [copy(good)])).toEqual({ [good.eventId]: {} });
    await a.db.sql`DELETE FROM staged_events`;
  }, 180_000);

  test("offers a hundred thousand events of history: a page is taken", async () => {
    const said: EventId[] = [];
    await world.lose(async () => {
      for (let i = 0; i < 30; i += 1) {
        const type = "m.room.message";
        said.push(
          await h.rooms.send.message({ by: mallory, roomId, type, content: { body: `${i}` } }),
        );
      }
    });
    const found = await h.rooms.view.eventsById(said);
    const last = found.get(said.at(-1)!)!.event;
    world.pretend(h, "missingEvents", async () => ({ events: [] }));
    await a.rooms.federation.receive(h.name, [copy(last)]);
    const forge = await forger(h, roomId, mallory);
    const before = await count("events");
    const offer = Array.from({ length: 100_000 }, (_, i) =>
      i < 200 ? copy(forge({ content: { body: `offer ${i}` }, depth: 3 })) : { i },
    );
    world.pretend(h, "backfill", async () => ({ pdus: offer }));
    await a.rooms.history.messages(alice, roomId, { dir: "b", limit: 100 });
    expect((await count("events")) - before).toBeLessThanOrEqual(1_000);
  }, 180_000);
});
