import { expect, test } from "vitest";
import type { Body } from "../support/user.ts";
import { admin, alice, ask, at, bob, done, join, room, say } from "./scene.ts";

const bodies = (events: Body[]) => events.flatMap((one) => one.content.body ?? []);

test("a room's history is read page by page by administrators who never were there", async () => {
  const roomId = await room(alice, { preset: "private_chat" });
  const events: string[] = [];
  for (const text of ["one", "two", "three"]) events.push(await say(alice, roomId, text));
  const last = await done("GET", at(roomId, "/messages?dir=b&limit=2"));
  expect(bodies(last.chunk)).toEqual(["three", "two"]);
  const before = await done("GET", at(roomId, `/messages?dir=b&limit=1&from=${last.end}`));
  expect(bodies(before.chunk)).toEqual(["one"]);
  const filter = encodeURIComponent(JSON.stringify({ types: ["m.room.create"] }));
  const found = await done("GET", at(roomId, `/messages?dir=f&filter=${filter}&limit=50`));
  expect(found.chunk.map((one: Body) => one.type)).toEqual(["m.room.create"]);
  const context = await done(
    "GET",
    at(roomId, `/context/${encodeURIComponent(events[1]!)}?limit=2`),
  );
  expect(bodies([...context.events_before, context.event, ...context.events_after])).toEqual([
    ...["one", "two", "three"],
  ]);
  const moment = await done("GET", at(roomId, "/timestamp_to_event?ts=1"));
  expect(moment.event_id).toBe(found.chunk[0].event_id);
  const latest = await done("GET", at(roomId, `/timestamp_to_event?ts=${Date.now()}&dir=b`));
  expect(latest.event_id).toBe(events[2]);
  const fetched = await done(
    "GET",
    `/_synapse/admin/v1/fetch_event/${encodeURIComponent(events[0]!)}`,
  );
  expect(fetched.event).toMatchObject({
    ...{ event_id: events[0], room_id: roomId, sender: alice.userId, content: { body: "one" } },
  });
  expect(fetched.event.signatures).toBeDefined();
});

test("what is not known is not found, and a wrong filter is refused", async () => {
  const roomId = await room(alice);
  const other = await room(bob);
  const eventId = await say(bob, other, "elsewhere");
  for (const path of [
    at(roomId, `/context/${encodeURIComponent(eventId)}`),
    at(roomId, "/context/%24none"),
    "/_synapse/admin/v1/fetch_event/%24none",
    at(roomId, "/timestamp_to_event?ts=1&dir=b"),
  ]) {
    const answer = await ask("GET", path);
    expect(answer, path).toMatchObject({ status: 404, body: { errcode: "M_NOT_FOUND" } });
  }
  expect(await ask("GET", at(roomId, "/messages?filter=%5B"))).toMatchObject({ status: 400 });
});

test("a room is deleted in one request, which waits for the end", async () => {
  const roomId = await room(alice, { preset: "public_chat", room_alias_name: "short" });
  await join(bob, roomId);
  const here = alice.userId.split(":").slice(1).join(":");
  const body = { new_room_user_id: admin.userId, block: true, message: "Closed\0" };
  const answer = await done("DELETE", at(roomId), { body });
  expect(answer).toMatchObject({
    ...{ failed_to_kick_users: [], local_aliases: [`#short:${here}`] },
  });
  expect(answer.kicked_users.toSorted()).toEqual([alice.userId, bob.userId].toSorted());
  expect(await done("GET", at(answer.new_room_id))).toMatchObject({ joined_local_members: 3 });
  expect((await ask("GET", at(roomId))).status).toBe(404);
  const path = `/_synapse/admin/v2/rooms/${encodeURIComponent(roomId)}/delete_status`;
  const { results } = await done("GET", path);
  expect(results).toMatchObject([{ status: "complete", shutdown_room: answer }]);
  expect(results[0].deleted_rows).toBeGreaterThan(10);
  expect(await done("GET", at(roomId, "/block"))).toMatchObject({ block: true });
  expect((await ask("DELETE", at("!none:a.test"), { body: {} })).status).toBe(404);
  const wrong = { body: { new_room_user_id: "@x:elsewhere.test" } };
  expect(await ask("DELETE", at(roomId), wrong)).toMatchObject({
    ...{ status: 400, body: { errcode: "M_INVALID_PARAM" } },
  });
});
