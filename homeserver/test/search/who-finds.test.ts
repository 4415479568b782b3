/** POST /search: who finds what, now, and what happens to the index over time. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { register, type TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { edit, finds, inRoom, join, redact, room, search, textsOf } from "./finding.ts";

let one: TestServer;
let two: TestServer;
let alice: TestUser;
let bob: TestUser;
let root: TestUser;

beforeAll(async () => {
  [one, two] = await Promise.all([startServer({}, { mortal: true }), startServer()]);
  [alice, bob] = [await register(one, "alice"), await register(one, "bob")];
  root = await register(one, "root");
  await one.database.sql`UPDATE accounts SET is_admin = true WHERE user_id = ${root.userId}`;
});
afterAll(() => Promise.all([one.close(), two.close()]));

const visibility = (history_visibility: string) => ({
  preset: "public_chat",
  initial_state: [
    { type: "m.room.history_visibility", state_key: "", content: { history_visibility } },
  ],
});

/** Waits until what alice has sent before is in the index. */
async function settled(roomId: string): Promise<void> {
  await alice.send(roomId, "marker");
  await finds(alice, "marker", ["marker"], { filter: { rooms: [roomId], limit: 1 } });
}

describe("who finds a message", () => {
  test("members of the room, as far back as its history is shared with them", async () => {
    const [open, shut] = [
      await room(alice, visibility("shared")),
      await room(alice, visibility("joined")),
    ];
    await alice.send(open, "apricot in the open");
    await alice.send(shut, "apricot early");
    await settled(open);
    await settled(shut);
    expect(await textsOf(bob, "apricot")).toEqual([]);
    await join(bob, open);
    await join(bob, shut);
    await alice.send(shut, "apricot late");
    await finds(bob, "apricot", ["apricot late", "apricot in the open"]);
    await finds(alice, "apricot", ["apricot late", "apricot early", "apricot in the open"]);
  });

  test("who has left: what was said until then, unless the room is forgotten", async () => {
    const roomId = await room(alice, visibility("shared"));
    await join(bob, roomId);
    await alice.send(roomId, "banana before");
    await bob.call("POST", inRoom(roomId, "leave"), {});
    await alice.send(roomId, "banana after");
    await finds(alice, "banana", ["banana after", "banana before"]);
    await finds(bob, "banana", ["banana before"]);
    const { results } = await search(bob, "banana", { event_context: {}, include_state: true });
    expect(results[0].context.events_after.map((event: { type: string }) => event.type)).toEqual([
      "m.room.member",
    ]);
    await bob.call("POST", inRoom(roomId, "forget"), {});
    expect(await textsOf(bob, "banana")).toEqual([]);
  });

  test("nobody finds by an edit that they may not see", async () => {
    const roomId = await room(alice, visibility("shared"));
    await join(bob, roomId);
    const eventId = await alice.send(roomId, "cherry");
    await bob.call("POST", inRoom(roomId, "leave"), {});
    await edit(alice, roomId, eventId, "damson");
    await finds(alice, "damson", ["cherry"]);
    expect(await textsOf(bob, "damson")).toEqual([]);
  });

  test("nobody finds what those say whom they ignore, nor an invite's room", async () => {
    const roomId = await room(alice, { preset: "public_chat", name: "elderberry room" });
    await join(bob, roomId);
    await bob.send(roomId, "elderberry");
    await finds(alice, "elderberry", ["elderberry", "elderberry room"]);
    const path = `/user/${encodeURIComponent(alice.userId)}/account_data/m.ignored_user_list`;
    await alice.call("PUT", path, { ignored_users: { [bob.userId]: {} } });
    expect(await textsOf(alice, "elderberry")).toEqual(["elderberry room"]);
    await alice.call("PUT", path, { ignored_users: {} });
    const carol = await register(one, "carol");
    await alice.call("POST", inRoom(roomId, "invite"), { user_id: carol.userId });
    expect(await textsOf(carol, "elderberry")).toEqual([]);
  });
});

