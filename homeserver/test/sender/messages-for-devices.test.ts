/** Messages for devices of other servers: all arrive, in order, and are kept until they have. */
import { expect, test } from "vitest";
import { until } from "../support/wait.ts";
import { a, b, network, publicRoom, running, say, start } from "./three-servers.ts";

const send = (server: string, ...numbers: number[]) =>
  a.log.append({
    records: numbers.map((n) => ({
      kind: "to_device_outbound" as const,
      server,
      content: JSON.stringify({
        message_id: `${n}`,
        sender: "@alice:a",
        type: "m.x",
        messages: {},
      }),
    })),
  });

const idsOf = (net: ReturnType<typeof network>, server: string) =>
  net.edus(server, "m.direct_to_device").map(({ message_id: id }) => Number(id));

const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

async function waiting(): Promise<number> {
  const [row] = await a.db.sql<{ n: number }[]>`SELECT count(*)::int AS n FROM to_device_outbound`;
  return row!.n;
}

test("a message goes to its server alone, in the order of the log with events, and is kept no longer than needed", async () => {
  const net = network();
  const roomId = await publicRoom(b);
  const { follower } = start(a, net);
  await follower.caughtUp();
  await send("b", 1, 2);
  await say(roomId, "between");
  await send("b", 3);
  await send("c", 4);
  await until(() => idsOf(net, "b").length >= 3 && idsOf(net, "c").length > 0);
  expect(idsOf(net, "b")).toEqual([1, 2, 3]);
  expect(idsOf(net, "c")).toEqual([4]);
  await until(async () => (await waiting()) === 0);
});

test("messages for a server that is away wait for it over restarts, and none is lost or out of order", async () => {
  const net = network();
  const first = start(a, net);
  await first.follower.caughtUp();
  net.away.add("b");
  await send("b", ...range(0, 150));
  await first.follower.caughtUp();
  await first.stop();
  running.length = 0;
  await send("b", ...range(150, 150)); // while no process sends
  const second = start(a, net);
  await send("b", ...range(300, 150));
  await second.follower.caughtUp();
  expect(await waiting()).toBe(450);
  net.back("b");
  await until(() => idsOf(net, "b").length >= 450);
  expect(idsOf(net, "b")).toEqual(range(0, 450));
  expect(Math.max(...net.sent.map(({ edus }) => edus.length))).toBe(100);
  await until(async () => (await waiting()) === 0);
});

test("after a long absence a server gets every message, and of each room the newest event", async () => {
  const net = network();
  const roomId = await publicRoom(b);
  const { follower } = start(a, net, { longAbsence: 100 });
  await follower.caughtUp();
  net.away.add("b");
  for (let i = 0; i < 30; i += 1) {
    await send("b", ...range(i * 10, 10));
    await say(roomId, `m${i}`);
  }
  await follower.caughtUp();
  net.back("b");
  await until(() => idsOf(net, "b").length >= 300 && net.texts(b).length > 0);
  expect(idsOf(net, "b")).toEqual(range(0, 300));
  expect(net.texts(b)).toEqual(["m29"]);
});

test("acknowledged messages that a killed process left are removed by the next one", async () => {
  const net = network();
  await send("c", 1, 2, 3);
  await a.db.sql`INSERT INTO destinations (server, sent_position, wanted_position)
    VALUES ('c', ${a.log.position}, ${a.log.position})
    ON CONFLICT (server) DO UPDATE SET sent_position = excluded.sent_position,
      wanted_position = excluded.wanted_position`;
  const { follower } = start(a, net);
  await follower.caughtUp();
  await until(async () => (await waiting()) === 0);
  expect(idsOf(net, "c")).toEqual([]);
});
