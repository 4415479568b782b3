import { clause, theSubject } from "../../harness/clause.ts";
import { must, mustBe403, mustBe404, mustEqual, mustFail, mustMatch } from "../../harness/must.ts";
import { registerUser, type User } from "../../harness/users.ts";

const page = (anchor: string) => `client-server-api#${anchor}`;
const BACKUPS = page("server-side-key-backups");
const ALGORITHM = "m.megolm_backup.v1.curve25519-aes-sha2";
const ROOM = "!anywhere:example.org";

const session = (ciphertext: string, better: object = {}) => ({
  ...{ first_message_index: 5, forwarded_count: 2, is_verified: false },
  session_data: { ephemeral: "e", ciphertext, mac: "m" },
  ...better,
});

async function begin(user: User, publicKey = "abc"): Promise<string> {
  const body = { algorithm: ALGORITHM, auth_data: { public_key: publicKey } };
  return (await user.call("postRoomKeysVersion", { body })).version;
}

const put = (user: User, version: string, sessionId: string, body: ReturnType<typeof session>) =>
  user.call("putRoomKeyBySessionId", {
    path: { roomId: ROOM, sessionId },
    query: { version },
    body,
  });

clause(BACKUPS, "the newest backup is told, with what its keys are encrypted by", async () => {
  const user = await registerUser(theSubject(), "backup");
  await mustBe404(user.request("getRoomKeysVersionCurrent", {}));
  await begin(user, "old");
  const version = await begin(user, "new");
  const newest = await user.call("getRoomKeysVersionCurrent", {});
  mustMatch(
    newest,
    { version, algorithm: ALGORITHM, auth_data: { public_key: "new" }, count: 0 },
    "the newest backup",
  );
});

clause(BACKUPS, "keys are written to the newest backup alone", async () => {
  const user = await registerUser(theSubject(), "backup");
  const old = await begin(user);
  const version = await begin(user);
  const refused = await mustBe403(
    user.request("putRoomKeys", { query: { version: old }, body: { rooms: {} } }),
    "M_WRONG_ROOM_KEYS_VERSION",
  );
  mustEqual(refused["current_version"], version, "current_version");
});

const copies: readonly [name: string, better: object][] = [
  ["a verified one before one that is not", { is_verified: true, first_message_index: 9 }],
  ["then the one with the lower first message", { first_message_index: 4, forwarded_count: 9 }],
  ["then the one that was forwarded less often", { forwarded_count: 1 }],
];
for (const [name, better] of copies) {
  clause(BACKUPS, `of two copies of a session's key the better stays: ${name}`, async () => {
    const user = await registerUser(theSubject(), "backup");
    const version = await begin(user);
    const read = async (sessionId: string) =>
      (
        await user.call("getRoomKeyBySessionId", {
          path: { roomId: ROOM, sessionId },
          query: { version },
        })
      ).session_data["ciphertext"];
    await put(user, version, "rising", session("worse"));
    await put(user, version, "rising", session("better", better));
    await put(user, version, "falling", session("better", better));
    await put(user, version, "falling", session("worse"));
    mustEqual([await read("rising"), await read("falling")], ["better", "better"], "what stays");
  });
}

clause(BACKUPS, "the etag tells whether the keys have changed", async () => {
  const user = await registerUser(theSubject(), "backup");
  const version = await begin(user);
  const one = await put(user, version, "s1", session("one"));
  const two = await put(user, version, "s2", session("two"));
  must(one.etag !== two.etag, "the etag stayed after a further key");
  mustEqual([one.count, two.count], [1, 2], "count");
  const told = await user.call("getRoomKeysVersion", { path: { version } });
  mustEqual(told.etag, two.etag, "etag");
});

clause(BACKUPS, "keys are read and deleted by session, by room, and all", async () => {
  const user = await registerUser(theSubject(), "backup");
  const version = await begin(user);
  const sessions = { s1: session("1"), s2: session("2") };
  const rooms = { [ROOM]: { sessions }, "!other:example.org": { sessions } };
  const query = { version };
  await user.call("putRoomKeys", { query, body: { rooms } });
  mustEqual(await user.call("getRoomKeys", { query }), { rooms }, "all keys");
  const path = { roomId: ROOM };
  mustEqual(await user.call("getRoomKeysByRoomId", { path, query }), { sessions }, "of a room");
  await user.call("deleteRoomKeyBySessionId", { path: { ...path, sessionId: "s1" }, query });
  const left = await user.call("deleteRoomKeysByRoomId", { path, query });
  mustEqual(left.count, 2, "count after a room's keys were deleted");
  mustEqual((await user.call("deleteRoomKeys", { query })).count, 0, "count after all were");
  mustEqual(await user.call("getRoomKeys", { query }), { rooms: {} }, "what is left");
});

clause(BACKUPS, "a deleted backup is gone, and may be deleted again", async () => {
  const user = await registerUser(theSubject(), "backup");
  const version = await begin(user);
  const path = { version };
  await user.call("deleteRoomKeysVersion", { path });
  await user.call("deleteRoomKeysVersion", { path });
  await mustBe404(user.request("getRoomKeysVersion", { path }));
  await mustBe404(user.request("getRoomKeys", { query: { version } }));
});

clause(BACKUPS, "a backup's algorithm can't be changed", async () => {
  const user = await registerUser(theSubject(), "backup");
  const version = await begin(user);
  const body = { algorithm: "org.example.other", auth_data: {} };
  await mustFail(
    user.request("putRoomKeysVersion", { path: { version }, body }),
    400,
    "M_INVALID_PARAM",
  );
});