describe("what an answer gives away", () => {
  test("nothing of what one may not see: no number, and no page that would follow", async () => {
    const roomId = await room(alice, visibility("joined"));
    for (let n = 0; n < 20; n += 1) await alice.send(roomId, `secret kumquat ${n}`);
    await join(bob, roomId);
    await alice.send(roomId, "kumquat for all");
    await finds(bob, "kumquat", ["kumquat for all"]);
    for (const order_by of ["recent", "rank"]) {
      for (const limit of [1, 5]) {
        const page = await search(bob, "kumquat", { order_by, filter: { limit } });
        expect(page).toMatchObject({ count: 1 });
        expect(page).not.toHaveProperty("next_batch");
      }
      const none = await search(bob, "secret", { order_by, filter: { limit: 1 } });
      expect(none).toEqual({ count: 0, results: [], highlights: ["secret"] });
    }
    await alice.send(roomId, "kumquat once more");
    await finds(bob, "kumquat", ["kumquat once more", "kumquat for all"]);
    const page = await search(bob, "kumquat", { filter: { limit: 1 } });
    expect(page.count).toBe(1);
    expect(page.next_batch).toBeDefined();
  });
});

describe("over time", () => {
  test("what other servers say is found, and what is read back from before one came", async () => {
    const carla = await register(two, "carla");
    const roomId = await room(alice, visibility("shared"));
    for (let n = 1; n <= 5; n += 1) await alice.send(roomId, `fig ${n}`);
    await join(carla, roomId, one.name);
    await alice.send(roomId, "fig 6");
    await carla.send(roomId, "fig 7");
    await finds(alice, "fig", ["fig 7", "fig 6", "fig 5", "fig 4", "fig 3", "fig 2", "fig 1"]);
    await finds(carla, "fig", ["fig 7", "fig 6"]);
    await eventually("the history arrives", async () => {
      const { chunk } = await carla.call("GET", inRoom(roomId, "messages?dir=b&limit=100"));
      return JSON.stringify(chunk).includes("fig 1");
    });
    await finds(carla, "fig", ["fig 7", "fig 6", "fig 5", "fig 4", "fig 3", "fig 2", "fig 1"]);
  });

  test("purged history is found no more, nor anything of a deleted room", async () => {
    const roomId = await room(alice, { ...visibility("shared"), name: "grape room" });
    await alice.send(roomId, "grape early");
    const upTo = await alice.send(roomId, "in between");
    await alice.send(roomId, "grape late");
    await finds(alice, "grape", ["grape late", "grape early", "grape room"]);
    const admin = (method: string, path: string, body: object) =>
      root.call(method, `/../../../_synapse/admin/${path}`, body);
    await admin("POST", `v1/purge_history/${encodeURIComponent(roomId)}`, {
      purge_up_to_event_id: upTo,
      delete_local_events: true,
    });
    await finds(alice, "grape", ["grape late"]);
    const rows = async () => {
      const [row] = await one.database.sql<{ n: number }[]>`
        SELECT count(*) AS n FROM searchable_events s JOIN rooms USING (room_nid)
        WHERE room_id = ${roomId}`;
      return row!.n;
    };
    await eventually("the purged event leaves the index", async () => (await rows()) < 4);
    await admin("DELETE", `v2/rooms/${encodeURIComponent(roomId)}`, { purge: true });
    await finds(alice, "grape", []);
    await eventually("the room leaves the index", async () => (await rows()) === 0);
  });

  test("what was there before the index was, is found once it is built", async () => {
    const roomId = await room(alice, visibility("shared"));
    const first = await alice.send(roomId, "hazelnut");
    await edit(alice, roomId, first, "iceberg");
    const gone = await alice.send(roomId, "iceberg too");
    await redact(alice, roomId, gone);
    await finds(alice, "iceberg", ["hazelnut"]);
    const { sql } = one.database;
    await one.stop();
    await sql`DELETE FROM searchable_events`;
    await sql`DELETE FROM cursors WHERE name LIKE 'searchable-events%'`;
    await one.restart();
    await finds(alice, "iceberg", ["hazelnut"]);
  });

  test("what was sent right before the server was killed is found after it", async () => {
    const roomId = await room(alice, visibility("shared"));
    const all = Array.from({ length: 30 }, (_, n) => alice.send(roomId, `jackfruit ${n}`));
    await Promise.all(all);
    await one.kill();
    await one.restart();
    await eventually("all of them", async () => {
      const { count } = await search(alice, "jackfruit");
      return count === 30;
    });
  });
});
