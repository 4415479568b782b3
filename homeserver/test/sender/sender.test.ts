/** The sender on a real log and real rooms; the network is a function that may fail. */
import { expect, test } from "vitest";
import type { RoomId } from "../../src/protocol/identifiers.ts";
import { until } from "../support/wait.ts";
import { a, b, c, join, network, publicRoom, running, say, start, world } from "./three-servers.ts";

test("an event goes to the servers in its room and to no other", async () => {
  const net = network();
  const [ours, other] = [await publicRoom(b), await publicRoom(c)];
  const { follower } = start(a, net);
  await follower.caughtUp();
  await say(ours, "for b");
  await say(other, "for c");
  await until(() => net.texts(b).length + net.texts(c).length >= 2);
  expect([net.texts(b), net.texts(c)]).toEqual([["for b"], ["for c"]]);
});

test("who is put out learns it, whom we invite is not sent the invite as an event", async () => {
  const net = network();
  const roomId = await publicRoom(b);
  const { follower } = start(a, net);
  await follower.caughtUp();
  const by = a.user("alice");
  await a.rooms.members.kick({ by, roomId, userId: b.user("bob").userId });
  await say(roomId, "behind their back");
  await a.rooms.members.invite({ by, roomId, userId: c.user("bob").userId });
  await a.rooms.members.kick({ by, roomId, userId: c.user("bob").userId });
  await until(() => net.members(c).length > 0);
  expect(net.members(b)).toEqual(["@bob:b leave"]);
  expect(net.texts(b)).toEqual([]);
  expect(net.members(c)).toEqual(["@bob:c leave"]);
});

test("a join, and a leave, that are made through this server are sent on to the room's others", async () => {
  const net = network();
  const roomId = await publicRoom(b);
  const { follower } = start(a, net);
  await follower.caughtUp();
  await join(c, roomId);
  await until(() => net.members(b).length > 0);
  expect(net.members(b)).toEqual(["@bob:c join"]);
  expect(net.members(c)).toEqual([]);
});

test.each([20, 20_000])(
  "a server's word that ends a knock which was taken here is sent on to who knocked, and to nobody else",
  async (longAbsence) => {
    const net = network();
    const [mod, knocker] = [b.user("bob"), c.user("bob")];
    const roomId = await a.rooms.create.room(a.user("alice"), {
      ...{ room_version: "10", invite: [mod.userId] },
      power_level_content_override: { users: { "@alice:a": 100, [mod.userId]: 60 } },
      initial_state: [{ type: "m.room.join_rules", content: { join_rule: "knock" } }],
    });
    await join(b, roomId);
    await c.rooms.members.knock({ by: knocker, room: roomId, via: [a.name] });
    await world.flush();
    const { follower } = start(a, net, { longAbsence });
    await follower.caughtUp();
    net.away.add("c");
    await b.rooms.members.kick({ by: mod, roomId, userId: knocker.userId });
    // What it did itself it knows.
    const fickle = c.user("fickle");
    await c.rooms.members.knock({ by: fickle, room: roomId, via: [a.name] });
    await c.rooms.members.leave({ by: fickle, roomId });
    await world.flush();
    for (let i = 0; i < 30; i += 1) await say(roomId, `${i}`);
    await follower.caughtUp();
    net.back("c");
    await until(() => net.members(c).length > 0 && net.texts(b).includes("29"));
    expect(net.members(c)).toEqual(["@bob:c leave"]);
    expect(net.members(b)).not.toContain("@bob:c leave");
  },
);

test("what other servers' users say is not sent on", async () => {
  const net = network();
  const roomId = await publicRoom(b, c);
  const { follower } = start(a, net);
  await world.flush();
  await follower.caughtUp();
  await say(roomId, "from b", b);
  await world.flush();
  await say(roomId, "from a");
  await until(() => net.texts(c).length > 0);
  expect(net.texts(c)).toEqual(["from a"]);
  await world.flush();
});

