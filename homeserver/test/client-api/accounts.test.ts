import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { login, t } from "./accounts-api.ts";

describe("the server", () => {
  test("lists every version and answers with and without a token, not with a bad one", async () => {
    const versions = await t.call("GET", "/_matrix/client/versions");
    expect(versions.body.versions).toEqual(
      expect.arrayContaining(["r0.0.1", "r0.6.1", "v1.1", "v1.11", "v1.19"]),
    );
    expect(versions.body.versions).toHaveLength(27);
    expect(versions.headers["vary"]).toContain("Authorization");
    const { access_token: token } = await t.register("versions");
    const url = "/_matrix/client/versions";
    expect(await t.call("GET", url, undefined, token)).toMatchObject({ status: 200 });
    expect(await t.call("GET", url, undefined, "bad")).toMatchObject({
      status: 401,
      body: { errcode: "M_UNKNOWN_TOKEN" },
    });
  });

  test("says where it is and what it can do", async () => {
    const wellKnown = await t.call("GET", "/.well-known/matrix/client");
    expect(wellKnown.body["m.homeserver"]).toEqual({ base_url: "https://matrix.here.test" });
    expect(wellKnown.headers["access-control-allow-origin"]).toBe("*");
    const { access_token: token } = await t.register("capable");
    const { body } = await t.call("GET", "capabilities", undefined, token);
    expect(body.capabilities["m.room_versions"].default).toBe("12");
    expect(body.capabilities["m.profile_fields"]).toEqual({ enabled: true });
  });
});

describe("registration", () => {
  test("asks for authentication first, then makes account and session", async () => {
    const request = { username: "Alice", password: "wonderland" };
    const asked = await t.call("POST", "register", request);
    expect(asked).toMatchObject({ status: 401, body: { flows: [{ stages: ["m.login.dummy"] }] } });
    expect(asked.body.errcode).toBeUndefined();
    const auth = { type: "m.login.dummy", session: asked.body.session };
    const more = { device_id: "PHONE", initial_device_display_name: "Phone", auth };
    const made = await t.call("POST", "register", { ...request, ...more });
    expect(made).toMatchObject({
      status: 200,
      body: { user_id: "@alice:here.test", device_id: "PHONE", home_server: "here.test" },
    });
    const token = made.body.access_token;
    expect((await t.call("GET", "account/whoami", undefined, token)).body).toEqual({
      user_id: "@alice:here.test",
      device_id: "PHONE",
      is_guest: false,
    });
    expect((await t.call("GET", "devices/PHONE", undefined, token)).body).toMatchObject({
      device_id: "PHONE",
      display_name: "Phone",
    });
  });

  test.each([
    [{ username: "alice", password: "x" }, "", 400, "M_USER_IN_USE"],
    [{ username: "not ok", password: "x" }, "", 400, "M_INVALID_USERNAME"],
    [{ username: "bridge_1", password: "x" }, "", 400, "M_EXCLUSIVE"],
    [{}, "?kind=guest", 403, "M_FORBIDDEN"],
    [{ username: "nopw", auth: { type: "m.login.dummy" } }, "", 400, "M_MISSING_PARAM"],
    [{ username: 3 }, "", 400, "M_BAD_JSON"],
    [
      { username: "x", device_id: "a\0b", password: "x", auth: { type: "m.login.dummy" } },
      "",
      400,
      "M_BAD_JSON",
    ],
  ])("%j%s is refused with the right code", async (body, query, status, errcode) => {
    expect(await t.call("POST", `register${query}`, body)).toMatchObject({
      status,
      body: { errcode },
    });
  });

  test("without a session gives no token; without a name makes one up", async () => {
    const body = { password: "x", inhibit_login: true, auth: { type: "m.login.dummy" } };
    const { body: made } = await t.call("POST", "register", body);
    expect(made).toEqual({
      user_id: expect.stringMatching(/^@[a-z2-9]{12}:/),
      home_server: "here.test",
    });
  });

  test("says which names are free", async () => {
    const ask = (name: string) => t.call("GET", `register/available?username=${name}`);
    expect(await ask("free")).toMatchObject({ status: 200, body: { available: true } });
    expect(await ask("ALICE")).toMatchObject({ status: 400, body: { errcode: "M_USER_IN_USE" } });
    expect(await ask("")).toMatchObject({ status: 400 });
  });

  test("by shared secret makes administrators with a name", async () => {
    const url = "/_synapse/admin/v1/register";
    const { nonce } = (await t.call("GET", url)).body;
    const mac = createHmac("sha1", "shared").update(`${nonce}\0tool\0pw\0admin`).digest("hex");
    const request = {
      nonce,
      username: "tool",
      password: "pw",
      admin: true,
      displayname: "Tool",
      mac,
    };
    const made = await t.call("POST", url, request);
    expect(made).toMatchObject({ status: 200, body: { user_id: "@tool:here.test" } });
    expect((await t.users.sessions.byAccessToken(made.body.access_token)).isAdmin).toBe(true);
    expect((await t.call("GET", "profile/@tool:here.test")).body).toEqual({ displayname: "Tool" });
    expect(await t.call("POST", url, { ...request, mac: "00" })).toMatchObject({ status: 403 });
  });
});

