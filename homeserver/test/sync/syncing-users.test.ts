/** Who is in memory, while the log goes on. */
import { expect, test } from "vitest";
import type { AccountDataRecord, LogRecord, MembershipRecord } from "../../src/log/types.ts";
import type { RoomId, UserId } from "../../src/protocol/identifiers.ts";
import type { Membership, Room, RoomView } from "../../src/rooms/api/index.ts";
import { createAccountDataChanges } from "../../src/sync/recent/account-data-changes.ts";
import { createSentMembers } from "../../src/sync/sections/lazy-members.ts";
import { createSyncingUsers } from "../../src/sync/users/syncing-users.ts";
import { createWaker } from "../../src/sync/users/wake.ts";

const ALICE = "@alice:here" as UserId;
const BOB = "@bob:here" as UserId;

/** A log, and a database that answers when it is let. */
function stage(max?: number) {
  let position = 10;
  const rows = new Map<UserId, { roomNid: number; membership: Membership; position: number }[]>();
  let answers: (() => void)[] = [];
  let held = false;
  const view = {
    async membershipsOf(userId: UserId) {
      const found = [...(rows.get(userId) ?? [])];
      if (held) await new Promise<void>((resolve) => answers.push(resolve));
      return found.map((row) => ({ ...row, userId, eventNid: row.position, forgotten: false }));
    },
    partialRooms: async () => new Map(),
    rooms: async (nids: readonly number[]) =>
      new Map(nids.map((nid) => [nid, { nid, roomId: `!${nid}` as RoomId } as Room])),
  };
  const people = createSyncingUsers({
    view: view as unknown as RoomView,
    position: () => position,
    ephemeralSerial: () => 0,
    ...(max === undefined ? {} : { max }),
  });
  function happens(userId: UserId, roomNid: number, membership: Membership): void {
    position += 1;
    const record: MembershipRecord = {
      ...{ kind: "membership", position, roomNid, roomId: `!${roomNid}`, userId },
      ...{ membership, eventNid: position, server: "here" },
    };
    rows.set(userId, [{ roomNid, membership, position }]);
    people.take([record]);
  }
  return {
    people,
    rows,
    happens,
    hold: () => (held = true),
    release() {
      held = false;
      for (const answer of answers) answer();
      answers = [];
    },
  };
}

test("what happens while a person is loaded is not missed", async () => {
  const { people, rows, happens, hold, release } = stage();
  rows.set(ALICE, [{ roomNid: 1, membership: "invite", position: 3 }]);
  hold();
  const loading = people.get(ALICE);
  happens(ALICE, 1, "join");
  release();
  const alice = await loading;
  expect(alice.rooms.get(1)).toMatchObject({ membership: "join", position: 11 });
  expect(alice.changedAt).toBe(11);
  expect([...people.inRoom(1)]).toEqual([alice]);
  expect(await people.get(ALICE)).toBe(alice);
});

test("a membership that is only told again keeps the position since which it holds", async () => {
  const { people, happens } = stage();
  await people.get(ALICE);
  happens(ALICE, 1, "join");
  happens(ALICE, 1, "join");
  expect((await people.get(ALICE)).rooms.get(1)).toMatchObject({ position: 12, heldSince: 11 });
  happens(ALICE, 1, "leave");
  happens(ALICE, 1, "join");
  expect((await people.get(ALICE)).rooms.get(1)).toMatchObject({ position: 14, heldSince: 14 });
});

