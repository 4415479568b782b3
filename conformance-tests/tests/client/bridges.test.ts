import { clause, clientApi, serviceApi, theSubject } from "../../harness/clause.ts";
import { createClient, unique } from "../../harness/client.ts";
import { must, mustBe401, mustBe403, mustBe404 } from "../../harness/must.ts";
import { registerUser } from "../../harness/users.ts";

const LOGIN = "m.login.application_service";

clause(
  clientApi("third-party-networks"),
  "networks are listed, and one that nobody bridges to is not found",
  async () => {
    const alice = await registerUser(theSubject());
    const protocols = await alice.call("getProtocols");
    must(!Array.isArray(protocols), "the protocols are an object");
    const protocol = unique("gopher");
    await mustBe404(alice.request("getProtocolMetadata", { path: { protocol } }));
    await mustBe404(alice.request("queryLocationByProtocol", { path: { protocol } }));
    await mustBe404(alice.request("queryUserByProtocol", { path: { protocol } }));
  },
);

clause(
  serviceApi("server-admin-style-permissions"),
  "who is no application service opens no account as one, nor signs in",
  async () => {
    const alice = await registerUser(theSubject());
    const username = unique("ghost");
    const identifier = { type: "m.id.user", user: alice.userId } as const;
    const stranger = createClient(theSubject());
    const register = { body: { type: LOGIN, username } };
    const login = { body: { type: LOGIN, identifier } };
    await mustBe401(stranger.request("register", register), "M_MISSING_TOKEN");
    await mustBe401(stranger.request("login", login), "M_MISSING_TOKEN");
    const wrong = createClient(theSubject(), "wrong");
    await mustBe401(wrong.request("register", register), "M_UNKNOWN_TOKEN");
    await mustBe401(wrong.request("login", login), "M_UNKNOWN_TOKEN");
  },
);

clause(
  serviceApi("pinging"),
  "nobody but an application service has it pinged, or lists rooms of its networks",
  async () => {
    const alice = await registerUser(theSubject());
    const appserviceId = unique("service");
    await mustBe403(alice.request("pingAppservice", { path: { appserviceId }, body: {} }));
    const roomId = await alice.createRoom();
    const path = { networkId: "network", roomId };
    const body = { visibility: "public" } as const;
    await mustBe403(alice.request("updateAppserviceRoomDirectoryVisibility", { path, body }));
  },
);
