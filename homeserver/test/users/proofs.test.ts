import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { UiaChallenge } from "../../src/users/accounts/uia-challenge.ts";
import type { UserId } from "../../src/protocol/identifiers.ts";
import { errcodeOf, id, openUsers, type TestUsers } from "./support.ts";

const OLD = "the old password";
const NEW = "the new password";
const visitor = { ip: "192.0.2.1" };

let t: TestUsers;
beforeAll(async () => {
  t = await openUsers({ passwordMinLength: 8 });
});
afterAll(() => t.close());

const known = async (token: string) =>
  errcodeOf((async () => t.users.sessions.byAccessToken(token))());
const change = (userId: UserId, deviceId?: string, keepDevices = false) =>
  t.users.passwordChange.change(userId, NEW, { keepDevices, deviceId });
const signIn = (credentials: object) =>
  errcodeOf(t.users.login.withCredentials({ ...credentials }, {}, visitor));

describe("with the password ends", () => {
  test("every other session, with its access and refresh tokens, and not the one that changed it", async () => {
    const user = await t.users.registration.create("one", OLD);
    const mine = await t.users.sessions.issue(user, { refreshToken: true });
    const other = await t.users.sessions.issue(user, { refreshToken: true });
    await change(user, mine.deviceId);
    expect(await known(mine.accessToken)).toBe("nothing");
    expect(await known(other.accessToken)).toBe("M_UNKNOWN_TOKEN");
    expect(await errcodeOf(t.users.sessions.refresh(other.refreshToken!))).toBe("M_UNKNOWN_TOKEN");
    expect(await errcodeOf(t.users.sessions.refresh(mine.refreshToken!))).toBe("nothing");
  });

  test.each([true, false])("every sign-in token (devices kept: %s)", async (keepDevices) => {
    const user = await t.users.registration.create(`token-${keepDevices}`, OLD);
    const session = await t.users.sessions.issue(user, {});
    const { token } = await t.users.login.createToken(session);
    await change(user, session.deviceId, keepDevices);
    expect(await signIn({ type: "m.login.token", token })).toBe("M_FORBIDDEN");
  });

  test("what user-interactive authentication had proven by it", async () => {
    const user = await t.users.registration.create("uia", OLD);
    const request = { operation: "x", body: {}, userId: user, visitor };
    const flows = [["m.login.password", "m.login.dummy"]] as const;
    const begun = await t.users.uia
      .authorise({ ...request, flows })
      .catch((error: unknown) => error);
    const { session } = (begun as UiaChallenge).challenge;
    const proof = { type: "m.login.password", user: "uia", password: OLD, session };
    const half = { ...request, body: { auth: proof }, flows };
    await expect(t.users.uia.authorise(half)).rejects.toBeInstanceOf(UiaChallenge);
    await change(user);
    const rest = { ...request, body: { auth: { type: "m.login.dummy", session } }, flows };
    await expect(t.users.uia.authorise(rest)).rejects.toBeInstanceOf(UiaChallenge);
  });

  test("a sign-in that was under way by it", async () => {
    const user = await t.users.registration.create("racer", OLD);
    const credentials = { type: "m.login.password", user: "racer", password: OLD };
    const rounds = await Promise.all(
      Array.from({ length: 10 }, () =>
        t.users.login.withCredentials(credentials, {}, visitor).catch(() => undefined),
      ).concat(change(user).then(() => undefined)),
    );
    for (const session of rounds) {
      if (session) expect(await known(session.accessToken)).toBe("M_UNKNOWN_TOKEN");
    }
    expect(await t.users.devices.list(user)).toEqual([]);
  });

  test("and a session that has ended makes no sign-in token any more", async () => {
    const user = await t.users.registration.create("late", OLD);
    const session = await t.users.sessions.issue(user, {});
    await change(user);
    expect(await errcodeOf(t.users.login.createToken(session))).toBe("M_UNKNOWN_TOKEN");
  });
});

