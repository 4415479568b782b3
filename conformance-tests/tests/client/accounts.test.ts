import { clause, theSubject } from "../../harness/clause.ts";
import { createClient, unique } from "../../harness/client.ts";
import {
  must,
  mustBe401,
  mustBe403,
  mustEqual,
  mustEqualAsSets,
  mustFail,
  mustMatch,
} from "../../harness/must.ts";
import { syncOnce } from "../../harness/sync.ts";
import { asUser, logIn, registerUser } from "../../harness/users.ts";
import type { Session } from "../../harness/users.ts";

const page = (anchor: string) => `client-server-api#${anchor}`;

clause(
  page("account-registration"),
  "registration asks for user-interactive auth, and dummy is enough",
  async () => {
    const client = createClient(theSubject());
    const body = { username: unique("reg"), password: unique("password") };
    const challenge = (await mustFail(client.request("register", { body }), 401)) as {
      session?: string;
      flows?: { stages: string[] }[];
    };
    must(challenge.session, "the challenge has no session");
    must(
      challenge.flows?.some((flow) => flow.stages.join() === "m.login.dummy"),
      "no flow of m.login.dummy alone",
    );
    const auth = { type: "m.login.dummy", session: challenge.session };
    const done = (await client.call("register", { body: { ...body, auth } })) as Session;
    mustEqual(done.user_id, `@${body.username}:${theSubject().serverName}`, "user_id");
    const user = asUser(client, done, body.password);
    mustMatch(
      await user.call("getTokenOwner"),
      { user_id: done.user_id, device_id: done.device_id },
      "whoami",
    );
  },
);

clause(
  page("post_matrixclientv3register"),
  "inhibit_login makes an account without a session",
  async () => {
    const client = createClient(theSubject());
    const body = { username: unique("reg"), password: unique("password"), inhibit_login: true };
    const { session } = (await client.request("register", { body })).body as { session: string };
    const auth = { type: "m.login.dummy", session };
    const done = (await client.call("register", { body: { ...body, auth } })) as Partial<Session>;
    mustEqual(done.access_token, undefined, "access_token");
    mustEqual(done.device_id, undefined, "device_id");
  },
);

clause(
  page("post_matrixclientv3register"),
  "a name that is taken cannot be registered again",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const username = alice.userId.slice(1, alice.userId.indexOf(":"));
    const client = createClient(theSubject());
    await mustFail(
      client.request("checkUsernameAvailability", { query: { username } }),
      400,
      "M_USER_IN_USE",
    );
    const body = { username, password: unique("password") };
    const first = await client.request("register", { body });
    if (first.status === 401) {
      const { session } = first.body as { session: string };
      const auth = { type: "m.login.dummy", session };
      await mustFail(client.request("register", { body: { ...body, auth } }), 400, "M_USER_IN_USE");
    } else {
      await mustFail(Promise.resolve(first), 400, "M_USER_IN_USE");
    }
  },
);

clause(
  page("post_matrixclientv3register"),
  "a name outside the grammar cannot be registered",
  async () => {
    const client = createClient(theSubject());
    for (const username of ["spaces are out", "kolon:inside", "what?"]) {
      const query = { username };
      await mustFail(
        client.request("checkUsernameAvailability", { query }),
        400,
        "M_INVALID_USERNAME",
      );
    }
    const query = { username: unique("free") };
    mustEqual(
      await client.call("checkUsernameAvailability", { query }),
      { available: true },
      "a free name",
    );
  },
);

clause(
  page("login"),
  "a password logs in by user id and by localpart, and makes a device",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const again = await logIn(alice, { initial_device_display_name: "second" });
    must(again.deviceId !== alice.deviceId, "the second login has the first one's device");
    const localpart = alice.userId.slice(1, alice.userId.indexOf(":"));
    const third = await logIn(alice, {
      identifier: { type: "m.id.user", user: localpart },
      device_id: "CHOSEN",
    });
    mustEqual(third.deviceId, "CHOSEN", "device_id");
    const { devices } = await alice.call("getDevices");
    mustEqualAsSets(
      (devices ?? []).map((device) => device.device_id),
      [alice.deviceId, again.deviceId, "CHOSEN"],
      "devices",
    );
  },
);

clause(
  page("post_matrixclientv3login"),
  "a wrong password and an unknown user are refused alike",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const client = createClient(theSubject());
    const attempt = (user: string) =>
      client.request("login", {
        body: {
          type: "m.login.password",
          identifier: { type: "m.id.user", user },
          password: "wrong",
        },
      });
    await mustBe403(attempt(alice.userId));
    await mustBe403(attempt(`@${unique("nobody")}:${theSubject().serverName}`));
  },
);

clause(
  page("get_matrixclientv3login"),
  "the login flows name passwords, and unknown types are refused",
  async () => {
    const client = createClient(theSubject());
    const { flows } = await client.call("getLoginFlows");
    must(
      flows?.some((flow) => flow.type === "m.login.password"),
      "no m.login.password",
    );
    await mustFail(client.request("login", { body: { type: "org.example.unheard-of" } }), 400, [
      "M_UNKNOWN",
      "M_INVALID_PARAM",
    ]);
  },
);

clause(
  page("using-access-tokens"),
  "a missing token and an unknown one are told apart",
  async () => {
    await mustBe401(createClient(theSubject()).request("getTokenOwner"), "M_MISSING_TOKEN");
    await mustBe401(
      createClient(theSubject(), "nonsense").request("getTokenOwner"),
      "M_UNKNOWN_TOKEN",
    );
  },
);

