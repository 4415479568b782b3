/** What one user may keep: one piece more is refused, or takes the place of the oldest. */
import { listReports } from "../../src/storage/users/reports.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoomId, UserId } from "../../src/protocol/identifiers.ts";
import { makeRoom } from "../log/support.ts";
import { MAX_REPORTS } from "../../src/users/data/reports.ts";
import { errcodeOf, id, openUsers, type TestUsers } from "./support.ts";

const LIMITS = {
  uploadBytes: 0,
  fileBytes: 1,
  accountDataBytes: 10_000,
  inboxBytes: 0,
  keyBackupBytes: 10_000,
  devices: 3,
  aliases: 2,
  publishedRooms: 2,
};

let t: TestUsers;
let room: RoomId;
beforeAll(async () => {
  t = await openUsers({ limits: LIMITS });
  room = (await makeRoom(t.sql, "room")).roomId as RoomId;
});
afterAll(() => t.close());

let made = 0;

async function person(): Promise<UserId> {
  const name = `person${++made}`;
  await t.users.registration.create(name, "Secret-12");
  return id(name);
}

const count = async (table: string, column: string, user: UserId): Promise<number> => {
  const [row] = await t.sql.unsafe<{ n: number }[]>(
    `SELECT count(*) AS n FROM ${table} WHERE ${column} = $1`,
    [user],
  );
  return row!.n;
};

describe("account data", () => {
  test("comes to so many bytes in all, global and of rooms; less of it is always taken", async () => {
    const user = await person();
    const { accountData } = t.users;
    const big = (length: number) => ({ text: "x".repeat(length) });
    await accountData.set(user, undefined, "org.example.one", big(3000));
    expect(await errcodeOf(accountData.set(user, room, "org.example.two", big(7000)))).toBe(
      "M_TOO_LARGE",
    );
    expect(await errcodeOf(accountData.set(user, undefined, "org.example.one", big(7000)))).toBe(
      "M_TOO_LARGE",
    );
    await accountData.set(user, undefined, "org.example.one", big(2000));
    expect(await accountData.find(user, room, "org.example.two")).toBeUndefined();
  });

  test("of any number of types ends where small ones are many", async () => {
    const user = await person();
    let taken = 0;
    while (
      (await errcodeOf(t.users.accountData.set(user, undefined, `t${taken}`, {}))) === "nothing"
    ) {
      taken++;
    }
    expect(taken).toBeGreaterThan(5);
    expect(taken).toBeLessThan(10_000 / 256);
    // What gets no bigger is let through.
    await t.users.accountData.set(user, undefined, "t0", {});
  });

  test("holds at most 100 tags of a room", async () => {
    const generous = await openUsers();
    try {
      await generous.users.registration.create("tagger", "Secret-12");
      const place = (await makeRoom(generous.sql, "place")).roomId as RoomId;
      const set = (tag: string) => generous.users.tags.set(id("tagger"), place, tag, {});
      for (let i = 0; i < 100; i++) await set(`u.${i}`);
      expect(await errcodeOf(set("u.more"))).toBe("M_RESOURCE_LIMIT_EXCEEDED");
      expect(await errcodeOf(set("u.7"))).toBe("nothing");
    } finally {
      await generous.close();
    }
  });
});

test("one device too many signs out the one that was not seen for the longest time", async () => {
  const user = await person();
  const sessions: { accessToken: string }[] = [];
  for (const deviceId of ["A", "B", "C"]) {
    sessions.push(await t.users.sessions.issue(user, { deviceId }));
    t.clock.advance(1000);
  }
  await t.users.sessions.byAccessToken(sessions[0]!.accessToken, {
    ip: "::1",
    userAgent: undefined,
  });
  await t.users.sessions.byAccessToken(sessions[0]!.accessToken, {
    ip: "::1",
    userAgent: undefined,
  });
  await t.users.sessions.flushLastSeen();
  t.told.length = 0;
  await t.users.sessions.issue(user, { deviceId: "D" });
  const devices = await t.users.devices.list(user);
  expect(devices.map((device) => device.deviceId).toSorted()).toEqual(["A", "C", "D"]);
  expect(t.told).toContain(`removed ${user} B`);
  const asked = async () => t.users.sessions.byAccessToken(sessions[1]!.accessToken);
  await expect(asked()).rejects.toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
  // Who signs in again with a device of theirs takes no place.
  await t.users.sessions.issue(user, { deviceId: "D" });
  expect(await t.users.devices.list(user)).toHaveLength(3);
});

test("sign-in tokens, reports and authentication sessions are as many as they may be, the newest", async () => {
  const user = await person();
  const session = await t.users.sessions.issue(user, {});
  const visitor = { ip: "::1" };
  const tokens: string[] = [];
  for (let i = 0; i < 12; i++) {
    tokens.push((await t.users.login.createToken(session)).token);
    t.clock.advance(1);
  }
  expect(await count("login_tokens", "user_id", user)).toBe(10);
  const by = (token: string) =>
    t.users.login.withCredentials({ type: "m.login.token", token }, {}, visitor);
  expect(await errcodeOf(by(tokens[0]!))).toBe("M_FORBIDDEN");
  expect(await errcodeOf(by(tokens[11]!))).toBe("nothing");

  for (let i = 0; i < MAX_REPORTS + 3; i++) {
    await t.users.reports.room(user, room, `number ${i}`);
  }
  expect(await count("reports", "reporter", user)).toBe(MAX_REPORTS);
  const { reports } = await listReports(t.sql, { from: 0, limit: 1, oldestFirst: false });
  expect(reports[0]?.reason).toBe(`number ${MAX_REPORTS + 2}`);

  for (let i = 0; i < 55; i++) {
    const request = {
      operation: "deleteDevice",
      body: { n: i },
      userId: user,
      visitor,
      flows: [["m.login.password"]],
    } as const;
    await t.users.uia.authorise(request).catch(() => undefined);
    await t.users.uia.authorise({ ...request, body: { n: i, auth: {} } }).catch(() => undefined);
  }
  expect(await count("uia_sessions", "user_id", user)).toBeLessThanOrEqual(50);
});
