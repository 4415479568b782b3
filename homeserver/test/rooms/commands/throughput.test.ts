import { test } from "vitest";
import type { RoomId } from "../../../src/protocol/identifiers.ts";
import { startServers } from "../support/servers.ts";

/** Figures are for people who compare: WEFT_TEST_THROUGHPUT=1 prints them. */
const wanted = process.env["WEFT_TEST_THROUGHPUT"];

const [, hq] = await startServers("hq.test");

async function sendAll(rooms: RoomId[], clients: number, each: number): Promise<number> {
  const started = performance.now();
  const cpu = process.cpuUsage();
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      const roomId = rooms[client % rooms.length] as RoomId;
      for (let i = 0; i < each; i++) {
        await hq.rooms.send.message({
          by: hq.user("alice"),
          roomId,
          type: "m.room.message",
          content: {
            msgtype: "m.text",
            body: `message ${i} of client ${client} ${"x".repeat(300)}`,
          },
          txnId: `${client}-${i}`,
        });
      }
    }),
  );
  const { user, system } = process.cpuUsage(cpu);
  console.info(`${((user + system) / (clients * each)).toFixed(0)} µs of CPU each`);
  return (clients * each * 1_000) / (performance.now() - started);
}

test.runIf(wanted)("fifty clients send into one room", async () => {
  const roomId = await hq.rooms.create.room(hq.user("alice"), {});
  await sendAll([roomId], 50, 10);
  const rate = await sendAll([roomId], 50, 60);
  console.info(`one room, 50 clients: ${rate.toFixed(0)} events/s`);
});

test.runIf(wanted)("fifty clients send into fifty rooms", async () => {
  const rooms = await Promise.all(
    Array.from({ length: 50 }, () => hq.rooms.create.room(hq.user("alice"), {})),
  );
  const rate = await sendAll(rooms, 50, 60);
  console.info(`fifty rooms, 50 clients: ${rate.toFixed(0)} events/s`);
});
