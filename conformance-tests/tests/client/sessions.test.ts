import { clause, theSubject, clientApi } from "../../harness/clause.ts";
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
import { logIn, registerUser } from "../../harness/users.ts";

clause(
  clientApi("login"),
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
  clientApi("post_matrixclientv3login"),
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
  clientApi("get_matrixclientv3login"),
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
  clientApi("using-access-tokens"),
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
  clientApi("post_matrixclientv3logout"),
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
  clientApi("post_matrixclientv3logoutall"),
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
  clientApi("refreshing-access-tokens"),
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
  clientApi("soft-logout"),
  "after a logout by the user an unknown token is no soft logout",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    await alice.call("logout");
    const body = await mustFail(alice.request("getTokenOwner"), 401, "M_UNKNOWN_TOKEN");
    must(body["soft_logout"] !== true, "soft_logout is true though the device is gone");
  },
);

clause(
  clientApi("relationship-between-access-tokens-and-devices"),
  "logging in with a device's id takes that device over",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const again = await logIn(alice, { device_id: alice.deviceId });
    mustEqual(again.deviceId, alice.deviceId, "device_id");
    await mustBe401(alice.request("getTokenOwner"), "M_UNKNOWN_TOKEN");
    mustMatch(await again.call("getTokenOwner"), { user_id: alice.userId }, "whoami");
  },
);
