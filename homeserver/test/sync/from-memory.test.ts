/** What is answered from memory at once is what a full computation answers. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { NewRecord } from "../../src/log/types.ts";
import type { EventId, RoomId, UserId } from "../../src/protocol/identifiers.ts";
import { countsChanged, makeLists } from "../support/key-counts.ts";
import type { Body } from "../support/user.ts";
import { createSyncWorld, joinedRoom, type SyncUser, type SyncWorld, texts } from "./support.ts";

let world: SyncWorld;
beforeAll(async () => void (world = await createSyncWorld()));
afterAll(() => world.close());

const LAZY = { room: { state: { lazy_load_members: true }, timeline: { limit: 6 } } };
/** Admits the same, but not by admitting everything: it is computed in full. */
const IN_FULL = {
  room: { ...LAZY.room, timeline: { limit: 6, not_types: ["x.of.nobody"] } },
};

const RUNS = 40;

type Action =
  | { does: "say" | "read" | "react" | "rename" | "redact" | "leave"; who: number; where: number }
  | { does: "device" | "keys" | "tell"; who: number; where: number }
  | { does: "sync" };

const who = fc.nat({ max: 2 });
const where = fc.nat({ max: 1 });
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ does: fc.constant("say" as const), who, where }) },
  { weight: 8, arbitrary: fc.constant({ does: "sync" as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constantFrom("read", "react", "rename", "redact", "leave", "device", "keys", "tell"),
      who,
      where,
    }),
  },
);

/** A body without what depends on the moment: ages, and how far the client is in what is not in the log. */
function timeless(body: Body): Body {
  return JSON.parse(JSON.stringify(body), (key, value: unknown) => {
    if (key === "age") return undefined;
    return key === "next_batch" ? (value as string).replace(/_.*/, "") : value;
  });
}

test(
  "whatever happens in rooms, both computations answer the same",
  { timeout: 120_000 },
  async () => {
    let atOnce = 0;
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 10, maxLength: 40 }), async (actions) => {
        run += 1;
        const users = ["ann", "ben", "cem"].map((name) => world.user(`${name}${run}`));
        const rooms = [await meet(users), await meet(users)];
        const said: EventId[][] = [[], []];
        // Each user has two clients who ask at the same moments.
        const quick = users.map(() => "");
        const full = users.map(() => "");
        for (const one of actions) {
          if (one.does === "sync") await compare();
          else await act(one, users, rooms, said);
        }
        await compare();

        async function compare(): Promise<void> {
          for (const [index, user] of users.entries()) {
            const since = quick[index]!;
            const options = { filter: LAZY, device: "QUICK" };
            const now = since === "" ? undefined : user.syncNow(since, options);
            if (now) atOnce += 1;
            const a = now ?? (await user.sync(since || undefined, options));
            const b = await user.sync(full[index] || undefined, {
              filter: IN_FULL,
              device: "FULL",
            });
            expect(timeless(a)).toEqual(timeless(b));
            [quick[index], full[index]] = [a.next_batch, b.next_batch];
          }
        }
      }),
      { numRuns: RUNS },
    );
    // Otherwise nothing was compared.
    expect(atOnce).toBeGreaterThan(RUNS);
  },
);

async function meet([first, ...others]: SyncUser[]): Promise<RoomId> {
  const roomId = await world.rooms.create.room(first!.by, { preset: "public_chat" });
  for (const other of others) await world.rooms.members.join({ by: other.by, room: roomId });
  return roomId;
}

let keys = 0;

/** What happens to a user's devices. */
function recordsOf(does: "device" | "keys" | "tell", userId: UserId): NewRecord[] {
  if (does === "device") {
    return [{ kind: "device_list", userId, deviceId: "D", isRemoved: false }];
  }
  if (does === "keys") return [countsChanged(userId, ["QUICK", "FULL"])];
  const message = '{"type":"x","sender":"@s:test.example","content":{}}';
  return ["QUICK", "FULL"].map((deviceId): NewRecord => ({
    ...{ kind: "to_device", userId, deviceId, message },
  }));
}

async function act(
  { does, who: index, where: place }: Exclude<Action, { does: "sync" }>,
  users: readonly SyncUser[],
  rooms: readonly RoomId[],
  said: readonly EventId[][],
): Promise<void> {
  const [user, roomId, events] = [users[index]!, rooms[place]!, said[place]!];
  const { by } = user;
  const last = events.at(-1);
  if (does === "device" || does === "keys" || does === "tell") {
    if (does === "keys") await makeLists(world.database.sql, user.userId, ["QUICK", "FULL"]);
    await world.log.append({ records: recordsOf(does, user.userId) });
    // A sync that is computed waits until it is known whom that concerns.
    await world.user("looker").sync(`s3_${world.log.position}_0`);
  } else if (does === "leave") {
    await world.rooms.members.leave({ by, roomId });
    await world.rooms.members.join({ by, room: roomId });
  } else if (does === "rename") {
    const content = { membership: "join", displayname: `name ${events.length}` };
    const member = { type: "m.room.member", stateKey: user.userId, content };
    await world.rooms.send.state({ by, roomId, ...member });
  } else if (does === "say" || last === undefined) {
    events.push(await user.send(roomId, `${events.length}`));
  } else if (does === "read") {
    await user.read(roomId, last);
  } else if (does === "react") {
    const content = {
      "m.relates_to": { rel_type: "m.annotation", event_id: last, key: `${(keys += 1)}` },
    };
    await world.rooms.send.message({ by, roomId, type: "m.reaction", content });
  } else {
    // Others' messages may be redacted by the room's maker alone.
    await world.rooms.send.redact({ by, roomId, eventId: last }).catch(() => undefined);
  }
}

test("a message is presented once for all who stand at the same place", async () => {
  const users = ["dora", "emil", "fay", "gus"].map((name) => world.user(name));
  const roomId = await meet(users);
  const [first, ...others] = users as [SyncUser, ...SyncUser[]];
  await first.send(roomId, "warm");
  const before = await Promise.all(others.map((user) => user.sync(undefined, { filter: LAZY })));
  await first.send(roomId, "warm, too");
  const since = await Promise.all(
    others.map((user, index) => user.sync(before[index]!.next_batch, { filter: LAZY })),
  );
  await first.send(roomId, "news");
  const bodies = others.map((user, index) =>
    user.syncNow(since[index]!.next_batch, { filter: LAZY }),
  );
  for (const body of bodies) {
    expect(texts(joinedRoom(body, roomId))).toEqual(["news"]);
    expect(joinedRoom(body, roomId).unread_notifications.notification_count).toBe(3);
  }
  // Who said it has a transaction id of their own there.
  const { next_batch: own } = await first.sync();
  await first.send(roomId, "of my own");
  expect(first.syncNow(own)).toBeUndefined();
});
