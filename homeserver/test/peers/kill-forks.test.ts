import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { register, type TestUser } from "../support/user.ts";
import { createLink, type Link } from "./support/link.ts";
import { createNetwork, type Network } from "./support/network.ts";
import { freePorts } from "../support/ports.ts";
import { startWeft, type WeftProcess } from "./support/process.ts";
import { wrongIn } from "./support/wrong.ts";
import { bodiesIn, copyRoom } from "./support/room-copy.ts";
import { talk, untilAnswered } from "./support/talk.ts";
import { eventually } from "../support/wait.ts";
import { pause, someMoment } from "../support/pace.ts";

/** WEFT_TEST_KILLS=100 for more in a room, WEFT_TEST_ROUNDS=100 for more rooms, one after another. */
const KILLS = Number(process.env["WEFT_TEST_KILLS"] ?? 10);
const ROUNDS = Number(process.env["WEFT_TEST_ROUNDS"] ?? 1);
/** WEFT_TEST_BUSY=2: so many processes do nothing but keep a core busy meanwhile. */
const BUSY = Number(process.env["WEFT_TEST_BUSY"] ?? 0);
/** All three have all of a room so long after the last kill. What is staged is tried again after a minute or two. */
const SETTLED_MS = 300_000;
const ROUND_MS = 120_000 + SETTLED_MS + KILLS * 30_000;
const NAMES = ["one", "two", "three"];

let network: Network;
let links: Link[];
let servers: WeftProcess[];
let users: TestUser[];
let roomId: string;
let busy: ChildProcess[] = [];

beforeAll(async () => {
  network = await createNetwork();
  const ports = await freePorts(6);
  links = await Promise.all(NAMES.map((_, i) => createLink(ports[i]!, ports[i + 3]!)));
  servers = await Promise.all(
    NAMES.map((name, i) =>
      startWeft(network, { name, namePort: ports[i]!, securePort: ports[i + 3]! }),
    ),
  );
  users = await Promise.all(servers.map((server, i) => register(server, NAMES[i]!)));
}, 180_000);

/** A room that all three are in. */
beforeEach(async () => {
  busy = Array.from({ length: BUSY }, keepBusy);
  const [first, ...others] = users as [TestUser, ...TestUser[]];
  const levels = Object.fromEntries(others.map(({ userId }) => [userId, 100]));
  const creation = { preset: "public_chat", power_level_content_override: { users: levels } };
  roomId = (await untilAnswered(first, "POST", "/createRoom", creation)).room_id;
  for (const user of others) {
    const via = `via=${servers[0]!.serverName}`;
    await untilAnswered(user, "POST", `/join/${encodeURIComponent(roomId)}?${via}`, {});
  }
}, 180_000);
afterEach(() => {
  for (const child of busy) child.kill("SIGKILL");
});

/** It ends by itself, should nobody end it. */
function keepBusy(): ChildProcess {
  const loop = `for (const end = Date.now() + ${ROUND_MS}; Date.now() < end;);`;
  return spawn(process.execPath, ["-e", loop], { stdio: "ignore" });
}

afterAll(async () => {
  await Promise.all(servers?.map((server) => server.stop()) ?? []);
  await Promise.all(links?.map((link) => link.close()) ?? []);
  await network?.close();
}, 180_000);

/** Changes the room's state on and on: topic, notes, join rule, levels, bans of people who never came. */
async function govern(user: TestUser, stop: AbortSignal): Promise<Set<string>> {
  const answered = new Set<string>();
  const path = `/rooms/${encodeURIComponent(roomId)}`;
  const me = user.userId;
  for (let i = 0; !stop.aborted; i += 1) {
    const deeds = [
      ["m.room.topic/", { topic: `${me} ${i}` }],
      [`org.example.note/${i % 5}`, { by: me, i }],
      ["m.room.join_rules/", { join_rule: i % 2 === 0 ? "public" : "invite" }],
      [
        `m.room.member/@nobody${i % 7}:nowhere.example`,
        { membership: "ban", reason: `${me} ${i}` },
      ],
    ] as const;
    const [where, content] = deeds[Math.floor(Math.random() * deeds.length)]!;
    const { event_id } = await untilAnswered(user, "PUT", `${path}/state/${where}`, content);
    answered.add(event_id);
    await pause(200);
  }
  return answered;
}

/** One is killed at some moment, sometimes while another one can't be reached. */
async function kill(): Promise<void> {
  const pick = () => Math.floor(Math.random() * servers.length);
  const link = Math.random() < 0.3 ? links[pick()] : undefined;
  link?.cut();
  await someMoment(100, 1000);
  const server = servers[pick()]!;
  await server.kill();
  await server.start();
  link?.restore();
}

test.each(Array.from({ length: ROUNDS }, (_, i) => i + 1))(
  `three servers, killed ${KILLS} times amid forks, agree on all that was answered (%i of ${ROUNDS})`,
  { timeout: ROUND_MS },
  async () => {
    const enough = new AbortController();
    const talking = Promise.all(users.map((user) => talk(user, roomId, enough.signal, 60)));
    const governing = Promise.all(users.map((user) => govern(user, enough.signal)));
    // Whatever ends them early is told when it's their turn.
    void talking.catch(() => {});
    void governing.catch(() => {});
    for (let i = 0; i < KILLS; i += 1) {
      await kill();
      const died = servers.find(({ hasDied }) => hasDied);
      if (died) throw new Error(`a server died by itself: ${died.logged.slice(-20).join("\n")}`);
    }
    enough.abort();
    const said = new Map((await talking).flatMap((each) => [...each]));
    const done = (await governing).flatMap((each) => [...each]);
    expect(said.size).toBeGreaterThan(5 * KILLS);
    expect(done.length).toBeGreaterThan(KILLS);

    // Each says a last word, on top of what it knows.
    for (const [i, user] of users.entries()) {
      const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/last${i}`;
      const body = { msgtype: "m.text", body: `${user.userId} is done` };
      said.set(body.body, (await untilAnswered(user, "PUT", path, body)).event_id);
    }
    const answered = [...said.values(), ...done];
    const copies = await eventually(
      () => "the same room on all three",
      async () => {
        const found = await Promise.all(users.map((user) => copyRoom(user.call, roomId)));
        const isWhole = found.every(({ events }) => answered.every((id) => events.has(id)));
        return isWhole && found.every((copy) => copy.events.size === found[0]!.events.size)
          ? found
          : undefined;
      },
      { within: SETTLED_MS, every: 1_000 },
    );
    for (const copy of copies.slice(1)) expect(copy).toEqual(copies[0]);
    expect(bodiesIn(copies[0]!)).toEqual([...said.keys()].toSorted());
    for (const [i, server] of servers.entries()) {
      const { serverName } = server;
      const dataDir = join(network.folder, NAMES[i]!);
      const wrong = await wrongIn({ serverName, dataDir }, { room: roomId });
      expect(wrong, NAMES[i]).toEqual([]);
    }
    console.info(
      `${KILLS} kills: ${said.size} messages and ${done.length} state events were answered; ` +
        `${copies[0]!.events.size} events are on all three`,
    );
  },
);
