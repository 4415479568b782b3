/** Looking users up, creating and changing them: over the wire. */
import { describe, expect, test } from "vitest";
import { eventually } from "../support/wait.ts";
import {
  alice,
  ask,
  bob,
  done,
  encoded,
  idOf,
  newcomer,
  newName,
  other,
  refused,
  root,
  server,
  signIn,
  signedIn,
  userPath,
  v1,
  whoami,
} from "./scene.ts";

describe("GET /users/{userId}", () => {
  test("tells what is known of a user", async () => {
    const before = Date.now();
    await alice.call("PUT", `/profile/${encoded(alice.userId)}/displayname`, {
      displayname: "Alice",
    });
    const user = await done("GET", userPath(alice.userId));
    expect(user).toMatchObject({
      name: alice.userId,
      displayname: "Alice",
      avatar_url: null,
      ...{ is_guest: false, admin: false, deactivated: false, erased: false },
      ...{ locked: false, suspended: false, shadow_banned: false, user_type: null },
      ...{ threepids: [], external_ids: [], appservice_id: null, consent_version: null },
    });
    expect(user.last_seen_ts).toBeGreaterThan(before - 600_000);
    expect(Math.abs(user.creation_ts * 1000 - Date.now())).toBeLessThan(600_000);
  });

  test.each([
    ["of another server", "@x:elsewhere.test", 400, "M_INVALID_PARAM"],
    ["that is none", "alice", 400, "M_INVALID_PARAM"],
    ["who is not there", "@nobody:{server}", 404, "M_NOT_FOUND"],
  ])("refuses a user %s", async (_who, given, status, errcode) => {
    const userId = given.replace("{server}", server.name);
    expect(await refused("GET", userPath(userId))).toEqual([status, errcode]);
    expect(await refused("GET", v1(`/users/${encoded(userId)}/admin`))).toEqual([status, errcode]);
    expect(await refused("POST", v1(`/deactivate/${encoded(userId)}`))).toEqual([status, errcode]);
    const suspend = v1(`/suspend/${encoded(userId)}`);
    expect(await refused("PUT", suspend, { suspend: true })).toEqual([status, errcode]);
    const reset = v1(`/reset_password/${encoded(userId)}`);
    expect(await refused("POST", reset, { new_password: "abc" })).toEqual([status, errcode]);
    const role = v1(`/users/${encoded(userId)}/admin`);
    expect(await refused("PUT", role, { admin: true })).toEqual([status, errcode]);
  });
});

describe("PUT /users/{userId} creates", () => {
  test("a user with all that is given, who signs in", async () => {
    const name = newName();
    const answer = await ask("PUT", userPath(idOf(name)), {
      ...{ password: "pw", displayname: "New", avatar_url: "mxc://here.test/x", admin: true },
      threepids: [{ medium: "email", address: `${name}@Example.ORG` }],
      external_ids: [{ auth_provider: "corp", external_id: name }],
      user_type: "bot",
    });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      ...{ displayname: "New", avatar_url: "mxc://here.test/x", admin: true, user_type: "bot" },
      threepids: [{ medium: "email", address: `${name}@example.org` }],
      external_ids: [{ auth_provider: "corp", external_id: name }],
    });
    expect((await signIn(name, "pw")).status).toBe(200);
    const again = await ask("PUT", userPath(idOf(name)), {});
    expect(again).toMatchObject({ status: 200, body: { displayname: "New" } });
  });

  test("one without a password, whom nobody signs in as until there is one", async () => {
    const name = newName();
    expect((await ask("PUT", userPath(idOf(name)), {})).status).toBe(201);
    expect((await signIn(name, "")).status).toBe(403);
    await done("PUT", userPath(idOf(name)), { password: "x" });
    expect((await signIn(name, "x")).status).toBe(200);
  });

  test("one that is locked from the beginning", async () => {
    const name = newName();
    const { body } = await ask("PUT", userPath(idOf(name)), { password: "x", locked: true });
    expect(body.locked).toBe(true);
    expect((await signIn(name, "x")).body.errcode).toBe("M_USER_LOCKED");
  });

  test.each([
    ["a name with capital letters", "Big", {}, "M_INVALID_USERNAME"],
    ["a name with letters that none may have", "smörgås", {}, "M_INVALID_USERNAME"],
    ["an empty password", "weak", { password: "" }, "M_WEAK_PASSWORD"],
    ["a type that there is not", "odd", { user_type: "cat" }, "M_BAD_JSON"],
    [
      "an address that is none",
      "odd",
      { threepids: [{ medium: "email", address: "nowhere" }] },
      "M_INVALID_PARAM",
    ],
    ["closed and locked at once", "odd", { deactivated: true, locked: true }, "M_INVALID_PARAM"],
    ["half an account elsewhere", "odd", { external_ids: [{ auth_provider: "x" }] }, "M_BAD_JSON"],
  ])("nothing of %s", async (_what, name, body, errcode) => {
    expect(await refused("PUT", userPath(idOf(name)), body)).toEqual([400, errcode]);
    const [status] = await refused("GET", userPath(idOf(name)));
    expect(status).toBe(404);
  });

  test("nobody whose address or account elsewhere is another's", async () => {
    const [first, second] = [newName(), newName()];
    const threepids = [{ medium: "email", address: `${first}@example.org` }];
    const external_ids = [{ auth_provider: "corp", external_id: first }];
    await done("PUT", userPath(idOf(first)), { threepids, external_ids });
    const path = userPath(idOf(second));
    expect(await refused("PUT", path, { threepids })).toEqual([400, "M_THREEPID_IN_USE"]);
    expect(await refused("PUT", path, { external_ids })).toEqual([409, "M_UNKNOWN"]);
    expect(await refused("GET", path)).toEqual([404, "M_NOT_FOUND"]);
  });
});

