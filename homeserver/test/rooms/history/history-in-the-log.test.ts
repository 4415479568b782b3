/** History that another server tells later is in the log: what follows the log misses no event. */
import { beforeAll, expect, test } from "vitest";
import type { RecordOf } from "../../../src/log/types.ts";
import type { RoomId } from "../../../src/protocol/identifiers.ts";
import { until } from "../../support/wait.ts";
import { startServers } from "../support/servers.ts";
import type { TestServer } from "../support/world.ts";

const [world, a, b] = await startServers("a.test", "b.test");
const [alice, bob] = [a.user("alice"), b.user("bob")];
let two: TestServer;
let roomId: RoomId;

beforeAll(async () => {
  two = await world.replica(b);
  roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
});

const say = (body: string, content: object = {}) =>
  a.rooms.send.message({
    ...{ by: alice, roomId, type: "m.room.message" },
    content: { body, ...content },
  });

test("what fills a gap is told to readers here and at other replicas, and read again from the tables", async () => {
  const said = await Promise.all(["one", "two", "three"].map((body) => say(body)));
  await world.lose(() => b.rooms.members.join({ by: bob, room: roomId, via: [a.name] }));
  const start = b.log.position;
  const heard: RecordOf<"history">[][] = [[], []];
  const unfollow = [b, two].map(({ log }, at) =>
    log.follow({
      phase: "readers",
      kinds: ["history"],
      take: (records) => void heard[at]!.push(...records),
    }),
  );
  await b.rooms.history.messages(bob, roomId, { dir: "b", limit: 50 });
  const room = (await b.rooms.view.room(roomId))!;
  await until(() => two.log.position === b.log.position);
  for (const stop of unfollow) stop();

  const stored = await b.rooms.view.eventsById(said);
  const nids = heard[0]!.flatMap(({ eventNids }) => eventNids);
  for (const eventId of said) expect(nids).toContain(stored.get(eventId)!.nid);
  expect(new Set(nids).size).toBe(nids.length);
  expect(heard[0]!.every(({ roomNid }) => roomNid === room.nid)).toBe(true);
  expect(heard[1]).toEqual(heard[0]);
  const rows = await b.db.sql<{ position: number; nids: number[] }[]>`
    SELECT position, event_nids AS nids FROM arrived_history WHERE position > ${start}
    ORDER BY position`;
  expect(rows).toEqual(heard[0]!.map(({ position, eventNids }) => ({ position, nids: eventNids })));
});
