/** What Element Call does by matrix-js-sdk: events that are sent later, unless it keeps restarting them. */
import { EventTimeline, EventType, type MatrixError, MsgType, Preset } from "matrix-js-sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { someMoment } from "../support/pace.ts";
import { eventually } from "../support/wait.ts";
import { type Person, roomOf, shown, startPerson } from "./support/js-sdk.ts";
import { createNetwork, type Network } from "./support/network.ts";
import { startWeft, type WeftProcess } from "./support/process.ts";

const HOUR_MS = 3_600_000;
const KILLS = 4;

let network: Network;
let here: WeftProcess;
let there: WeftProcess;
let alice: Person;
let bob: Person;
let roomId: string;

beforeAll(async () => {
  network = await createNetwork();
  [here, there] = await Promise.all([
    startWeft(network, { name: "here" }),
    startWeft(network, { name: "there" }),
  ]);
  [alice, bob] = await Promise.all([startPerson(here, "alice"), startPerson(there, "bob")]);
  roomId = (await alice.client.createRoom({})).room_id;
  await roomOf(alice, roomId, "join");
}, 240_000);

afterAll(async () => {
  alice?.client.stopClient();
  bob?.client.stopClient();
  await Promise.all([here?.stop(), there?.stop()]);
  await network?.close();
}, 180_000);

async function schedule(delay: number, n: number): Promise<string> {
  const { client } = alice;
  // The library's types know its own events alone.
  const left = { n, msgtype: MsgType.Text, body: "left" } as const;
  const sent = await client._unstable_sendDelayedEvent(
    roomId,
    { delay },
    null,
    EventType.RoomMessage,
    left,
  );
  return sent.delay_id;
}

async function sent(): Promise<number[]> {
  const events = await shown(alice, roomId);
  return events
    .filter((event) => event.getType() === "m.room.message" && "n" in event.getContent())
    .map((event) => event.getContent()["n"] as number);
}

test("schedules, restarts, cancels and sends, and meets errors that it knows", async () => {
  const { client } = alice;
  const [kept, cancelled] = [await schedule(HOUR_MS, 1), await schedule(HOUR_MS, 2)];
  await client._unstable_restartScheduledDelayedEvent(kept);
  await client._unstable_cancelScheduledDelayedEvent(cancelled);
  await client._unstable_sendScheduledDelayedEvent(kept);
  await eventually("it is shown", async () => (await sent()).includes(1));
  const event = client.getRoom(roomId)!.getLiveTimeline().getEvents().at(-1)!;
  expect(event.getUnsigned()["org.matrix.msc4140.delay_id"]).toBe(kept);
  const info = await client._unstable_getDelayedEvent(kept);
  expect(info).toMatchObject({ finalised: { event_id: event.getId() } });
  const failing = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error: MatrixError) => [error.httpStatus, error.errcode],
    );
  // By this code the library's call takes it that the event is gone, and schedules another.
  expect(await failing(client._unstable_restartScheduledDelayedEvent(kept))).toEqual([
    409,
    "M_NOT_FOUND",
  ]);
  expect(await failing(client._unstable_restartScheduledDelayedEvent("unknown"))).toEqual([
    404,
    "M_NOT_FOUND",
  ]);
  const tooLong = await schedule(HOUR_MS * 24 * 365, 3).catch((error: MatrixError) => error.data);
  expect(tooLong).toMatchObject({ "org.matrix.msc4140.errcode": "M_MAX_DELAY_EXCEEDED" });
  await client._unstable_sendDelayedStateEvent(
    roomId,
    { delay: 1 },
    EventType.RoomTopic,
    { topic: "later" },
    "",
  );
  await eventually("the topic is set", () => {
    const state = client.getRoom(roomId)!.getLiveTimeline().getState(EventTimeline.FORWARDS)!;
    return state.getStateEvents("m.room.topic", "")?.getContent().topic === "later";
  });
});

/** What a client holds as sticky in a room, by its sender. */
function stuckAt({ client }: Person, room: string): string[] {
  const events = [...(client.getRoom(room)?._unstable_getStickyEvents() ?? [])];
  return events.map((event) => event.getContent()["body"] as string);
}

test(
  "sticky events reach whoever is in the room, or comes, on the other server",
  { timeout: 120_000 },
  async () => {
    const { room_id: room } = await alice.client.createRoom({ preset: Preset.PublicChat });
    // Messages go through the library's queue, which loses that they are sticky.
    const contentOf = (body: string) => ({
      ...{ body, url: "mxc://example.org/sticker", info: {} },
      msc4354_sticky_key: body,
    });
    const stick = (by: Person, body: string) =>
      by.client._unstable_sendStickyEvent(
        ...([room, 600_000, null, EventType.Sticker] as const),
        contentOf(body),
      );
    await roomOf(alice, room, "join");
    await stick(alice, "before Bob came");
    for (let n = 0; n < 30; n += 1) {
      await alice.client.sendMessage(room, { msgtype: MsgType.Text, body: `message ${n}` });
    }
    await bob.client.joinRoom(room, { viaServers: [here.serverName] });
    await eventually("Bob has it", () => stuckAt(bob, room).includes("before Bob came"));
    await stick(bob, "of Bob");
    await stick(alice, "of Alice");
    for (const person of [alice, bob]) {
      await eventually("both have all", () => new Set(stuckAt(person, room)).size === 3);
    }
    // What ends a call of one who is gone.
    await alice.client._unstable_sendStickyDelayedEvent(
      ...([room, 600_000, { delay: 100 }, null, EventType.Sticker] as const),
      contentOf("has left"),
    );
    await eventually("Bob learns of it", () => stuckAt(bob, room).includes("has left"));
  },
);

test(
  `a server that is killed ${KILLS} times sends each once, at its time or after its start`,
  { timeout: 300_000 },
  async () => {
    const numbers = Array.from({ length: 60 }, (_, n) => n + 100);
    for (const n of numbers) await schedule(2_000 + (n % 60) * 100, n);
    for (let kill = 0; kill < KILLS; kill += 1) {
      await someMoment(500, 2_000);
      await here.kill();
      await here.start();
    }
    const seen = await eventually(
      "all are sent",
      async () => {
        const now = (await sent().catch(() => [])).filter((n) => n >= 100);
        return now.length >= numbers.length ? now : undefined;
      },
      { every: 500 },
    );
    expect(seen.toSorted((a, b) => a - b)).toEqual(numbers);
  },
);