test("which rooms a person is in is known of the present position, unless the tables were ahead", async () => {
  const { people, rows, happens } = stage();
  rows.set(ALICE, [
    { roomNid: 1, membership: "join", position: 3 },
    { roomNid: 2, membership: "invite", position: 4 },
  ]);
  const alice = await people.get(ALICE);
  expect([...people.joinedRooms(alice, 10)!]).toEqual([1]);
  expect([9, 11].map((position) => people.joinedRooms(alice, position))).toEqual([
    undefined,
    undefined,
  ]);
  happens(ALICE, 2, "join");
  expect([...people.joinedRooms(alice, 11)!]).toEqual([1, 2]);
  happens(ALICE, 1, "leave");
  expect([...people.joinedRooms(alice, 12)!]).toEqual([2]);
  rows.set(BOB, [{ roomNid: 1, membership: "leave", position: 13 }]);
  const bob = await people.get(BOB);
  expect(people.joinedRooms(bob, 12)).toBe(undefined);
  // What became of it is not known any more.
  people.take([{ kind: "purge", whole: true, position: 13, roomNid: 2 } as never]);
  expect(people.joinedRooms(alice, 12)).toBe(undefined);
});

test("a record that lacks memberships may have let anybody in who was ever in the room", async () => {
  const { people, rows, happens } = stage();
  rows.set(ALICE, [{ roomNid: 1, membership: "leave", position: 3 }]);
  const alice = await people.get(ALICE);
  await people.get(BOB);
  happens(BOB, 2, "join");
  expect([people.roomsWithComings(alice, 11), alice.deviceListsAt]).toEqual([[], 10]);
  const record = (position: number, roomNid: number) => ({
    ...{ kind: "event", position, roomNid, memberships: [], stateChanged: true },
    ...{ mayLackMemberships: true, event: { type: "m.room.power_levels", stateKey: "" } },
  });
  const concerned = people.take([
    record(12, 1),
    record(13, 3),
    record(14, 1),
    record(15, 2),
  ] as never);
  expect(concerned).toEqual(new Set([alice, await people.get(BOB)]));
  expect([alice.deviceListsAt, alice.changedAt]).toEqual([14, 14]);
  expect([13, 14].map((after) => people.roomsWithComings(alice, after))).toEqual([undefined, []]);
  expect(people.joinedRooms(alice, 11)).toBe(undefined);
});

test("who is pushed out of memory while they wait is woken, and told by nobody any more", async () => {
  const { people, happens } = stage(1);
  const alice = await people.get(ALICE);
  happens(ALICE, 1, "join");
  const waker = createWaker();
  const waiting = waker.wait(alice, 60_000, new AbortController().signal);
  await people.get(BOB);
  await waiting;
  expect([...people.inRoom(1)]).toEqual([]);
  expect(await people.get(ALICE)).not.toBe(alice);
});

test("account data is known to have changed by room, and not known from before the start", () => {
  const changes = createAccountDataChanges(() => 100, 2);
  const change = (userId: string, roomNid: number | null, position: number) =>
    changes.take({ userId, roomNid, position } as AccountDataRecord & LogRecord);
  expect(changes.changed(ALICE, 0, 99)).toBe(undefined);
  expect(changes.changed(ALICE, 0, 100)).toBe(false);
  change(ALICE, 5, 110);
  expect([changes.changed(ALICE, 5, 109), changes.changed(ALICE, 5, 110)]).toEqual([true, false]);
  expect([changes.changed(ALICE, 0, 105), changes.changed(ALICE, 0, 99)]).toEqual([
    false,
    undefined,
  ]);
  // The third pushes the first out: of whom nothing is known up to then.
  change(BOB, null, 120);
  change("@carol:here", null, 130);
  expect(changes.changed(ALICE, 5, 129)).toBe(undefined);
  expect(changes.changed(ALICE, 5, 130)).toBe(false);
});

test("a member counts as sent when the client comes back with the token of that answer", () => {
  const sent = createSentMembers();
  const member = { nid: 7, event: { stateKey: ALICE } } as never;
  const fresh = (since: number | undefined, upTo: number) =>
    sent.takeUnsent({ device: "D", roomNid: 1, since, upTo }, [member]).length;
  expect([fresh(undefined, 10), fresh(5, 11), fresh(11, 12), fresh(12, 13)]).toEqual([1, 1, 0, 0]);
});
