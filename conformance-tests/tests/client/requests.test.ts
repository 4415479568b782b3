import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { createClient, unique } from "../../harness/client.ts";
import { must, mustEqual, mustFail, mustMatch } from "../../harness/must.ts";
import { registerUser, sentId } from "../../harness/users.ts";

const MIB = 1024 * 1024;

clause(
  clientApi("api-standards"),
  "a member that may be left out may be null, as many clients write it",
  async () => {
    const [alice, bob] = [
      await registerUser(theSubject(), "alice"),
      await registerUser(theSubject(), "bob"),
    ];
    const body: object = { name: null, topic: null, room_version: null, invite: [bob.userId] };
    const { room_id: roomId } = await alice.call("createRoom", { body });
    await bob.join(roomId);
    const path = { roomId };
    await alice.call("kick", { path, body: { user_id: bob.userId, reason: null } });
    await alice.call("ban", { path, body: { user_id: bob.userId, reason: null } });
    await alice.call("unban", { path, body: { user_id: bob.userId, reason: null } });
    const login = {
      type: "m.login.password",
      identifier: { type: "m.id.user", user: alice.userId },
      password: alice.password,
      device_id: null,
      initial_device_display_name: null,
      refresh_token: null,
    };
    mustMatch(
      await createClient(theSubject()).call("login", { body: login }),
      { user_id: alice.userId },
      "the login",
    );
  },
);

clause(clientApi("api-standards"), "null is kept where it is content", async () => {
  const alice = await registerUser(theSubject());
  const roomId = await alice.createRoom();
  const content = { msgtype: "m.text", body: "x", "org.example.null": null };
  const path = { roomId, eventType: "m.room.message", txnId: unique("t") };
  const eventId = sentId(await alice.call("sendMessage", { path, body: content }));
  const event = await alice.call("getOneRoomEvent", { path: { roomId, eventId } });
  mustMatch(event, { content }, "the message");
});

clause(clientApi("api-standards"), "answers are of the type application/json", async () => {
  const alice = await registerUser(theSubject());
  const good = await alice.request("getTokenOwner");
  const bad = await createClient(theSubject()).request("getTokenOwner");
  for (const { headers } of [good, bad]) {
    mustEqual(headers["content-type"], "application/json", "content-type");
  }
});

clause(
  clientApi("post_matrixclientv3register"),
  "a finished registration that is repeated with its session does not fail",
  async () => {
    const client = createClient(theSubject());
    const body = { username: unique("twice"), password: unique("password") };
    const { session } = (await client.request("register", { body })).body as { session: string };
    const auth = { type: "m.login.dummy", session };
    const first = await client.call("register", { body: { ...body, auth } });
    const again = await client.call("register", { body: { ...body, auth } });
    mustEqual(
      (again as { user_id: string }).user_id,
      (first as { user_id: string }).user_id,
      "user_id of the second answer",
    );
  },
);

clause(
  clientApi("delete_matrixclientv3devicesdeviceid"),
  "a device is not deleted by another user's password",
  async () => {
    const [alice, bob] = [
      await registerUser(theSubject(), "alice"),
      await registerUser(theSubject(), "bob"),
    ];
    const path = { deviceId: alice.deviceId };
    const asked = await alice.request("deleteDevice", { path, body: {} });
    const { session } = (await mustFail(Promise.resolve(asked), 401)) as { session: string };
    const identifier = { type: "m.id.user", user: bob.userId };
    const auth = { type: "m.login.password", identifier, password: bob.password, session };
    await mustFail(alice.request("deleteDevice", { path, body: { auth } }), 403, "M_FORBIDDEN");
    await alice.call("getDevice", { path });
  },
);

clause(
  clientApi("standard-error-response"),
  "a great body without a token is refused for the token, in JSON, with CORS headers",
  async () => {
    const alice = await registerUser(theSubject());
    const roomId = await alice.createRoom();
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/send/m.room.message/t`;
    const body = `[${"1.5,".repeat(MIB)}1]`;
    const answer = await alice.plain("PUT", path, {}, body);
    mustEqual(answer.status, 401, "status");
    mustMatch(answer.body, { errcode: "M_MISSING_TOKEN" }, "the refusal");
    mustEqual(answer.headers["access-control-allow-origin"], "*", "CORS");
    const login = await alice.plain("POST", "/_matrix/client/v3/login", {}, body);
    must([400, 413].includes(login.status), `a login of 4 MiB: status ${login.status}`);
  },
);