describe("whois", () => {
  const whois = (userId: string, token: string) =>
    t.call("GET", `admin/whois/${encodeURIComponent(userId)}`, undefined, token);

  test("tells administrators of everybody's devices, and others of their own", async () => {
    const user = await t.register("seen", { device_id: "LAPTOP" });
    await t.call("GET", "account/whoami", undefined, user.access_token);
    const session = { connections: [{ ip: "127.0.0.1", user_agent: "lightMyRequest" }] };
    const seen = { user_id: "@seen:here.test", devices: { LAPTOP: { sessions: [session] } } };
    const own = await whois("@seen:here.test", user.access_token);
    expect(own).toMatchObject({ status: 200, body: seen });
    const { last_seen: at } = own.body.devices.LAPTOP.sessions[0].connections[0];
    expect(at).toBe(t.clock.now());
    await t.users.registration.create("overseer", "pw", { isAdmin: true });
    const { access_token: token } = (await login({ user: "overseer", password: "pw" })).body;
    expect(await whois("@seen:here.test", token)).toMatchObject({ status: 200, body: seen });
    expect(await whois("@nobody:here.test", token)).toMatchObject({
      status: 404,
      body: { errcode: "M_NOT_FOUND" },
    });
    expect(await whois("@seen:elsewhere.test", token)).toMatchObject({
      status: 400,
      body: { errcode: "M_INVALID_PARAM" },
    });
  });

  test("tells nobody else anything, not even who is there", async () => {
    await t.register("private");
    const { access_token: token } = await t.register("curious");
    for (const userId of ["@private:here.test", "@nobody:here.test", "@seen:elsewhere.test"]) {
      expect(await whois(userId, token)).toMatchObject({
        status: 403,
        body: { errcode: "M_FORBIDDEN" },
      });
    }
  });
});

describe("devices", () => {
  test("are listed, renamed, and signed out with the password", async () => {
    const { access_token: token, device_id: own } = await t.register("gadgets");
    await login({ user: "gadgets", password: "pw", device_id: "OLD" });
    await t.call("PUT", "devices/OLD", { display_name: "Old one" }, token);
    const listed = await t.call("GET", "devices", undefined, token);
    expect(listed.body.devices.map((d: { device_id: string }) => d.device_id)).toEqual(
      expect.arrayContaining([own, "OLD"]),
    );
    expect(await t.call("GET", "devices/NONE", undefined, token)).toMatchObject({ status: 404 });
    expect(await t.call("PUT", "devices/NONE", {}, token)).toMatchObject({ status: 404 });

    const asked = await t.call("POST", "delete_devices", { devices: ["OLD"] }, token);
    expect(asked.status).toBe(401);
    const auth = {
      type: "m.login.password",
      user: "gadgets",
      password: "pw",
      session: asked.body.session,
    };
    const done = await t.call("POST", "delete_devices", { devices: ["OLD"], auth }, token);
    expect(done).toMatchObject({ status: 200, body: {} });
    expect(await t.call("GET", "devices/OLD", undefined, token)).toMatchObject({ status: 404 });
    expect(await t.call("DELETE", `devices/${own}`, undefined, token)).toMatchObject({
      status: 401,
    });
  });
});

describe("the password", () => {
  test("is changed with the old one, and other sessions end", async () => {
    const { access_token: token } = await t.register("changing");
    const other = (await login({ user: "changing", password: "pw" })).body.access_token;
    const auth = {
      type: "m.login.password",
      identifier: { type: "m.id.user", user: "changing" },
      password: "pw",
    };
    const change = { new_password: "better" };
    expect(await t.call("POST", "account/password", change, token)).toMatchObject({ status: 401 });
    expect(await t.call("POST", "account/password", { ...change, auth }, token)).toMatchObject({
      status: 200,
    });
    expect(await t.call("GET", "account/whoami", undefined, token)).toMatchObject({ status: 200 });
    expect(await t.call("GET", "account/whoami", undefined, other)).toMatchObject({ status: 401 });
    expect(await login({ user: "changing", password: "pw" })).toMatchObject({ status: 403 });
    expect(await login({ user: "changing", password: "better" })).toMatchObject({ status: 200 });
  });

  test("closes the account", async () => {
    const { access_token: token, user_id: userId } = await t.register("closing");
    const auth = { type: "m.login.password", user: "closing", password: "pw" };
    const done = await t.call("POST", "account/deactivate", { auth, erase: true }, token);
    expect(done.body).toEqual({ id_server_unbind_result: "success" });
    await t.users.deactivation.settled();
    expect(t.told).toContain(`leave ${userId}`);
    expect(await t.call("GET", "account/whoami", undefined, token)).toMatchObject({ status: 401 });
    expect(await login({ user: "closing", password: "pw" })).toMatchObject({ status: 403 });
  });
});
