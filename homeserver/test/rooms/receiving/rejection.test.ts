import { beforeEach, describe, expect, test } from "vitest";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import type { StoredEvent } from "../../../src/rooms/index.ts";
import { forger, newest } from "../support/forge.ts";
import { startServers, publicRoom } from "../support/servers.ts";

const [world, a, b] = await startServers("a.test", "b.test");
const [alice, bob] = [a.user("alice"), b.user("bob")];
let roomId: RoomId;
beforeEach(async () => {
  world.reset();
  roomId = await publicRoom(world, [a, alice], [b, bob]);
});

async function send(...events: RoomEvent[]): Promise<void> {
  const pdus = events.map((event) => JSON.parse(event.json()));
  const results = await a.rooms.federation.receive(b.name, pdus);
  // Server-server API, "Rejection": a transaction is not answered with an error because of it.
  for (const { eventId } of events) expect(results[eventId]).toEqual({});
}

/** As a has it; undefined when it doesn't. */
async function stored(eventId: EventId): Promise<StoredEvent> {
  return (await a.rooms.view.eventsById([eventId])).get(eventId)!;
}

async function shown(): Promise<string> {
  const page = await a.rooms.history.messages(alice, roomId, { dir: "b", limit: 50 });
  return page.chunk.join();
}

describe("a rejected event", () => {
  test("is neither shown nor built upon, and is no part of the state after it", async () => {
    const forge = await forger(b, roomId, bob);
    const topic = forge({ type: "m.room.topic", stateKey: "", content: { topic: "usurped" } });
    const child = forge({ prev: [topic.eventId], content: { body: "child" } });
    await send(topic, child);
    expect((await stored(topic.eventId)).status).toBe("rejected");
    expect((await stored(child.eventId)).status).toBe("accepted");
    const after = await a.rooms.view.stateAt((await stored(child.eventId)).stateAfter);
    expect(after.some(({ event }) => event.type === "m.room.topic")).toBe(false);
    const text = await shown();
    expect(text).toContain("child");
    expect(text).not.toContain("usurped");
    const type = "m.room.message";
    const mine = await a.rooms.send.message({ by: alice, roomId, type, content: { body: "mine" } });
    expect((await stored(mine)).event.prevEventIds).toEqual([child.eventId]);
  });

  test("makes an event rejected that names it among its auth events", async () => {
    const forge = await forger(b, roomId, bob);
    const tip = (await newest(a, roomId))!;
    const state = await a.rooms.view.currentState(tip.roomNid);
    const levels = state.find(({ event }) => event.type === "m.room.power_levels")!.event;
    const member = state.find(({ event }) => event.stateKey === bob.userId)!.event;
    const power = forge({
      ...{ type: "m.room.power_levels", stateKey: "" },
      content: { ...levels.content, users: { [bob.userId]: 100 } },
    });
    const child = forge({
      prev: [power.eventId],
      auth: [power.eventId, member.eventId],
      content: { body: "by usurped power" },
    });
    await send(power, child);
    expect((await stored(child.eventId)).status).toBe("rejected");
  });

  test("on the word of another server is judged again when what it builds on arrives", async () => {
    const ben = b.user("ben");
    let first: EventId | undefined;
    await world.lose(async () => {
      const type = "m.room.message";
      first = await b.rooms.send.message({ by: bob, roomId, type, content: { body: "first" } });
      await b.rooms.members.join({ by: ben, room: roomId });
      await b.rooms.send.message({ by: ben, roomId, type, content: { body: "ben is here" } });
    });
    const told = await b.rooms.view.currentState((await b.rooms.view.room(roomId))!.nid);
    const join = told.find(({ event }) => event.stateKey === ben.userId)!.event;
    const message = (await newest(b, roomId))!.event;
    const opening = (await b.rooms.view.eventsById([first!])).get(first!)!.event;
    world.pretend(b, "missingEvents", async () => ({ events: [] }));
    world.pretend(b, "stateIds", async (honest) => {
      const answer = await honest();
      const lie = told.filter(
        ({ event }) => event.type !== "m.room.join_rules" && event.stateKey !== ben.userId,
      );
      return { ...answer, pdu_ids: lie.map(({ event }) => event.eventId) };
    });
    await send(join, message);
    expect((await stored(join.eventId)).status).toBe("rejected");
    expect(await stored(message.eventId)).toBeUndefined();
    expect(await shown()).not.toContain("ben is here");

    await send(opening);
    await expect.poll(async () => (await stored(message.eventId))?.status).toBe("accepted");
    expect((await stored(join.eventId)).status).toBe("accepted");
    await expect.poll(shown).toContain("ben is here");
    const members = await a.rooms.view.joinedMembers((await a.rooms.view.room(roomId))!.nid);
    expect(members).toContain(ben.userId);
  });
});

