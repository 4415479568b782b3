/** Who may send what is sent later (MSC4140). */
import { describe, expect, test } from "vitest";
import { register, userOf } from "../support/user.ts";
import { delayedApi, raw, sentIn, UNSTABLE } from "./delayed-api.ts";
import {
  alice,
  api,
  bob,
  clear,
  delayIdOf,
  finalised,
  HOUR_MS,
  inRoom,
  newRoom,
  others,
  server,
} from "./one-server.ts";

describe("rights are those at the time of sending", () => {
  test("what may not be sent is refused for good when due, and waits on when somebody asks", async () => {
    const roomId = await newRoom();
    await bob.call("POST", `${inRoom(roomId)}/join`, {});
    await alice.call("PUT", `${inRoom(roomId)}/state/m.room.power_levels`, {
      events: { "org.example.test": 50 },
    });
    const waiting = await delayIdOf(others.message(roomId, HOUR_MS, {}));
    const { status, body } = await others.manage(waiting, "send");
    expect([status, body.errcode]).toEqual([403, "M_FORBIDDEN"]);
    expect((await others.one(waiting)).body.finalised).toBeUndefined();
    const due = await delayIdOf(others.message(roomId, 1, {}));
    expect((await finalised(due, others)).error.errcode).toBe("M_FORBIDDEN");
    // The levels have changed: it goes now.
    await alice.call("PUT", `${inRoom(roomId)}/state/m.room.power_levels`, { events: {} });
    expect((await others.manage(waiting, "send")).status).toBe(200);
    expect(await sentIn(alice, roomId)).toHaveLength(1);
  });

  test("who has left sends nothing any more, nor who was never there", async () => {
    const roomId = await newRoom();
    await bob.call("POST", `${inRoom(roomId)}/join`, {});
    const delayId = await delayIdOf(others.message(roomId, HOUR_MS, {}));
    await bob.call("POST", `${inRoom(roomId)}/leave`, {});
    expect((await others.manage(delayId, "send")).status).toBe(403);
    const nowhere = await delayIdOf(others.message("!nowhere:example.org", 1, {}));
    expect((await finalised(nowhere, others)).error.errcode).toBe("M_FORBIDDEN");
    await clear(others);
  });

  test("restricted and closed accounts", async () => {
    const roomId = await newRoom();
    const carol = await register(server, "carol");
    const hers = delayedApi(server, carol);
    await carol.call("POST", `${inRoom(roomId)}/join`, {});
    const { sql } = server.database;
    const set = (column: "locked" | "suspended", value: boolean) => sql`
      UPDATE accounts SET ${sql(`${column}_ts`)} = ${value ? 1 : null}
      WHERE user_id = ${carol.userId}`;
    const [first, second, third] = [
      await delayIdOf(hers.message(roomId, HOUR_MS, {})),
      await delayIdOf(hers.message(roomId, HOUR_MS, {})),
      await delayIdOf(hers.message(roomId, HOUR_MS, {})),
    ];
    const send = async (id: string) => {
      const path = `${UNSTABLE}/delayed_events/${id}/send`;
      const { status, body } = await raw(server, "POST", path);
      return [status, body.errcode];
    };
    await set("suspended", true);
    expect(await send(first)).toEqual([403, "M_USER_SUSPENDED"]);
    await set("suspended", false);
    await set("locked", true);
    expect(await send(second)).toEqual([401, "M_USER_LOCKED"]);
    await set("locked", false);
    const auth = { type: "m.login.password", user: "carol", password: "carol-Secret-1" };
    await carol.call("POST", "/account/deactivate", { auth });
    expect(await send(third)).toEqual([404, "M_NOT_FOUND"]);
    const rows = await sql`SELECT FROM delayed_events WHERE user_id = ${carol.userId}`;
    expect(rows).toHaveLength(0);
    expect(await sentIn(alice, roomId)).toEqual([]);
  });

  test("they end with the device that scheduled them", async () => {
    const roomId = await newRoom();
    const login = { type: "m.login.password", user: "alice", password: "alice-Secret-1" };
    const other = userOf(server, await alice.call("POST", "/login", login));
    const ended = await delayIdOf(delayedApi(server, other).message(roomId, HOUR_MS, {}));
    const stays = await delayIdOf(api.message(roomId, HOUR_MS, {}));
    await other.call("POST", "/logout");
    expect((await finalised(ended)).error).toMatchObject({ errcode: "M_UNKNOWN" });
    expect((await api.one(stays)).body.finalised).toBeUndefined();
    await clear();
  });
});
