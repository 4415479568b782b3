import { afterAll, beforeAll, expect, test } from "vitest";
import { register, type TestUser } from "../support/user.ts";
import { createNetwork, type Network } from "./support/network.ts";
import { startWeft, type WeftProcess } from "./support/process.ts";
import { copyRoom, type RoomCopy } from "./support/room-copy.ts";
import { listen, talk } from "./support/talk.ts";
import { eventually } from "../support/wait.ts";
import { someMoment } from "../support/pace.ts";

const KILLS = 10;

let network: Network;
let here: WeftProcess;
let there: WeftProcess;
let alice: TestUser;
let bob: TestUser;
let roomId: string;

beforeAll(async () => {
  network = await createNetwork();
  [here, there] = await Promise.all([
    startWeft(network, { name: "here" }),
    startWeft(network, { name: "there" }),
  ]);
  [alice, bob] = await Promise.all([register(here, "alice"), register(there, "bob")]);
  roomId = (await alice.call("POST", "/createRoom", { preset: "public_chat" })).room_id;
  await bob.call("POST", `/join/${encodeURIComponent(roomId)}?via=${here.serverName}`, {});
}, 120_000);

afterAll(async () => {
  await Promise.all([here?.stop(), there?.stop()]);
  await network?.close();
}, 180_000);

test(
  `a server killed ${KILLS} times amid traffic loses and doubles no message on either side`,
  { timeout: 600_000 },
  async () => {
    const enough = new AbortController();
    const listeners = await Promise.all([alice, bob].map((user) => listen(user, roomId)));
    const talking = Promise.all([alice, bob].map((user) => talk(user, roomId, enough.signal)));
    for (let kill = 0; kill < KILLS; kill += 1) {
      await someMoment(200, 1200);
      await there.kill();
      await there.start();
    }
    enough.abort();
    const said = new Map((await talking).flatMap((each) => [...each]));
    expect(said.size).toBeGreaterThan(10 * KILLS);

    const copies = await eventually(
      "the same room on both sides",
      async () => {
        const [own, other] = await Promise.all([
          copyRoom(alice.call, roomId),
          copyRoom(bob.call, roomId),
        ]);
        const isSame =
          own.events.size === other.events.size && holds(own, said) && holds(other, said);
        return isSame ? { own, other } : undefined;
      },
      { within: 60_000, every: 500 },
    );
    expect(copies.other).toEqual(copies.own);
    expect(messagesIn(copies.own)).toEqual(said);
    for (const listener of listeners) {
      await eventually("sync tells all of it", () => listener.heard.length >= said.size);
      await listener.stop();
      expect([...listener.heard].sort()).toEqual([...said.values()].sort());
    }
  },
);

function holds(copy: RoomCopy, said: ReadonlyMap<string, string>): boolean {
  return [...said.values()].every((eventId) => copy.events.has(eventId));
}

/** Text → event id. A text that is there twice fails the test. */
function messagesIn({ events }: RoomCopy): Map<string, string> {
  const found = new Map<string, string>();
  for (const [eventId, event] of events) {
    const { type, content } = event as { type: string; content: { body: string } };
    if (type !== "m.room.message") continue;
    expect(found.has(content.body), `${content.body} is there twice`).toBe(false);
    found.set(content.body, eventId);
  }
  return found;
}
