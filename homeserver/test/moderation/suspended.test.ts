/** What a suspended account may do, and may not. */
import { beforeEach, describe, expect, test } from "vitest";
import { serviceClient } from "../appservice/support.ts";
import { until } from "../support/wait.ts";
import {
  SUSPENDED,
  server,
  root,
  alice,
  bob,
  signedIn,
  look,
  set,
  room,
  auth,
} from "./one-server.ts";

describe("a suspended account", () => {
  let shared: string;
  beforeEach(async () => {
    const levels = { users: { [alice.userId]: 50 } };
    const options = { preset: "public_chat", power_level_content_override: levels };
    shared = (await bob.call("POST", "/createRoom", options)).room_id;
    await alice.call("POST", `/join/${encodeURIComponent(shared)}`, {});
  });
  const say = { msgtype: "m.text", body: "hello" };

  test("reads, marks as read, and signs in and out; new sessions are suspended, too", async () => {
    await set("suspend", alice.userId);
    const eventId = await bob.send(shared, "news");
    await alice.syncUntil(undefined, (body) => JSON.stringify(body).includes(eventId));
    const { chunk } = await alice.call("GET", room(shared, "/messages?dir=b"));
    expect(chunk[0].event_id).toBe(eventId);
    const receipt = `/receipt/m.read/${encodeURIComponent(eventId)}`;
    await alice.call("POST", room(shared, receipt), {});
    await alice.call("POST", room(shared, `/report/${encodeURIComponent(eventId)}`), {});
    const data = `/user/${encodeURIComponent(alice.userId)}/account_data/x.y`;
    await alice.call("PUT", data, { a: 1 });
    const second = await signedIn(alice);
    const path = room(shared, "/send/m.room.message/second");
    expect(await second.ask("PUT", path, say)).toEqual(SUSPENDED);
    await second.call("POST", "/logout");
  });

  test("verifies devices, and keeps and backs up its keys", async () => {
    await set("suspend", alice.userId);
    await alice.call("POST", "/keys/upload", {});
    await alice.call("POST", "/keys/query", { device_keys: { [alice.userId]: [] } });
    const messages = { [alice.userId]: { "*": { transaction_id: "x" } } };
    await alice.call("PUT", "/sendToDevice/m.key.verification.cancel/t1", { messages });
    const backup = {
      algorithm: "m.megolm_backup.v1.curve25519-aes-sha2",
      auth_data: { public_key: "x", signatures: {} },
    };
    const { version } = await alice.call("POST", "/room_keys/version", backup);
    await alice.call("PUT", `/room_keys/keys?version=${version}`, { rooms: {} });
  });

  test("says, changes, joins and invites nothing, and says so", async () => {
    const hall = (await bob.call("POST", "/createRoom", { preset: "public_chat" })).room_id;
    await set("suspend", alice.userId);
    const me = encodeURIComponent(alice.userId);
    const refused: [string, string, object][] = [
      ["PUT", room(shared, "/send/m.room.message/t1"), say],
      ["PUT", room(shared, "/send/m.reaction/t2"), {}],
      ["PUT", room(shared, "/state/m.room.topic/"), { topic: "x" }],
      ["PUT", room(shared, `/state/m.room.member/${me}`), { membership: "join", x: 1 }],
      ["POST", room(hall, "/join"), {}],
      ["POST", `/join/${encodeURIComponent(hall)}`, {}],
      ["POST", `/knock/${encodeURIComponent(hall)}`, {}],
      ["POST", room(shared, "/invite"), { user_id: root.userId }],
      ["POST", room(shared, "/kick"), { user_id: bob.userId }],
      ["POST", room(shared, "/ban"), { user_id: bob.userId }],
      ["POST", "/createRoom", {}],
      ["PUT", `/profile/${me}/displayname`, { displayname: "x" }],
      ["PUT", `/profile/${me}/avatar_url`, { avatar_url: "mxc://x/y" }],
      ["DELETE", `/profile/${me}/displayname`, {}],
      ["PUT", `/presence/${me}/status`, { presence: "online", status_msg: "x" }],
    ];
    for (const [method, path, body] of refused) {
      expect([path, await alice.ask(method, path, body)]).toEqual([path, SUSPENDED]);
    }
    const service = serviceClient(server, "puppet-token");
    const send = room(shared, "/send/m.room.message/t1");
    expect(await service.ask("PUT", send, say, { as: alice.userId })).toEqual(SUSPENDED);
    await set("suspend", alice.userId, false);
    await alice.send(shared, "again");
  });

  test("takes back what it has said itself, and nothing of others", async () => {
    const own = [await alice.send(shared, "1"), await alice.send(shared, "2")] as const;
    const [others, another] = [await bob.send(shared, "3"), await bob.send(shared, "4")];
    const redact = (id: string) => room(shared, `/redact/${encodeURIComponent(id)}/r${id}`);
    await alice.call("PUT", redact(another), {});
    await set("suspend", alice.userId);
    await alice.call("PUT", redact(own[0]), {});
    const send = (n: string) => room(shared, `/send/m.room.redaction/s${n}`);
    await alice.call("PUT", send("1"), { redacts: own[1] });
    const unknown = `$${"n".repeat(43)}`;
    for (const id of [others, unknown]) {
      expect(await alice.ask("PUT", redact(id), {})).toEqual(SUSPENDED);
      expect(await alice.ask("PUT", send(id), { redacts: id })).toEqual(SUSPENDED);
    }
    const gone = async (id: string) =>
      (await bob.call("GET", room(shared, `/event/${encodeURIComponent(id)}`))).content.body;
    const left = await Promise.all([...own, others].map(gone));
    expect(left).toEqual([undefined, undefined, "3"]);
  });

  test("cannot take back by a room of its own what somebody says in another", async () => {
    const own = (await alice.call("POST", "/createRoom", {})).room_id;
    const elsewhere = await alice.send(own, "mine");
    await set("suspend", alice.userId);
    const path = room(shared, `/redact/${encodeURIComponent(elsewhere)}/r`);
    expect(await alice.ask("PUT", path, {})).toEqual(SUSPENDED);
  });

  test("leaves rooms, rejects invites, and may close itself", async () => {
    const lobby = (await bob.call("POST", "/createRoom", { invite: [alice.userId] })).room_id;
    await set("suspend", alice.userId);
    await alice.call("POST", room(lobby, "/leave"), {});
    await alice.call("POST", room(shared, "/leave"), {});
    expect((await alice.call("GET", "/joined_rooms")).joined_rooms).toEqual([]);
    await alice.call("POST", "/account/deactivate", { auth: auth(alice) });
    expect((await look("suspend", alice.userId)).status).toBe(404);
  });

  test("leaves its rooms when it is closed", async () => {
    await set("suspend", alice.userId);
    await alice.call("POST", "/account/deactivate", { auth: auth(alice) });
    const path = room(shared, `/state/m.room.member/${encodeURIComponent(alice.userId)}`);
    await until(async () => (await bob.call("GET", path)).membership === "leave");
  });
});
