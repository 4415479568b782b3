/** Acting as users: over the wire. */
import { describe, expect, test } from "vitest";
import { type TestUser, userOf } from "../support/user.ts";
import {
  ask,
  done,
  encoded,
  newcomer,
  other,
  refused,
  root,
  server,
  signedIn,
  signIn,
  userPath,
  v1,
  whoami,
} from "./scene.ts";

const login = (userId: string) => v1(`/users/${encoded(userId)}/login`);

/** Acts as somebody. */
async function actAs(user: TestUser, body?: object, by: TestUser = root): Promise<TestUser> {
  const { body: answer } = await ask("POST", login(user.userId), body, by.token);
  return userOf(server, { user_id: user.userId, access_token: answer.access_token, device_id: "" });
}

const unknown = async (user: TestUser) => (await whoami(user)).body.errcode;

describe("who acts as a user", () => {
  test("reads and writes as they do, and shows as no device", async () => {
    const user = await newcomer();
    const roomId = (await user.call("POST", "/createRoom", {})).room_id;
    const acting = await actAs(user);
    expect((await whoami(acting)).body).toEqual({ user_id: user.userId, is_guest: false });
    await acting.send(roomId, "from above");
    await acting.syncUntil(undefined, (body) => roomId in (body.rooms?.join ?? {}));
    expect((await user.call("GET", "/devices")).devices).toHaveLength(1);
    expect((await done("GET", userPath(user.userId, "/devices"))).total).toBe(1);
  });

  test("may nothing that needs the user's password, or a device", async () => {
    const user = await newcomer();
    const acting = await actAs(user);
    expect((await acting.ask("POST", "/account/deactivate", {})).status).toBe(401);
    expect((await acting.ask("DELETE", `/devices/${user.deviceId}`, {})).status).toBe(401);
    expect((await acting.ask("POST", "/keys/upload", {})).body.errcode).toBe("M_MISSING_PARAM");
  });

  test("is none who administers, whatever the user becomes", async () => {
    const user = await newcomer();
    const acting = await actAs(user);
    await done("PUT", userPath(user.userId), { admin: true });
    expect((await ask("GET", userPath(user.userId), undefined, acting.token)).status).toBe(403);
  });

  test("does so until the time that was said", async () => {
    const user = await newcomer();
    const until = Date.now() + 3_600_000;
    const acting = await actAs(user, { valid_until_ms: until });
    expect((await whoami(acting)).status).toBe(200);
    await server.database.sql`UPDATE access_tokens SET expires_ts = 1 WHERE expires_ts = ${until}`;
    await done("PUT", v1(`/suspend/${encoded(user.userId)}`), { suspend: false }); // read again
    expect(await unknown(acting)).toBe("M_UNKNOWN_TOKEN");
    await actAs(user);
    const rows = await server.database.sql`
      SELECT 1 FROM access_tokens WHERE user_id = ${user.userId} AND device_id = ''`;
    expect(rows.length, "the old one is gone").toBe(1);
    const past = { valid_until_ms: Date.now() - 1 };
    expect(await refused("POST", login(user.userId), past)).toEqual([400, "M_INVALID_PARAM"]);
  });

  test("ends it alone by signing out, and the user does not by doing so everywhere", async () => {
    const user = await newcomer();
    const [first, second] = [await actAs(user), await actAs(user)];
    await first.call("POST", "/logout");
    expect(await unknown(first)).toBe("M_UNKNOWN_TOKEN");
    expect((await whoami(second)).status).toBe(200);
    await user.call("POST", "/logout/all");
    expect(await unknown(user)).toBe("M_UNKNOWN_TOKEN");
    expect((await whoami(second)).status).toBe(200);
  });

  test("does so no more when their own sessions or their role end, or the account is closed", async () => {
    const admin = await newcomer();
    await done("PUT", userPath(admin.userId), { admin: true });
    const user = await newcomer();
    const first = await actAs(user, {}, admin);
    await admin.call("POST", "/logout/all");
    expect(await unknown(first)).toBe("M_UNKNOWN_TOKEN");
    const again = await signedIn(admin.userId, `${admin.userId.slice(1).split(":")[0]}-Secret-1`);
    const second = await actAs(user, {}, again);
    await done("PUT", userPath(admin.userId), { admin: false });
    expect(await unknown(second)).toBe("M_UNKNOWN_TOKEN");
    const third = await actAs(user);
    await done("PUT", userPath(user.userId), { deactivated: true });
    await done("PUT", userPath(user.userId), { deactivated: false });
    expect(await unknown(third)).toBe("M_UNKNOWN_TOKEN");
  });
});

test("nobody acts as another administrator, themselves, or somebody who is not there", async () => {
  expect(await refused("POST", login(other.userId))).toEqual([403, "M_FORBIDDEN"]);
  expect(await refused("POST", login(root.userId))).toEqual([400, "M_INVALID_PARAM"]);
  expect(await refused("POST", login("@x:elsewhere.test"))).toEqual([400, "M_INVALID_PARAM"]);
  expect(await refused("POST", login(`@nobody:${server.name}`))).toEqual([404, "M_NOT_FOUND"]);
  const user = await newcomer();
  await done("PUT", userPath(user.userId), { deactivated: true });
  expect(await refused("POST", login(user.userId))).toEqual([403, "M_USER_DEACTIVATED"]);
  const wrong = { valid_until_ms: "tomorrow" };
  expect(await refused("POST", login(user.userId), wrong)).toEqual([400, "M_BAD_JSON"]);
  expect((await signIn("root", "root-Secret-1")).status).toBe(200);
});
