import { expect, test } from "vitest";
import type { JsonObject } from "../../src/protocol/json.ts";
import { type Body, register } from "../support/user.ts";
import { alice, bob, sharedRoom, tell, two, typingEdu } from "./three-servers.ts";

function typists(body: Body, roomId: string): string[] | undefined {
  const events = (body.rooms?.join?.[roomId]?.ephemeral.events ?? []) as Body[];
  return events.find((event) => event.type === "m.typing")?.content.user_ids;
}

test("a transaction of more than 50 PDUs or 100 EDUs is refused, one of just so many is not", async () => {
  const many = (count: number) => Array.from({ length: count }, () => ({}));
  expect((await tell(many(51), [])).status).toBe(400);
  expect((await tell([], many(101))).status).toBe(400);
  expect(await tell(many(50), many(100))).toEqual({ status: 200, body: { pdus: {} } });
});

test("EDUs of every wrong shape leave the good one beside them alone", async () => {
  const roomId = await sharedRoom();
  const { next_batch: since } = await alice.sync();
  const wrong = [
    {},
    { edu_type: 5, content: {} },
    { edu_type: "m.typing" },
    { edu_type: "m.typing", content: [] },
    { edu_type: "m.receipt", content: { [roomId]: { "m.read": { "@x": null } } } },
    { edu_type: "m.presence", content: { push: [{ user_id: 1 }, "x"] } },
    { edu_type: "org.example.unknown", content: { push: 1 } },
  ] as JsonObject[];
  const { status } = await tell([], [...wrong, typingEdu(roomId)]);
  expect(status).toBe(200);
  const body = await alice.syncUntil(since, (answer) => typists(answer, roomId) !== undefined);
  expect(typists(body, roomId)).toEqual([bob.userId]);
});

test("a transaction that comes again is answered alike and not worked on again", async () => {
  const roomId = await sharedRoom();
  const { next_batch: since } = await alice.sync();
  const wrong = { type: "m.room.message", room_id: roomId, sender: bob.userId, event_id: "$x" };
  const first = await tell([wrong], [typingEdu(roomId)], "the-same");
  await alice.syncUntil(since, (body) => typists(body, roomId)?.length === 1);
  await tell([], [typingEdu(roomId, false)]);
  const again = await tell([wrong], [typingEdu(roomId)], "the-same");
  expect(again).toEqual(first);
  const { rooms } = await alice.sync();
  const events = rooms.join[roomId].ephemeral.events as Body[];
  expect(events.filter((event) => event.type === "m.typing")).toEqual([]);
});

test("typing, receipts and presence of one server reach the users of another, and only of shared rooms", async () => {
  const roomId = await sharedRoom();
  const eventId = await bob.send(roomId, "read me");
  await alice.syncUntil(undefined, (body) =>
    (body.rooms?.join?.[roomId]?.timeline.events ?? []).some((e: Body) => e.event_id === eventId),
  );
  const { next_batch: since } = await bob.sync();
  await alice.call("PUT", `/presence/${encodeURIComponent(alice.userId)}/status`, {
    presence: "unavailable",
    status_msg: "Thinking",
  });
  const body = await bob.syncUntil(since, (answer) =>
    (answer.presence?.events ?? []).some((event: Body) => event.sender === alice.userId),
  );
  const presence = body.presence.events.find((event: Body) => event.sender === alice.userId);
  expect(presence.content).toMatchObject({ presence: "unavailable", status_msg: "Thinking" });
  const stranger = await register(two, "stranger");
  const all = await stranger.sync();
  expect((all.presence?.events ?? []).map((event: Body) => event.sender)).not.toContain(
    alice.userId,
  );
  const status = `/presence/${encodeURIComponent(alice.userId)}/status`;
  expect((await stranger.ask("GET", status)).status).toBe(403);
});