clause(
  page("post_matrixclientv3logout"),
  "logging out ends that session and its device, and no other",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const other = await logIn(alice);
    await other.call("logout");
    await mustBe401(other.request("getTokenOwner"), "M_UNKNOWN_TOKEN");
    const { devices } = await alice.call("getDevices");
    mustEqual(
      (devices ?? []).map((device) => device.device_id),
      [alice.deviceId],
      "devices that are left",
    );
  },
);

clause(
  page("post_matrixclientv3logoutall"),
  "logging out everywhere ends every session",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const other = await logIn(alice);
    await other.call("logout_all");
    await mustBe401(other.request("getTokenOwner"), "M_UNKNOWN_TOKEN");
    await mustBe401(alice.request("getTokenOwner"), "M_UNKNOWN_TOKEN");
  },
);

clause(
  page("refreshing-access-tokens"),
  "a refresh token gives a new access token and a new refresh token",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const client = createClient(theSubject());
    const first = (await client.call("login", {
      body: {
        type: "m.login.password",
        identifier: { type: "m.id.user", user: alice.userId },
        password: alice.password,
        refresh_token: true,
      },
    })) as unknown as { access_token: string; refresh_token: string; expires_in_ms: number };
    must(typeof first.refresh_token === "string", "no refresh_token");
    const second = await client.call("refresh", { body: { refresh_token: first.refresh_token } });
    must(second.access_token !== first.access_token, "the access token is the same");
    client.accessToken = second.access_token;
    mustMatch(await client.call("getTokenOwner"), { user_id: alice.userId }, "whoami");
    // Once the new access token was used, the old refresh token is worth nothing.
    await mustFail(
      createClient(theSubject()).request("refresh", {
        body: { refresh_token: first.refresh_token },
      }),
      [401, 403],
      ["M_UNKNOWN_TOKEN", "M_FORBIDDEN"],
    );
  },
);

clause(
  page("soft-logout"),
  "after a logout by the user an unknown token is no soft logout",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    await alice.call("logout");
    const body = await mustFail(alice.request("getTokenOwner"), 401, "M_UNKNOWN_TOKEN");
    must(body["soft_logout"] !== true, "soft_logout is true though the device is gone");
  },
);

clause(
  page("device-management"),
  "a device can be read and renamed, and deleted with the password only",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const other = await logIn(alice);
    const path = { deviceId: other.deviceId };
    await alice.call("updateDevice", { path, body: { display_name: "old telephone" } });
    mustMatch(
      await alice.call("getDevice", { path }),
      { device_id: other.deviceId, display_name: "old telephone" },
      "device",
    );
    const challenge = await mustFail(alice.request("deleteDevice", { path, body: {} }), 401);
    const auth = {
      type: "m.login.password",
      identifier: { type: "m.id.user", user: alice.userId },
      session: challenge["session"],
    };
    await mustFail(
      alice.request("deleteDevice", { path, body: { auth: { ...auth, password: "wrong" } } }),
      401,
      "M_FORBIDDEN",
    );
    await alice.call("deleteDevice", {
      path,
      body: { auth: { ...auth, password: alice.password } },
    });
    await mustFail(alice.request("getDevice", { path }), 404, "M_NOT_FOUND");
    await mustBe401(other.request("getTokenOwner"), "M_UNKNOWN_TOKEN");
  },
);

clause(
  page("post_matrixclientv3accountpassword"),
  "a changed password is the one that logs in, and ends other sessions",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const other = await logIn(alice);
    const body = { new_password: unique("new"), logout_devices: true };
    const { session } = await mustFail(alice.request("changePassword", { body }), 401);
    const auth = {
      type: "m.login.password",
      identifier: { type: "m.id.user", user: alice.userId },
      password: alice.password,
      session,
    };
    await alice.call("changePassword", { body: { ...body, auth } });
    await mustBe401(other.request("getTokenOwner"), "M_UNKNOWN_TOKEN");
    await syncOnce(alice);
    const identifier = { type: "m.id.user", user: alice.userId };
    const attempt = (password: string) =>
      createClient(theSubject()).request("login", {
        body: { type: "m.login.password", identifier, password },
      });
    await mustBe403(attempt(alice.password));
    mustEqual((await attempt(body.new_password)).status, 200, "login with the new password");
  },
);

clause(
  page("post_matrixclientv3accountdeactivate"),
  "a deactivated account cannot log in, and its sessions end",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const { session } = await mustFail(alice.request("deactivateAccount", { body: {} }), 401);
    const identifier = { type: "m.id.user", user: alice.userId };
    const auth = { type: "m.login.password", identifier, password: alice.password, session };
    await alice.call("deactivateAccount", { body: { auth } });
    await mustBe401(alice.request("getTokenOwner"), "M_UNKNOWN_TOKEN");
    await mustFail(
      createClient(theSubject()).request("login", {
        body: { type: "m.login.password", identifier, password: alice.password },
      }),
      403,
      ["M_FORBIDDEN", "M_USER_DEACTIVATED"],
    );
  },
);

clause(
  page("relationship-between-access-tokens-and-devices"),
  "logging in with a device's id takes that device over",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const again = await logIn(alice, { device_id: alice.deviceId });
    mustEqual(again.deviceId, alice.deviceId, "device_id");
    await mustBe401(alice.request("getTokenOwner"), "M_UNKNOWN_TOKEN");
    mustMatch(await again.call("getTokenOwner"), { user_id: alice.userId }, "whoami");
  },
);
