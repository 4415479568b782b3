import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { errcodeOf, id } from "./support.ts";
import { t } from "./one-server.ts";

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
    await t.users.registration.create("taken", "pw");
    const { token } = await t.users.registrationTokens.create({ usesAllowed: 1 });
    const taken = t.users.registration.register(id("taken"), "pw", { registrationToken: token });
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