test("a closed account's sign-in tokens and authentication end with it", async () => {
  const user = await t.users.registration.create("closing", OLD);
  const session = await t.users.sessions.issue(user, {});
  const { token } = await t.users.login.createToken(session);
  await t.users.deactivation.deactivate(user, false);
  await t.users.deactivation.settled();
  expect(await signIn({ type: "m.login.token", token })).toBe("M_FORBIDDEN");
  expect(await signIn({ type: "m.login.password", user: "closing", password: OLD })).toBe(
    "M_FORBIDDEN",
  );
});

describe("a refresh token", () => {
  const begin = async (name: string) => {
    const user = await t.users.registration.create(name, OLD);
    const other = await t.users.sessions.issue(user, {});
    return { other, first: await t.users.sessions.issue(user, { refreshToken: true }) };
  };

  test("that is spent and shown again ends all that came of it, and no other device", async () => {
    const { first, other } = await begin("stolen");
    const second = await t.users.sessions.refresh(first.refreshToken!);
    expect(await known(second.accessToken)).toBe("nothing");
    const third = await t.users.sessions.refresh(second.refreshToken!);
    expect(await known(third.accessToken)).toBe("nothing");
    expect(await errcodeOf(t.users.sessions.refresh(first.refreshToken!))).toBe("M_UNKNOWN_TOKEN");
    expect(await known(third.accessToken)).toBe("M_UNKNOWN_TOKEN");
    expect(await errcodeOf(t.users.sessions.refresh(third.refreshToken!))).toBe("M_UNKNOWN_TOKEN");
    expect(await known(other.accessToken)).toBe("nothing");
  });

  test("that was taken back for another and is shown ends them all too", async () => {
    const { first } = await begin("forked");
    const one = await t.users.sessions.refresh(first.refreshToken!);
    const two = await t.users.sessions.refresh(first.refreshToken!);
    expect(await errcodeOf(t.users.sessions.refresh(one.refreshToken!))).toBe("M_UNKNOWN_TOKEN");
    expect(await known(two.accessToken)).toBe("M_UNKNOWN_TOKEN");
  });

  test("whose exchange was not used may be exchanged again", async () => {
    const { first } = await begin("lost");
    await t.users.sessions.refresh(first.refreshToken!);
    const again = await t.users.sessions.refresh(first.refreshToken!);
    expect(await known(again.accessToken)).toBe("nothing");
  });

  test("leaves a bounded trace", async () => {
    const { first } = await begin("often");
    let { refreshToken } = first;
    for (let count = 0; count < 105; count++) {
      const next = await t.users.sessions.refresh(refreshToken!);
      expect(await known(next.accessToken)).toBe("nothing");
      ({ refreshToken } = next);
    }
    const [row] = await t.sql<{ count: number }[]>`
      SELECT count(*)::int AS count FROM refresh_tokens WHERE device_id = ${first.deviceId}`;
    expect(row!.count).toBeLessThanOrEqual(103);
  });
});

describe("a password of fewer than eight characters", () => {
  test("is refused where its user chooses it, and not where a tool or the operator does", async () => {
    const user = id("chooser");
    expect(await errcodeOf(t.users.registration.register(user, "seven77", {}))).toBe(
      "M_WEAK_PASSWORD",
    );
    await t.users.registration.create("chooser", "short");
    const options = { keepDevices: false, deviceId: undefined };
    expect(await errcodeOf(t.users.passwordChange.change(user, "seven77", options))).toBe(
      "M_WEAK_PASSWORD",
    );
    expect(await errcodeOf(t.users.passwordChange.change(user, "🦊".repeat(7), options))).toBe(
      "M_WEAK_PASSWORD",
    );
    expect(await errcodeOf(t.users.passwordChange.change(user, "8 letters", options))).toBe(
      "nothing",
    );
  });
});
