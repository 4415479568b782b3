import { createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPasswords } from "../../src/users/accounts/passwords.ts";
import { CHEAP, errcodeOf, id, openUsers, type TestUsers } from "./support.ts";

let t: TestUsers;
beforeAll(async () => {
  t = await openUsers({ registration: "token", registrationSharedSecret: "very secret" });
});
afterAll(() => t.close());

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

describe("registration tokens", () => {
  test("let as many register as they say, and not after their time", async () => {
    const { token } = await t.users.registrationTokens.create({
      token: "two.uses",
      usesAllowed: 2,
    });
    const facts = { registrationToken: token };
    await t.users.registration.register(id("one"), "pw", facts);
    expect(await t.users.registrationTokens.isValid(token)).toBe(true);
    await t.users.registration.register(id("two"), "pw", facts);
    expect(await t.users.registrationTokens.isValid(token)).toBe(false);
    const third = t.users.registration.register(id("three"), "pw", facts);
    expect(await errcodeOf(third)).toBe("M_FORBIDDEN");

    const soon = await t.users.registrationTokens.create({ expiresTs: t.clock.now() + 1000 });
    expect(await t.users.registrationTokens.isValid(soon.token)).toBe(true);
    t.clock.advance(1000);
    expect(await t.users.registrationTokens.isValid(soon.token)).toBe(false);
    expect(await t.users.registrationTokens.isValid("no\0such")).toBe(false);
  });

  test("of which two use the last at once let one in", async () => {
    const { token } = await t.users.registrationTokens.create({ usesAllowed: 1 });
    const facts = { registrationToken: token };
    const both = await Promise.all(
      ["left", "right"].map((n) => errcodeOf(t.users.registration.register(id(n), "pw", facts))),
    );
    expect(both.sort()).toEqual(["M_FORBIDDEN", "nothing"]);
  });

  test("are not spent on a name that is taken", async () => {
    const { token } = await t.users.registrationTokens.create({ usesAllowed: 1 });
    const taken = t.users.registration.register(id("root"), "pw", { registrationToken: token });
    expect(await errcodeOf(taken)).toBe("M_USER_IN_USE");
    expect(await t.users.registrationTokens.isValid(token)).toBe(true);
  });
});

describe("registration by shared secret", () => {
  const shared = () => t.users.registration.withSharedSecret!;
  const visitor = { ip: "192.0.2.1" };
  const macOf = (...parts: string[]) =>
    createHmac("sha1", "very secret").update(parts.join("\0")).digest("hex");

  test("takes a fresh nonce and the right HMAC, on any replica", async () => {
    const other = await t.replica();
    const nonce = other.registration.withSharedSecret!.nonce();
    const mac = macOf(nonce, "tool", "pw", "admin");
    const request = {
      username: "tool",
      password: "pw",
      isAdmin: true,
      userType: undefined,
      nonce,
      visitor,
    };
    expect(await shared().register({ ...request, mac })).toBe(id("tool"));
    expect(await t.users.accounts.find(id("tool"))).toMatchObject({ isAdmin: true });
  });

  test("refuses a wrong HMAC, another role, an old and an invented nonce", async () => {
    const nonce = shared().nonce();
    const request = {
      username: "x",
      password: "pw",
      isAdmin: false,
      userType: undefined,
      nonce,
      visitor,
    };
    const admin = macOf(nonce, "x", "pw", "admin");
    expect(await errcodeOf(shared().register({ ...request, mac: admin }))).toBe("M_FORBIDDEN");
    expect(await errcodeOf(shared().register({ ...request, mac: "zz" }))).toBe("M_FORBIDDEN");
    const invented = { ...request, nonce: "ab".repeat(38) };
    expect(await errcodeOf(shared().register({ ...invented, mac: admin }))).toBe("M_UNKNOWN");
    const good = macOf(nonce, "x", "pw", "notadmin");
    t.clock.advance(60_001);
    expect(await errcodeOf(shared().register({ ...request, mac: good }))).toBe("M_UNKNOWN");
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
});