describe("an outlier rejected because of a rejected auth event", () => {
  test("is judged again when that one is accepted", async () => {
    const ben = b.user("ben");
    let first: EventId | undefined;
    let last: EventId | undefined;
    const type = "m.room.message";
    await world.lose(async () => {
      first = await b.rooms.send.message({ by: bob, roomId, type, content: { body: "first" } });
      await b.rooms.members.join({ by: ben, room: roomId });
    });
    const room = (await b.rooms.view.room(roomId))!;
    const memberOf = async () =>
      (await b.rooms.view.currentState(room.nid)).find(
        ({ event }) => event.stateKey === ben.userId,
      )!.event;
    const join = await memberOf();
    world.pretend(b, "missingEvents", async () => ({ events: [] }));
    let lies = true;
    world.pretend(b, "stateIds", async (honest) => {
      const answer = await honest();
      const state = await b.rooms.view.currentState(room.nid);
      const rules = state.find(({ event }) => event.type === "m.room.join_rules")!.event.eventId;
      const ids = answer.pdu_ids as string[];
      return lies ? { ...answer, pdu_ids: ids.filter((id) => id !== rules) } : answer;
    });
    await send(join);
    expect((await stored(join.eventId)).status).toBe("rejected");
    lies = false;
    await world.lose(async () => {
      const content = { membership: "join", displayname: "Ben" };
      const change = { by: ben, roomId, type: "m.room.member", stateKey: ben.userId, content };
      await b.rooms.send.state(change);
      last = await b.rooms.send.message({ by: bob, roomId, type, content: { body: "last" } });
    });
    const found = await b.rooms.view.eventsById([first!, last!]);
    const renamed = (await memberOf()).eventId;
    await send(found.get(last!)!.event);
    expect((await stored(last!)).status).toBe("accepted");
    expect((await stored(renamed)).status).toBe("rejected");

    await send(found.get(first!)!.event);
    await expect.poll(async () => (await stored(renamed)).status).toBe("accepted");
    expect((await stored(join.eventId)).status).toBe("accepted");
  });
});

describe("a soft-failed event", () => {
  test("counts in the state of events that build on it, and is shown to nobody", async () => {
    const name = "m.room.power_levels";
    const { event } = await a.rooms.history.stateEvent(alice.userId, roomId, name, "");
    const content = { ...event.content, users: { [bob.userId]: 50 } };
    await a.rooms.send.state({ by: alice, roomId, type: name, stateKey: "", content });
    await world.flush();
    const forge = await forger(b, roomId, bob);
    const note = forge({ type: "org.example.note", stateKey: "", content: { note: "evading" } });
    await a.rooms.members.ban({ by: alice, roomId, userId: bob.userId });
    await send(note);
    expect((await stored(note.eventId)).status).toBe("soft-failed");
    expect(await shown()).not.toContain("evading");
    const now = await a.rooms.view.currentState((await a.rooms.view.room(roomId))!.nid);
    expect(now.some(({ event }) => event.type === "org.example.note")).toBe(false);

    const child = forge({ prev: [note.eventId], content: { body: "on top" } });
    await send(child);
    expect((await stored(child.eventId)).status).toBe("soft-failed");
    const before = await a.rooms.view.stateAt((await stored(child.eventId)).stateBefore);
    expect(before.some(({ event }) => event.eventId === note.eventId)).toBe(true);
  });
});
