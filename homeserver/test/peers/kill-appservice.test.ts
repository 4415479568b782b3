/** An application service and the server, both killed at random: it is told of each event once, in order. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type FakeService, startFakeService } from "../appservice/fake-service.ts";
import { registrationText, serviceClient } from "../appservice/support.ts";
import { someMoment } from "../support/pace.ts";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";
import { eventually } from "../support/wait.ts";
import { createNetwork, type Network } from "./support/network.ts";
import { startWeft, type WeftProcess } from "./support/process.ts";

/** WEFT_TEST_APPSERVICE_EVENTS=100000 for a service with 1,000 ghosts in 200 rooms. */
const EVENTS = Number(process.env["WEFT_TEST_APPSERVICE_EVENTS"] ?? 1_000);
const IS_LONG = process.env["WEFT_TEST_APPSERVICE_EVENTS"] !== undefined;
const ROOMS = IS_LONG ? 200 : 6;
const GHOSTS_OF_ROOM = 5;
/** Ghosts that speak at once. */
const AT_ONCE = 16;
/** Times that something is killed, at least. */
const KILLS = 3;
const WITHIN_MS = IS_LONG ? 4 * 3_600_000 : 600_000;

let folder: string;
let network: Network;
let server: WeftProcess;
let service: FakeService;
let client: ReturnType<typeof serviceClient>;
/** Ghost and room of each speaker. */
const speakers: { readonly ghost: string; readonly roomId: string }[] = [];

beforeAll(async () => {
  folder = makeTemporaryFolder("weft-appservices-");
  service = await startFakeService();
  const users = [{ regex: "@_ghost_.*", exclusive: true }];
  const text = registrationText({ url: service.url, users, rate_limited: false });
  writeFileSync(join(folder, "bridge.yaml"), text);
  network = await createNetwork();
  server = await startWeft(network, { name: "here", settings: { WEFT_APPSERVICES: folder } });
  client = serviceClient(server, "as-token");
  let next = 0;
  const makeRooms = async () => {
    while (next < ROOMS) await makeRoom(next++);
  };
  await Promise.all(Array.from({ length: 4 }, makeRooms));
}, WITHIN_MS);

afterAll(async () => {
  await server?.stop();
  await network?.close();
  await service?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 180_000);

async function makeRoom(room: number): Promise<void> {
  const names = Array.from({ length: GHOSTS_OF_ROOM }, (_, i) => `_ghost_${room}_${i}`);
  const ghosts = await Promise.all(names.map((name) => client.ghost(name)));
  const { room_id: roomId } = await client.call("POST", "/createRoom", { preset: "public_chat" });
  for (const ghost of ghosts) {
    await client.call("POST", `/join/${encodeURIComponent(roomId)}`, {}, { as: ghost });
    speakers.push({ ghost, roomId });
  }
}

/** Says numbers, one after another, each until it is answered; the same request is one event. */
async function speak(which: number): Promise<string[]> {
  const said: string[] = [];
  for (let n = which; n < EVENTS; n += AT_ONCE) {
    // A part of them waits for each kill: a fast machine would have said them all before.
    await killing[Math.floor((n * (KILLS + 1)) / EVENTS)]?.promise;
    const { ghost, roomId } = speakers[n % speakers.length]!;
    const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/n${n}`;
    const content = { msgtype: "m.text", body: String(n) };
    said.push(
      await eventually(
        `message ${n} is sent`,
        async () => {
          const answer = await client
            .ask("PUT", path, content, { as: ghost })
            .catch(() => undefined);
          return answer?.status === 200 ? (answer.body.event_id as string) : undefined;
        },
        { within: 180_000, every: 100 },
      ),
    );
  }
  return said;
}

/** Each resolves when so much was killed. */
const killing = Array.from({ length: KILLS + 1 }, () => Promise.withResolvers<void>());

/** Kills the server, or the service at a random moment of a transaction, on and on. */
async function trouble(over: AbortSignal): Promise<number> {
  let kills = 0;
  for (; !over.aborted; kills += 1) {
    killing[kills]?.resolve();
    await (IS_LONG ? someMoment(2_000, 15_000) : someMoment(300, 2_000));
    if (kills % 2 === 0) {
      await server.kill();
      await server.start();
      continue;
    }
    // The answer is lost: before or after the service has taken the transaction.
    let lost = 0;
    service.answer(() => {
      lost += 1;
      return lost % 2 === 0 ? { status: 500 } : { status: 200, isLost: true };
    });
    await someMoment(50, 500);
    await service.stop();
    await someMoment(50, 1_000);
    service.answer(() => undefined);
    await service.start();
  }
  return kills;
}

test(
  `${EVENTS} events reach a service once and in order, however often it and the server are killed`,
  { timeout: WITHIN_MS },
  async () => {
    const over = new AbortController();
    const troubled = trouble(over.signal);
    const lanes = await Promise.all(Array.from({ length: AT_ONCE }, (_, which) => speak(which)));
    over.abort();
    expect(await troubled).toBeGreaterThanOrEqual(KILLS);
    const said = new Set(lanes.flat());
    expect(said.size).toBe(EVENTS);

    const messages = () => service.all("events").filter(({ type }) => type === "m.room.message");
    await eventually("all of it", () => messages().length >= EVENTS, {
      ...{ within: 180_000, every: 500 },
    });
    const told = messages();
    expect(told.length).toBe(EVENTS);
    expect(new Set(told.map(({ event_id: id }) => id))).toEqual(said);
    // Who speaks says one number after another.
    const last = new Map<string, number>();
    for (const { sender, content } of told) {
      const lane = `${sender} ${Number(content.body) % AT_ONCE}`;
      expect(Number(content.body)).toBeGreaterThan(last.get(lane) ?? -1);
      last.set(lane, Number(content.body));
    }
    const members = service.all("events").filter(({ type }) => type === "m.room.member");
    expect(members.length).toBe(ROOMS * (GHOSTS_OF_ROOM + 1));
  },
);
