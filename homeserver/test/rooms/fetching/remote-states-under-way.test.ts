/** What is told while it is on its way to the log, or fails to get there. */
import { expect, test } from "vitest";
import { rootOfBytes } from "../../../src/rooms/records/events.ts";
import { createRoomStore } from "../../../src/rooms/state/store.ts";
import type { HeldLog } from "../support/hold-log.ts";
import type { TestServer } from "../support/world.ts";
import {
  BANNED,
  a,
  b,
  c,
  goOn,
  holdLog,
  member,
  membership,
  overtake,
  receive,
  say,
  secondOfCarol,
  set,
  tellNoHistory,
  tryToJoin,
  unheard,
  world,
} from "./deaf-server.ts";
import type { Sent } from "./deaf-server.ts";

/** Numbers in the stored states that no event has. */
async function strayNids(server: TestServer): Promise<number[]> {
  const store = createRoomStore(server.db.sql);
  const rows = await server.db.sql<{ nid: number; before: Buffer | null; after: Buffer | null }[]>`
    SELECT event_nid AS nid, state_before AS before, state_after AS after FROM events`;
  const nids = new Set<number>();
  for (const { before, after } of rows) {
    for (const root of [rootOfBytes(before), rootOfBytes(after)]) {
      if (root !== null) for (const [, nid] of await store.tree.entries(root)) nids.add(nid);
    }
  }
  const known = new Set(rows.map(({ nid }) => nid));
  return [...nids].filter((nid) => !known.has(nid));
}

test("1: a ban that is told while its commit fails is in the state of what stands on it", async () => {
  const [ban, between, last] = await unheard(
    async () => [await member("ban"), await say("between"), await say("last")] as const,
  );
  tellNoHistory();
  let first: Promise<unknown> | undefined;
  let held!: HeldLog;
  // While b asks for the state before "last", the ban comes by itself, and its commit is under way.
  world.pretend(a!, "stateIds", async (honest) => {
    if (first === undefined) {
      held = holdLog(b!);
      first = receive(a!, ban);
      await held.until(1);
      queueMicrotask(() => asked.resolve());
    }
    return honest();
  });
  const asked = Promise.withResolvers<void>();
  const second = receive(a!, last);
  await asked.promise;
  await held.until(2);
  await overtake();
  held.release();
  await Promise.all([first, second]);
  world.heal();
  // What was between comes: "last" is the one end of alice's branch now.
  await receive(a!, between);
  const restarted = await world.replica(b!);
  const joined = await tryToJoin(restarted);
  await goOn();
  expect(await strayNids(b!)).toEqual([]);
  expect(joined).toBe(BANNED);
  expect(await membership(b!)).toBe(await membership(a!));
});

test("1, control: the same when no commit fails", async () => {
  const [ban, between, last] = await unheard(
    async () => [await member("ban"), await say("between"), await say("last")] as const,
  );
  tellNoHistory();
  for (const one of [ban, last, between]) await receive(a!, one);
  expect(await strayNids(b!)).toEqual([]);
  expect(await tryToJoin(await world.replica(b!))).toBe(BANNED);
});

test("2: the same in one process, where a told outlier and a placing are in each other's way", async () => {
  const [topic, ban, , last] = await unheard(
    async () =>
      [
        ...[await set("m.room.topic", "", { topic: "x" }), await member("ban")],
        ...[await say("between"), await say("last")],
      ] as [Sent, Sent, Sent, Sent],
  );
  await c!.rooms.federation.receive(a!.name, [topic.pdu, ban.pdu]);
  const ofCarol = await secondOfCarol();
  tellNoHistory();
  let held: HeldLog | undefined;
  const asked = Promise.withResolvers<void>();
  const all: Promise<unknown>[] = [];
  world.pretend(a!, "stateIds", async (honest) => {
    if (held !== undefined) return honest();
    held = holdLog(b!);
    // What c tells before "c2" has topic and ban, which are not here: they become outliers.
    all.push(receive(c!, ofCarol));
    await held.until(1);
    // Meanwhile they come by themselves.
    all.push(receive(a!, topic, ban));
    await held.until(3);
    asked.resolve();
    return honest();
  });
  all.push(receive(a!, last));
  await asked.promise;
  await held!.until(4);
  held!.release();
  await Promise.all(all);
  expect(await strayNids(b!)).toEqual([]);
});
