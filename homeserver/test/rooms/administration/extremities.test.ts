import { expect, test } from "vitest";
import { a, alice, b, bob, read, say, sharedRoom, world } from "../purge/purging.ts";

test("of several forward extremities the newest stays, and the room goes on", async () => {
  const { lists, dropExtremities } = a.rooms.administration;
  const roomId = await sharedRoom();
  world.cut(a, b);
  await say(a, alice, roomId, "ours");
  await say(b, bob, roomId, "theirs");
  await say(b, bob, roomId, "theirs, later");
  world.heal();
  await world.flush();
  const tips = await lists.extremities(roomId);
  expect(tips).toHaveLength(2);
  expect(await dropExtremities(roomId)).toBe(1);
  expect(await lists.extremities(roomId)).toEqual(tips.slice(0, 1));
  await say(a, alice, roomId, "on");
  await world.flush();
  for (const [on, by] of [[a, alice] as const, [b, bob] as const]) {
    expect((await read(on, by, roomId)).bodies).toContain("on");
  }
});

test("what an administrator removes in a room with other servers, they see as well", async () => {
  const { actions } = a.rooms.administration;
  const roomId = await sharedRoom();
  const eventId = await say(b, bob, roomId, "spam");
  await world.flush();
  await actions.redact({ roomId, eventId, reason: "spam" });
  await actions.remove({ roomId, userId: bob.userId, ban: true, reason: "spam" });
  await world.flush();
  const room = (await b.rooms.view.room(roomId))!;
  expect(await b.rooms.view.membership(room.nid, bob.userId)).toMatchObject({ membership: "ban" });
  const events = await b.rooms.view.eventsById([eventId]);
  expect(events.get(eventId)?.redactedBy).not.toBe(null);
  // Nobody of this server has the power in a room that others have made.
  const theirs = await b.rooms.create.room(bob, { preset: "public_chat" });
  await a.rooms.members.join({ by: alice, room: theirs, via: [b.name] });
  await world.flush();
  const kick = { roomId: theirs, userId: bob.userId };
  await expect(actions.remove(kick)).rejects.toMatchObject({ status: 400, errcode: "M_UNKNOWN" });
  await expect(actions.makeAdmin(theirs, alice.userId)).rejects.toMatchObject({ status: 400 });
  await actions.remove({ roomId: theirs, userId: alice.userId });
  expect(await a.rooms.administration.lists.joined(theirs)).not.toContain(alice.userId);
});
