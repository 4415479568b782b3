/** What another replica did meanwhile, and what was judged too early. */
import { expect, test } from "vitest";
import { createManualClock } from "../../../src/platform/clock.ts";
import { forger } from "../support/forge.ts";
import {
  a,
  alice,
  b,
  c,
  carol,
  eventOf,
  pduOf,
  receive,
  roomId,
  rowOf,
  say,
  tellNoHistory,
  unheard,
  world,
} from "./three-in-a-room.ts";

test("an outlier that another replica has given a place is no gap", async () => {
  const [between, last] = await unheard(
    async () => [await say("between"), await say("last")] as const,
  );
  tellNoHistory();
  const replica = await world.replica(b!);
  // The replica takes what is missing for an outlier; then the first process places it, as history.
  await replica.rooms.federation.receive(a!.name, [pduOf(last)]);
  expect(await rowOf(between)).toMatchObject({ placed: false });
  await receive(a!, [between]);
  expect(await rowOf(between)).toMatchObject({ placed: true });
  const forge = await forger(b!, roomId, carol);
  const fork = forge({ prev: [between.eventId], depth: between.depth + 1, signer: c! });
  world.calls.clear();
  await replica.rooms.federation.receive(c!.name, [pduOf(fork)]);
  expect(await rowOf(fork)).toMatchObject({ placed: true });
  expect([...world.calls.keys()]).toEqual([]);
});

test("what was rejected because of an event is judged again, although the server is killed in between", async () => {
  const ben = a!.user("ben");
  const member = async () =>
    eventOf(
      (await a!.rooms.history.stateEvent(alice.userId, roomId, "m.room.member", ben.userId)).event
        .eventId,
      a!,
    );
  const [first, join] = await unheard(async () => {
    const said = await say("first");
    await a!.rooms.members.join({ by: ben, room: roomId });
    return [said, await member()] as const;
  });
  tellNoHistory();
  const rules = await a!.rooms.history.stateEvent(alice.userId, roomId, "m.room.join_rules", "");
  let lies = true;
  world.pretend(a!, "stateIds", async (honest) => {
    const answer = (await honest()) as { pdu_ids: string[] };
    const told = answer.pdu_ids.filter((id) => id !== rules.event.eventId);
    return lies ? { ...answer, pdu_ids: told } : answer;
  });
  await receive(a!, [join]);
  expect(await rowOf(join)).toMatchObject({ status: 2, placed: false });
  lies = false;
  const [renamed, last] = await unheard(async () => {
    const content = { membership: "join", displayname: "Ben" };
    const type = "m.room.member";
    await a!.rooms.send.state({ by: ben, roomId, type, stateKey: ben.userId, content });
    return [await member(), await say("last")] as const;
  });
  await receive(a!, [last]);
  expect(await rowOf(renamed)).toMatchObject({ status: 2 });
  // The first message, the join that builds on it, and no more.
  const died = b!.dieAfter(2);
  void receive(a!, [first]);
  await died;
  expect(await rowOf(join)).toMatchObject({ status: 0, placed: true });
  expect(await rowOf(renamed)).toMatchObject({ status: 2 });
  await world.replica(b!, { isInstead: true });
  const now = () => rowOf(renamed).then((row) => row?.status);
  await expect.poll(now, { timeout: 30_000 }).toBe(0);
  const left = () => b!.db.sql`SELECT 1 FROM events_to_rejudge`.then(({ length }) => length);
  await expect.poll(left, { timeout: 30_000 }).toBe(0);
}, 90_000);

test("a membership that nobody can check any more keeps a room from going on for a minute only", async () => {
  const clock = createManualClock(Date.now());
  const d = await world.server("d.test", { clock });
  await d.rooms.members.join({ by: d.user("dan"), room: roomId, via: [a!.name] });
  await world.flush();
  const dora = c!.user("dora");
  const before = Date.now();
  const type = "m.room.member";
  const [joined, last] = await unheard(async () => {
    await c!.rooms.members.join({ by: dora, room: roomId });
    const { event } = await c!.rooms.history.stateEvent(carol.userId, roomId, type, dora.userId);
    await receive(c!, [event], a);
    await say("between");
    return [event, await say("last")] as const;
  });
  expect(joined.originServerTs).toBeGreaterThan(before);
  tellNoHistory();
  world.expire(c!, before);
  await receive(a!, [last], d);
  expect(await rowOf(last, d)).toBeUndefined();
  const placed = async () => {
    clock.advance(45_000);
    return (await rowOf(last, d))?.placed;
  };
  await expect.poll(placed, { timeout: 60_000, interval: 100 }).toBe(true);
  const [stored] = (await d.rooms.view.eventsById([last.eventId])).values();
  const state = await d.rooms.view.stateAt(stored!.stateBefore, { types: [type] });
  const members = state.map(({ event }) => event.stateKey);
  expect(members).not.toContain(dora.userId);
  expect(members).toContain(carol.userId);
}, 90_000);
