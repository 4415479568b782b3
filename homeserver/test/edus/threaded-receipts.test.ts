import { expect, test } from "vitest";
import type { EventId } from "../../src/protocol/identifiers.ts";
import { BOB, THERE, alice, pointsAt, receipts, roomId } from "./receipts-of-room.ts";

test("a threaded receipt points into its thread", async () => {
  const root = await alice.send(roomId, "root");
  const relation = { rel_type: "m.thread", event_id: root };
  const reply = await alice.send(roomId, "reply", { "m.relates_to": relation });
  const edit = await alice.send(roomId, "edit", {
    "m.relates_to": { rel_type: "m.replace", event_id: reply },
  });
  const beside = await alice.send(roomId, "beside");
  const within = (eventId: EventId, threadId: string) =>
    receipts.set({ userId: alice.userId, roomId, type: "m.read", eventId, threadId });
  for (const [eventId, threadId] of [
    [root, root],
    [reply, root],
    [edit, root],
    [root, "main"],
    [beside, "main"],
  ] as const) {
    await within(eventId, threadId);
    expect(await pointsAt(alice.userId, "m.read", threadId)).toBe(eventId);
  }
  for (const [eventId, threadId] of [
    [beside, root],
    [reply, "main"],
    [edit, "main"],
    [reply, beside],
    [beside, "$unknown"],
  ] as const) {
    const refused = { errcode: "M_INVALID_PARAM", status: 400 };
    await expect(within(eventId, threadId)).rejects.toMatchObject(refused);
  }
});

test("of receipts on one event the unthreaded one is told", async () => {
  const event = await alice.send(roomId, "read twice");
  const { next_batch: since } = await alice.sync();
  for (const order of [
    ["", "main"],
    ["main", ""],
  ]) {
    for (const threadId of order) {
      await receipts.set({
        userId: alice.userId,
        roomId,
        type: "m.read",
        eventId: event,
        threadId,
      });
    }
  }
  const { rooms } = await alice.sync(since);
  const [told] = rooms.join[roomId].ephemeral.events;
  expect(told.content[event]["m.read"][alice.userId]).toEqual({ ts: expect.any(Number) });
});

test("another server's user has receipts of so many threads, those that moved last", async () => {
  const roots = Array.from({ length: 8 }, (_, i) => `$thread${i}`);
  const receipt = (threadId: string | undefined, i: number) => ({
    [roomId]: {
      "m.read": { [BOB]: { event_ids: [`$elsewhere${i}`], data: { ts: i, thread_id: threadId } } },
    },
  });
  await receipts.receive(THERE, receipt("main", 1));
  for (const [i, root] of roots.entries()) await receipts.receive(THERE, receipt(root, i));
  expect(await pointsAt(BOB, "m.read", "main")).toBe("$elsewhere1");
  const kept = await Promise.all(roots.map((root) => pointsAt(BOB, "m.read", root)));
  expect(kept.map((id) => id !== undefined)).toEqual([false, false, false, ...Array(5).fill(true)]);
});