describe("PUT /users/{userId} changes", () => {
  test("a password, and signs all devices out, or none", async () => {
    const user = await newcomer();
    const kept = { password: "one", logout_devices: false };
    await done("PUT", userPath(user.userId), kept);
    expect((await whoami(user)).status).toBe(200);
    expect((await signIn(user.userId, "one")).status).toBe(200);
    await done("PUT", userPath(user.userId), { password: "two" });
    expect((await whoami(user)).body.errcode).toBe("M_UNKNOWN_TOKEN");
    expect((await signIn(user.userId, "one")).status).toBe(403);
    expect((await signIn(user.userId, "two")).status).toBe(200);
  });

  test("the name and picture that others see, and takes them away", async () => {
    const user = await newcomer();
    const roomId = (await user.call("POST", "/createRoom", {})).room_id;
    const state = `/rooms/${encoded(roomId)}/state/m.room.member/${encoded(user.userId)}`;
    await done("PUT", userPath(user.userId), { displayname: "Other", avatar_url: "mxc://a.b/c" });
    await eventually("the member event", async () => {
      const { displayname, avatar_url: avatar } = await user.call("GET", state);
      return displayname === "Other" && avatar === "mxc://a.b/c";
    });
    const body = await done("PUT", userPath(user.userId), { displayname: "", avatar_url: null });
    expect(body).toMatchObject({ displayname: null, avatar_url: null });
  });

  test("addresses and accounts elsewhere: these and no others", async () => {
    const name = newName();
    const email = (n: number) => ({ medium: "email", address: `${name}.${n}@example.org` });
    const phone = { medium: "msisdn", address: "491701234567" };
    const link = (n: number) => ({ auth_provider: "corp", external_id: `${name} ${n}` });
    await done("PUT", userPath(idOf(name)), {
      ...{ threepids: [email(1), email(2)], external_ids: [link(1), link(2)] },
    });
    const body = await done("PUT", userPath(idOf(name)), {
      ...{ threepids: [email(2), phone], external_ids: [link(2), link(3), link(3)] },
    });
    expect(body.threepids).toHaveLength(2);
    expect(body.threepids).toMatchObject([email(2), phone]);
    expect(body.external_ids).toEqual([link(2), link(3)]);
    const taken = newName();
    await done("PUT", userPath(idOf(taken)), { threepids: [email(1)], external_ids: [link(1)] });
    const all = await done("PUT", userPath(idOf(name)), { threepids: [], external_ids: [] });
    expect(all).toMatchObject({ threepids: [], external_ids: [] });
  });

  test("nothing, if one part of it can't be", async () => {
    const user = await newcomer();
    const threepids = [{ medium: "email", address: "not one" }];
    const wish = { displayname: "Half", password: "half", admin: true, threepids };
    expect(await refused("PUT", userPath(user.userId), wish)).toEqual([400, "M_INVALID_PARAM"]);
    expect(await done("GET", userPath(user.userId))).toMatchObject({
      ...{ displayname: null, admin: false },
    });
    expect((await signIn(user.userId, "half")).status).toBe(403);
  });

  test("the type, and the lock", async () => {
    const user = await newcomer();
    expect(await done("PUT", userPath(user.userId), { user_type: "support" })).toMatchObject({
      user_type: "support",
    });
    expect(await done("PUT", userPath(user.userId), { user_type: null })).toMatchObject({
      user_type: null,
    });
    await done("PUT", userPath(user.userId), { locked: true });
    expect((await whoami(user)).body.errcode).toBe("M_USER_LOCKED");
    await done("PUT", userPath(user.userId), { locked: false });
    expect((await whoami(user)).status).toBe(200);
  });

  test("a closed account into an open one, without what was deleted", async () => {
    const user = await newcomer();
    await done("PUT", userPath(user.userId), { displayname: "Gone", deactivated: true });
    expect(await done("GET", userPath(user.userId))).toMatchObject({
      ...{ deactivated: true, displayname: null },
    });
    expect(await refused("PUT", userPath(user.userId), { password: "x" })).toEqual([
      ...[400, "M_INVALID_PARAM"],
    ]);
    const wish = { deactivated: false, password: "back" };
    expect(await done("PUT", userPath(user.userId), wish)).toMatchObject({ deactivated: false });
    expect((await whoami(user)).body.errcode).toBe("M_UNKNOWN_TOKEN");
    const again = await signedIn(user.userId, "back");
    await again.call("POST", "/createRoom", {});
  });
});

