import { clause, clientApi, theSubject } from "../../harness/clause.ts";
import { createClient, unique } from "../../harness/client.ts";
import { must, mustBe401, mustEqual, mustFail } from "../../harness/must.ts";
import { registerUser } from "../../harness/users.ts";

clause(
  clientApi("get_matrixclientv3account3pid"),
  "a new account has no e-mail addresses or phone numbers",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const { threepids } = await alice.call("getAccount3PIDs", {});
    mustEqual(threepids, [], "threepids");
    await mustBe401(createClient(theSubject()).request("getAccount3PIDs", {}), "M_MISSING_TOKEN");
  },
);

clause(clientApi("login"), "nobody signs in by an address that no account has", async () => {
  const alice = await registerUser(theSubject(), "alice");
  const address = `${unique("nobody")}@example.org`;
  const identifier = { type: "m.id.thirdparty", medium: "email", address };
  const body = { type: "m.login.password", identifier, password: alice.password };
  await mustFail(createClient(theSubject()).request("login", { body }), 403, "M_FORBIDDEN");
});

clause(
  clientApi("post_matrixclientv3account3pidunbind"),
  "an address of which no identity server was told is not unbound",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const address = `${unique("nobody")}@example.org`;
    const body = { medium: "email" as const, address };
    const unbound = await alice.call("unbind3pidFromAccount", { body });
    mustEqual(unbound.id_server_unbind_result, "no-support", "id_server_unbind_result");
    const deleted = await alice.call("delete3pidFromAccount", { body });
    mustEqual(deleted.id_server_unbind_result, "no-support", "id_server_unbind_result");
  },
);

clause(
  clientApi("m3pid_changes-capability"),
  "capabilities say whether addresses can be changed, and what they say is so",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const { capabilities } = await alice.call("getCapabilities", {});
    const { enabled } = capabilities["m.3pid_changes"] as { enabled?: unknown };
    must(typeof enabled === "boolean", "m.3pid_changes does not say whether it is enabled");
    if (enabled) return;
    const email = `${unique("nobody")}@example.org`;
    const body = { client_secret: "secret", email, send_attempt: 1 };
    const asked = await createClient(theSubject()).request("requestTokenTo3PIDEmail", { body });
    must(asked.status === 400 || asked.status === 403, `status ${asked.status}`);
  },
);
