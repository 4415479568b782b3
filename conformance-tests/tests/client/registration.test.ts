import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { createClient, unique } from "../../harness/client.ts";
import { must, mustEqual, mustFail } from "../../harness/must.ts";
import { deactivate, registerUser } from "../../harness/users.ts";

clause(
  clientApi("account-registration"),
  "a deactivated name cannot be registered again",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    await deactivate(alice);
    const username = alice.userId.slice(1, alice.userId.indexOf(":"));
    const client = createClient(theSubject());
    await mustFail(
      client.request("checkUsernameAvailability", { query: { username } }),
      400,
      "M_USER_IN_USE",
    );
  },
);

clause(
  clientApi("post_matrixclientv3register"),
  "registration takes a device id, its name, and a wish for refresh tokens",
  async () => {
    const client = createClient(theSubject());
    const body = {
      username: unique("reg"),
      password: unique("password"),
      device_id: "LOOM",
      initial_device_display_name: "The loom",
      refresh_token: true,
    };
    const { session } = (await client.request("register", { body })).body as { session: string };
    const auth = { type: "m.login.dummy", session };
    const done = (await client.call("register", { body: { ...body, auth } })) as unknown as Record<
      string,
      string
    >;
    mustEqual(done["device_id"], "LOOM", "device_id");
    must(typeof done["refresh_token"] === "string", "no refresh_token");
    client.accessToken = done["access_token"];
    const device = await client.call("getDevice", { path: { deviceId: "LOOM" } });
    mustEqual(device.display_name, "The loom", "display_name");
  },
);
