import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { createClient, unique } from "../../harness/client.ts";
import { must, mustBe401, mustBe403, mustEqual, mustFail, mustMatch } from "../../harness/must.ts";
import { syncOnce } from "../../harness/sync.ts";
import { asUser, deactivate, logIn, registerUser } from "../../harness/users.ts";
import type { Session } from "../../harness/users.ts";

clause(
  clientApi("account-registration"),
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
  clientApi("post_matrixclientv3register"),
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
  clientApi("post_matrixclientv3register"),
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
  clientApi("post_matrixclientv3register"),
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
  clientApi("device-management"),
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
  clientApi("post_matrixclientv3accountpassword"),
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
  clientApi("post_matrixclientv3accountdeactivate"),
  "a deactivated account cannot log in, and its sessions end",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    await deactivate(alice);
    const identifier = { type: "m.id.user", user: alice.userId };
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
  clientApi("get_matrixclientv3adminwhoisuserid"),
  "a user sees from where their own devices ask, and nobody else's",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const bob = await registerUser(theSubject(), "bob");
    const path = { userId: alice.userId };
    const seen = await alice.call("getWhoIs", { path });
    mustEqual(seen.user_id, alice.userId, "user_id");
    must(seen.devices?.[alice.deviceId], "the device is not there");
    await mustBe403(bob.request("getWhoIs", { path }));
  },
);

clause(
  clientApi("put_matrixclientv1adminlockuserid"),
  "nobody but an administrator locks or suspends, or learns by trying who has an account",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const bob = await registerUser(theSubject(), "bob");
    const nobody = `@${unique("nobody")}:${theSubject().serverName}`;
    for (const userId of [bob.userId, alice.userId, nobody, "@somebody:elsewhere.test"]) {
      const path = { userId };
      await mustBe403(alice.request("getAdminLockUser", { path }));
      await mustBe403(alice.request("getAdminSuspendUser", { path }));
      await mustBe403(alice.request("setAdminLockUser", { path, body: { locked: true } }));
      await mustBe403(alice.request("setAdminSuspendUser", { path, body: { suspended: true } }));
    }
    await bob.call("getTokenOwner");
    const { capabilities } = await alice.call("getCapabilities");
    mustEqual(capabilities["m.account_moderation"], undefined, "m.account_moderation");
  },
);
