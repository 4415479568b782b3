import { describe, expect, test } from "vitest";
import { createManualClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { completeDeactivations } from "../../src/users/accounts/complete-deactivations.ts";
import { createDeactivation } from "../../src/users/accounts/deactivation.ts";
import { createPasswords } from "../../src/users/accounts/passwords.ts";
import { CHEAP, errcodeOf, id } from "./support.ts";
import { t } from "./one-server.ts";
import { eventually, until } from "../support/wait.ts";

describe("the first start", () => {
  test("has one token for the first user, who becomes the administrator", async () => {
    const token = await t.users.ensureBootstrapToken();
    expect(await t.users.ensureBootstrapToken()).toBe(token);
    await t.users.registration.register(id("root"), "password", { registrationToken: token! });
    expect(await t.users.accounts.find(id("root"))).toMatchObject({ isAdmin: true });
    expect(await t.users.ensureBootstrapToken()).toBeUndefined();
    const again = t.users.registration.register(id("evil"), "password", {
      registrationToken: token!,
    });
    expect(await errcodeOf(again)).toBe("M_FORBIDDEN");
    expect(await t.users.accounts.exists(id("evil"))).toBe(false);
  });
});

describe("names", () => {
  test.each([
    ["alice", "@alice:here.test"],
    ["ALICE", "@alice:here.test"],
    ["a.b_c=d-e/f+1", "@a.b_c=d-e/f+1:here.test"],
  ])("%s becomes %s", (wished, userId) => {
    expect(t.users.accounts.nameFor(wished)).toBe(userId);
  });

  test.each(["", "üser", "a b", "a:b", "@alice", "x".repeat(250), "a\0"])(
    "%j is M_INVALID_USERNAME",
    async (wished) => {
      expect(await errcodeOf(t.users.registration.check(wished))).toBe("M_INVALID_USERNAME");
    },
  );

  test("one is made up when none is wished", () => {
    expect(t.users.accounts.nameFor(undefined)).toMatch(/^@[a-z2-9]{12}:here\.test$/);
  });

  test("a bridge's name is M_EXCLUSIVE, a taken one M_USER_IN_USE", async () => {
    expect(await errcodeOf(t.users.registration.check("bridge_1"))).toBe("M_EXCLUSIVE");
    expect(await errcodeOf(t.users.registration.check("Root"))).toBe("M_USER_IN_USE");
  });
});

describe("passwords", () => {
  const check = async (user: string, password: string) =>
    (await t.users.accounts.checkPassword(user, password, { ip: "192.0.2.1" })).userId;

  test("are found by localpart or full id in any capitals, and for this server only", async () => {
    expect(await check("root", "password")).toBe(id("root"));
    expect(await check("@root:here.test", "password")).toBe(id("root"));
    expect(await check("ROOT", "password")).toBe(id("root"));
    expect(await errcodeOf(check("@root:there.test", "password"))).toBe("M_FORBIDDEN");
    expect(await errcodeOf(check("root", "Password"))).toBe("M_FORBIDDEN");
    expect(await errcodeOf(check("nobody", "password"))).toBe("M_FORBIDDEN");
    expect(await errcodeOf(check("no\0body", "password"))).toBe("M_FORBIDDEN");
  });

  test("are stored as argon2id", async () => {
    const hash = await createPasswords().hash("secret");
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  test("that are empty or endless are weak", async () => {
    expect(await errcodeOf(t.users.passwords.hash(""))).toBe("M_WEAK_PASSWORD");
    expect(await errcodeOf(t.users.passwords.hash("x".repeat(600)))).toBe("M_WEAK_PASSWORD");
    expect(await t.users.passwords.verify(null, "x".repeat(600))).toBe(false);
  });

  test("are refused with a time to wait when too many are being checked", async () => {
    const passwords = createPasswords({ ...CHEAP, concurrency: 1, maxWaiting: 1 });
    const all = await Promise.all([1, 2, 3, 4].map(() => errcodeOf(passwords.hash("x"))));
    expect(all).toEqual(["nothing", "nothing", "M_LIMIT_EXCEEDED", "M_LIMIT_EXCEEDED"]);
  });
});

describe("deactivation", () => {
  test("ends sessions, password and profile, leaves the rooms, and keeps the name taken", async () => {
    const gone = await t.users.registration.create("gone", "pw");
    const { accessToken } = await t.users.sessions.issue(gone, {});
    await t.users.profiles.set(gone, "displayname", "Gone");
    await t.users.accountData.set(gone, undefined, "org.example", { a: 1 });
    t.told.length = 0;
    await t.users.deactivation.deactivate(gone, true);
    await t.users.deactivation.settled();
    expect(t.told.at(-1)).toBe(`leave ${gone}`);
    expect(await errcodeOf((async () => t.users.sessions.byAccessToken(accessToken))())).toBe(
      "M_UNKNOWN_TOKEN",
    );
    expect(await errcodeOf(t.users.accounts.checkPassword("gone", "pw", { ip: "192.0.2.1" }))).toBe(
      "M_FORBIDDEN",
    );
    expect(await errcodeOf(t.users.profiles.local(gone))).toBe("M_NOT_FOUND");
    expect(await t.users.accountData.find(gone, undefined, "org.example")).toBeUndefined();
    expect(await errcodeOf(t.users.registration.check("gone"))).toBe("M_USER_IN_USE");
  });
});

describe("leaving the rooms of a closed account", () => {
  test("is gone on with where a stop cut it off, and tried again where it failed", async () => {
    const userId = await t.users.registration.create("cut-off", "pw");
    await t.users.deactivation.deactivate(userId, false);
    await t.users.deactivation.settled();
    // Where it still is: as if the server had been killed after it closed the account.
    await t.sql`
      INSERT INTO memberships (room_nid, user_id, server, membership, event_nid, position)
      VALUES (4242, ${userId}, 'here.test', 'join', 1, 1)`;
    const clock = createManualClock();
    let attempts = 0;
    const deactivation = createDeactivation({
      ...{ sql: t.sql, clock, logger: silentLogger(), devices: t.users.devices },
      bindings: { unbindAll: async () => "success", resume: async () => {} },
      hooks: {
        async leaveAllRooms(user) {
          expect(user).toBe(userId);
          attempts += 1;
          if (attempts === 1) throw new Error("the room's server does not answer");
          await t.sql`DELETE FROM memberships WHERE user_id = ${user}`;
        },
      },
    });
    const stop = completeDeactivations({
      ...{ clock, logger: silentLogger(), leases: undefined, deactivation },
    });
    for (const expected of [1, 2, 2]) {
      await until(() => clock.sleepers === 1);
      await deactivation.settled();
      expect(attempts).toBe(expected);
      clock.advance(600_000);
    }
    await stop();
  });
});

describe("an erasure", () => {
  const erased = async () =>
    (await t.sql<{ id: string }[]>`SELECT user_id AS id FROM erased_users ORDER BY 1`).map(
      (row) => row.id,
    );

  test("is told by the log with the closing of the account", async () => {
    for (const name of ["erased", "closed"]) {
      await t.users.registration.create(name, "wonderland");
    }
    await t.users.deactivation.deactivate(id("closed"), false);
    await t.users.deactivation.deactivate(id("erased"), true);
    expect(await erased()).toContain(id("erased"));
    expect(await erased()).not.toContain(id("closed"));
    expect(t.told).toContain(`erased ${id("erased")}`);
  });

  test("holds no account data while it waits for the log, which others write it with", async () => {
    const userId = id("waiting");
    await t.users.registration.create("waiting", "wonderland");
    await t.users.accountData.set(userId, undefined, "org.example", { a: 1 });
    const erasing = await t.sql.begin(async (tx) => {
      await tx`SELECT 1 FROM log_head FOR UPDATE`;
      const closing = t.users.deactivation.deactivate(userId, true);
      await eventually("the erasure to wait", async () => {
        const waiting = await t.sql`
          SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
          AND wait_event_type = 'Lock' AND query LIKE '%log_head%'`;
        return waiting.length > 0;
      });
      const rows = await tx`
        SELECT 1 FROM account_data WHERE user_id = ${userId} FOR UPDATE NOWAIT`;
      expect(rows).not.toEqual([]);
      return { closing };
    });
    await erasing.closing;
    expect(await t.sql`SELECT 1 FROM account_data WHERE user_id = ${userId}`).toEqual([]);
  });
});
