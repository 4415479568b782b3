import { expect, test } from "vitest";
import type { JsonObject } from "../../../src/protocol/json.ts";
import { startServers } from "../support/servers.ts";

const [world, a, b] = await startServers("a.test", "b.test");

test.runIf(process.env["WEFT_TEST_THROUGHPUT"])(
  "takes in PDUs in transactions of fifty",
  async () => {
    const alice = a.user("alice");
    const roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
    await b.rooms.members.join({ by: b.user("bob"), room: roomId, via: [a.name] });
    await world.flush();
    const ids = await Promise.all(
      Array.from({ length: 1_000 }, (_, i) =>
        a.rooms.send.message({
          by: alice,
          roomId,
          type: "m.room.message",
          content: { msgtype: "m.text", body: `message ${i} ${"x".repeat(300)}` },
        }),
      ),
    );
    world.reset();
    const events = await a.rooms.view.eventsById(ids);
    const pdus = ids.map((id) => JSON.parse(events.get(id)!.event.json()) as JsonObject);
    const started = performance.now();
    const cpu = process.cpuUsage();
    for (let at = 0; at < pdus.length; at += 50) {
      const results = await b.rooms.federation.receive(a.name, pdus.slice(at, at + 50));
      expect(Object.values(results)).toEqual(Array.from({ length: 50 }, () => ({})));
    }
    const seconds = (performance.now() - started) / 1_000;
    const { user, system } = process.cpuUsage(cpu);
    const rate = pdus.length / seconds;
    const each = (user + system) / pdus.length;
    console.info(`${rate.toFixed(0)} PDUs/s, ${each.toFixed(0)} µs of CPU each`);
  },
);
