/** How the members come in the end, whatever fails meanwhile. */
import { expect, test } from "vitest";
import type { TakeParts } from "../../../src/federation-client/reading/read-parts.ts";
import { partsOf } from "../support/wire.ts";
import {
  a,
  expectAgreement,
  holdStates,
  newServer,
  roomId,
  say,
  servers,
  whole,
  world,
} from "./joining.ts";

test("another server is asked for the members when the first fails or tells another state", async () => {
  const { b: c, bob: carol } = await newServer();
  await c.rooms.members.join({ by: carol, room: roomId, via: [a.name] });
  await whole(c, carol);
  await world.flush();
  const earlier = servers.filter((one) => one !== c);
  const { b, bob } = await newServer();
  // They are in the room too, and would tell the right state.
  for (const one of earlier) world.cut(b, one);
  const asked: string[] = [];
  world.pretend(a, "joinedState", async (_honest, _room, _event, take: TakeParts) => {
    asked.push(a.name);
    await take(partsOf({ pdus: [] }));
  });
  world.pretend(c, "joinedState", async (honest) => {
    asked.push(c.name);
    return honest();
  });
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await world.flush();
  await whole(b, bob);
  expect(asked[0]).toBe(a.name);
  expect(asked).toContain(c.name);
  await expectAgreement(b);
}, 180_000);

test("another process goes on where one was killed", async () => {
  const { b, bob } = await newServer();
  const goOn = holdStates(a);
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await say(b, bob, "before the end");
  await world.flush();
  await b.close();
  world.reset();
  const again = await world.replica(b);
  goOn();
  await whole(again, bob);
  await expectAgreement(again);
}, 180_000);

test.each([0, 1, 4, 8, 9, 10, 11, 12])(
  "another process goes on where one was killed, %i commits after the join",
  async (commits) => {
    const { b, bob } = await newServer();
    const goOn = holdStates(a);
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    await say(b, bob, "before the end");
    await world.flush();
    const died = b.dieAfter(commits);
    goOn();
    // Or it was done with fewer.
    await Promise.race([died, whole(b, bob)]);
    world.reset();
    const again = await world.replica(b, { isInstead: true });
    await whole(again, bob);
    await expectAgreement(again);
    await say(again, bob, "after the end");
    await world.flush();
    await expectAgreement(again);
  },
  60_000,
);

test("a server that leaves no members out is joined by the same way", async () => {
  const { b, bob } = await newServer();
  world.pretend(a, "sendJoin", async (_honest, join, take: TakeParts) => {
    const { eventId, pdu } = join;
    const answer = await a.rooms.federation.sendJoin(b.name, roomId, eventId, pdu, false);
    await take(partsOf(answer.head));
    // The state first: nothing in it can be judged before the end.
    for (const [key, list] of [
      ["state", answer.pdus],
      ["auth_chain", answer.authChain],
    ] as const) {
      for await (const texts of list) {
        await take(texts.toReversed().map((text) => ({ key, value: JSON.parse(text) })));
      }
    }
  });
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await say(b, bob, "hello");
  await world.flush();
  await whole(b, bob);
  await expectAgreement(b);
}, 180_000);

test("who leaves while the members are fetched, and comes back, has the whole room", async () => {
  const { b, bob } = await newServer();
  const goOn = holdStates(a);
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await b.rooms.members.leave({ by: bob, roomId });
  await world.flush();
  goOn();
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await world.flush();
  await whole(b, bob);
  await expectAgreement(b);
}, 180_000);