describe("another administrator", () => {
  test.each([
    ["locked", { locked: true }],
    ["closed", { deactivated: true }],
  ])("is not %s", async (_what, wish) => {
    expect(await refused("PUT", userPath(other.userId), wish)).toEqual([403, "M_FORBIDDEN"]);
    expect(await refused("PUT", userPath(root.userId), wish)).toEqual([403, "M_FORBIDDEN"]);
    expect((await whoami(other)).status).toBe(200);
  });

  test("is not closed or suspended by the older operations either", async () => {
    for (const { userId } of [other, root]) {
      const closing = v1(`/deactivate/${encoded(userId)}`);
      expect(await refused("POST", closing, {})).toEqual([403, "M_FORBIDDEN"]);
      const suspending = v1(`/suspend/${encoded(userId)}`);
      expect(await refused("PUT", suspending, { suspend: true })).toEqual([403, "M_FORBIDDEN"]);
    }
  });

  test("is made and unmade at once, but nobody unmakes themselves", async () => {
    const user = await newcomer();
    const role = v1(`/users/${encoded(user.userId)}/admin`);
    expect(await done("GET", role)).toEqual({ admin: false });
    expect((await ask("GET", role, undefined, user.token)).status).toBe(403);
    expect(await done("PUT", role, { admin: true })).toEqual({});
    expect((await ask("GET", role, undefined, user.token)).body).toEqual({ admin: true });
    await done("PUT", role, { admin: false });
    expect((await ask("GET", role, undefined, user.token)).status).toBe(403);
    const own = v1(`/users/${encoded(root.userId)}/admin`);
    expect(await refused("PUT", own, { admin: false })).toEqual([403, "M_FORBIDDEN"]);
    const body = { admin: false };
    expect(await refused("PUT", userPath(root.userId), body)).toEqual([403, "M_FORBIDDEN"]);
    expect(await done("PUT", own, { admin: true })).toEqual({});
  });

  test("whose whole record comes back unchanged is no trouble", async () => {
    const record = await done("GET", userPath(other.userId));
    expect((await ask("PUT", userPath(other.userId), record)).status).toBe(200);
    const own = await done("GET", userPath(root.userId));
    expect((await ask("PUT", userPath(root.userId), own)).status).toBe(200);
  });
});

describe("closing, suspending, resetting", () => {
  test("closes and erases", async () => {
    const user = await newcomer();
    const path = v1(`/deactivate/${encoded(user.userId)}`);
    expect(await done("POST", path)).toEqual({ id_server_unbind_result: "success" });
    expect(await done("GET", userPath(user.userId))).toMatchObject({
      ...{ deactivated: true, erased: false },
    });
    await done("POST", path, { erase: true });
    expect((await done("GET", userPath(user.userId))).erased).toBe(true);
    const suspend = v1(`/suspend/${encoded(user.userId)}`);
    expect(await refused("PUT", suspend, { suspend: true })).toEqual([404, "M_NOT_FOUND"]);
    const reset = v1(`/reset_password/${encoded(user.userId)}`);
    expect(await refused("POST", reset, { new_password: "x" })).toEqual([404, "M_NOT_FOUND"]);
  });

  test("suspends and ends that", async () => {
    const user = await newcomer();
    const path = v1(`/suspend/${encoded(user.userId)}`);
    const key = `user_${user.userId}_suspended`;
    expect(await done("PUT", path, { suspend: true })).toEqual({ [key]: true });
    expect((await user.ask("POST", "/createRoom", {})).body.errcode).toBe("M_USER_SUSPENDED");
    expect((await done("GET", userPath(user.userId))).suspended).toBe(true);
    await done("PUT", path, { suspend: false });
    expect((await user.ask("POST", "/createRoom", {})).status).toBe(200);
    expect(await refused("PUT", path, {})).toEqual([400, "M_MISSING_PARAM"]);
  });

  test("gives another password, also a short one", async () => {
    const path = v1(`/reset_password/${encoded(bob.userId)}`);
    expect(await done("POST", path, { new_password: "x", logout_devices: false })).toEqual({});
    expect((await whoami(bob)).status).toBe(200);
    expect((await signIn("bob", "x")).status).toBe(200);
    const user = await newcomer();
    await done("POST", v1(`/reset_password/${encoded(user.userId)}`), { new_password: "y" });
    expect((await whoami(user)).body.errcode).toBe("M_UNKNOWN_TOKEN");
    const empty = { new_password: "" };
    expect(await refused("POST", path, empty)).toEqual([400, "M_WEAK_PASSWORD"]);
  });

  test("an administrator who resets their own stays signed in where they are", async () => {
    const second = await signedIn("root", "root-Secret-1");
    const path = v1(`/reset_password/${encoded(root.userId)}`);
    await done("POST", path, { new_password: "root-Secret-1" });
    expect((await whoami(root)).status).toBe(200);
    expect((await whoami(second)).body.errcode).toBe("M_UNKNOWN_TOKEN");
  });
});