test("a server is not sent what was said before it joined, however late the sender is", async () => {
  const net = network();
  const [roomId, other] = [await publicRoom(b), await publicRoom(c)];
  const first = start(a, net);
  await first.follower.caughtUp();
  net.away.add("c");
  await say(other, "c is behind now");
  await say(roomId, "before c came");
  await first.follower.caughtUp();
  await join(c, roomId);
  await say(roomId, "with c");
  await first.follower.caughtUp();
  net.back("c"); // from the database
  await until(() => net.texts(c).includes("with c"));
  expect(net.texts(c)).toEqual(["c is behind now", "with c"]);
  await first.stop();
  running.length = 0;

  const late = await publicRoom(b);
  await say(late, "unseen");
  await join(c, late);
  await say(late, "seen");
  start(a, net); // reads on from the cursor, when c is in the room already
  await until(() => net.texts(c).includes("seen"));
  expect(net.texts(c)).not.toContain("unseen");
});

test("receipts go as EDUs, private ones and other servers' do not", async () => {
  const net = network();
  const roomId = await publicRoom(b);
  const { follower } = start(a, net);
  await follower.caughtUp();
  const eventId = await say(roomId, "read me");
  const stored = (await a.rooms.view.eventsById([eventId])).get(eventId)!;
  const { roomNid, position: eventPosition } = stored;
  const row = { roomNid, roomId, threadId: "", eventId, eventPosition, ts: 5 };
  await a.log.append({
    records: (
      [
        ["@bob:b", "m.read"],
        ["@alice:a", "m.read.private"],
        ["@alice:a", "m.read"],
      ] as const
    ).map(([userId, receiptType]) => ({ kind: "receipt", ...row, userId, receiptType })),
  });
  await until(() => net.sent.some(({ edus }) => edus.length > 0));
  const content = {
    [roomId]: { "m.read": { "@alice:a": { event_ids: [eventId], data: { ts: 5 } } } },
  };
  expect(net.sent.flatMap(({ edus }) => edus)).toEqual([{ edu_type: "m.receipt", content }]);
});

/** c joins by way of a, where somebody says this between make_join and send_join. */
async function joinWhile(roomId: RoomId, body: string): Promise<void> {
  world.pretend(a, "sendJoin", async (honest) => {
    await say(roomId, body);
    return honest();
  });
  await join(c, roomId);
  world.reset();
}

test("who joins is sent what was said between make_join and send_join, and nothing older", async () => {
  const net = network();
  const roomId = await publicRoom(b);
  const { follower } = start(a, net);
  await follower.caughtUp();
  await say(roomId, "before");
  await joinWhile(roomId, "meanwhile");
  await until(() => net.texts(c).length > 0 && net.members(b).length > 0);
  await follower.caughtUp();
  expect(net.texts(c)).toEqual(["meanwhile"]);
  expect(net.members(b)).toEqual(["@bob:c join"]);
});

test.each([20, 20_000])(
  "a server that could not be reached right after its join is sent that too (absences from %i on are long)",
  async (longAbsence) => {
    const net = network();
    const [roomId, other] = [await publicRoom(b), await publicRoom(c)];
    const { follower } = start(a, net, { longAbsence });
    await follower.caughtUp();
    net.away.add("c");
    await say(other, "c is behind now");
    await joinWhile(roomId, "meanwhile");
    for (let i = 0; i < 30; i += 1) await say(other, `${i}`);
    await follower.caughtUp();
    net.back("c");
    await until(() => net.texts(c).includes("29"));
    expect(net.texts(c)).toContain("meanwhile");
  },
);

test("where only members may read, what was said while they joined is sent without its content", async () => {
  const net = network();
  const roomId = await a.rooms.create.room(a.user("alice"), {
    preset: "public_chat",
    initial_state: [
      { type: "m.room.history_visibility", content: { history_visibility: "joined" } },
    ],
  });
  await join(b, roomId);
  const { follower } = start(a, net);
  await follower.caughtUp();
  await joinWhile(roomId, "a secret");
  await until(() => net.sent.some(({ to, pdus }) => to === "c" && pdus.length > 0));
  expect(net.sent.flatMap(({ to, pdus }) => (to === "c" ? pdus : []))).toMatchObject([
    { type: "m.room.message", content: {} },
  ]);
  expect(net.texts(c)).toEqual([]);
});
