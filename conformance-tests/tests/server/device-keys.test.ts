/** Keys and devices that servers ask one another for. */
import { clause, serverApi, theSubject } from "../../harness/clause.ts";
import {
  crossSigningKey,
  deviceKeys,
  oneTimeKey,
  type PublishedKey,
  signedPart,
} from "./keys-of-peer.ts";
import type { Json, JsonObject } from "../../harness/json.ts";
import { must, mustBe404, mustEqual } from "../../harness/must.ts";
import { Peer } from "../../harness/peer.ts";
import { registerUser, type User } from "../../harness/users.ts";
import { mustKeepTheProtocol, withPeer } from "../../harness/with-peer.ts";

const here = withPeer();
const END_TO_END = serverApi("end-to-end-encryption");
const DEVICES = serverApi("device-management");

/** A user of the server under test whose device has keys. */
async function withKeys(...ids: readonly string[]): Promise<[User, PublishedKey]> {
  const user = await registerUser(theSubject(), "alice");
  const device = deviceKeys(user.userId, user.deviceId);
  const one_time_keys = Object.fromEntries(ids.map((id) => oneTimeKey(device, id)));
  await user.call("uploadKeys", { body: { device_keys: device.object, one_time_keys } as never });
  return [user, device];
}

const ofPeer = (name: string) => here.peer.user(name);
const member = (object: unknown, ...path: readonly string[]): Json | undefined =>
  path.reduce<Json | undefined>(
    (at, name) => (at as JsonObject | undefined)?.[name],
    object as Json,
  );

clause(END_TO_END, "another server is told the keys of this server's users alone", async () => {
  const [alice, device] = await withKeys();
  await alice.call("updateDevice", {
    path: { deviceId: alice.deviceId },
    body: { display_name: "Alice's phone" },
  });
  const found = await here.peer.call("queryUserEncryptionKeys", {
    body: { device_keys: { [alice.userId]: [] } },
  });
  const told = member(found, "device_keys", alice.userId, alice.deviceId);
  mustEqual(signedPart(told), device.object, "the keys");
  const name = member(told, "unsigned", "device_display_name");
  mustEqual(name, "Alice's phone", "the name");
  mustEqual(Object.keys(found.device_keys), [alice.userId], "users");
  must(!("user_signing_keys" in found), "user-signing keys are its user's alone");
  const others = await here.peer.call("queryUserEncryptionKeys", {
    body: { device_keys: { [alice.userId]: ["ANOTHER"] } },
  });
  mustEqual(others.device_keys[alice.userId] ?? {}, {}, "devices that were not asked for");
});

clause(END_TO_END, "nobody is told of keys of another server's users", async () => {
  const bob = ofPeer("bob");
  const undo = here.peer.answer("queryUserEncryptionKeys", () => ({
    body: { device_keys: { [bob]: { PHONE: deviceKeys(bob, "PHONE").object } } },
  }));
  const query = { body: { device_keys: { [bob]: [] } } };
  const found = await here.peer.request("queryUserEncryptionKeys", query);
  const claim = { body: { one_time_keys: { [bob]: { PHONE: "signed_curve25519" } } } };
  const claimed = await here.peer.request("claimUserEncryptionKeys", claim);
  undo();
  // Left out, or refused.
  if (found.status < 400) mustEqual(member(found.body, "device_keys", bob), undefined, "devices");
  else mustEqual(found.status, 400, "status of the query");
  if (claimed.status < 400)
    mustEqual(member(claimed.body, "one_time_keys", bob), undefined, "keys");
  else mustEqual(claimed.status, 400, "status of the claim");
});

clause(END_TO_END, "another server gets each one-time key once, in order", async () => {
  const [alice] = await withKeys("A", "B");
  const wanted = { [alice.userId]: { [alice.deviceId]: "signed_curve25519" } };
  const names: string[] = [];
  for (let n = 0; n < 3; n += 1) {
    const { one_time_keys: keys } = await here.peer.call("claimUserEncryptionKeys", {
      body: { one_time_keys: wanted },
    });
    names.push(...Object.keys(keys[alice.userId]?.[alice.deviceId] ?? {}));
  }
  mustEqual(names.toSorted(), ["signed_curve25519:A", "signed_curve25519:B"], "keys");
});

clause(
  DEVICES,
  "another server is told a user's devices, and the version of that list",
  async () => {
    const [alice, device] = await withKeys();
    const path = { userId: alice.userId };
    const before = await here.peer.call("getUserDevices", { path });
    mustEqual(before.user_id, alice.userId, "user_id");
    const [only] = before.devices;
    mustEqual(
      [only!.device_id, signedPart(only!.keys)],
      [alice.deviceId, device.object],
      "devices",
    );
    await alice.call("updateDevice", {
      path: { deviceId: alice.deviceId },
      body: { display_name: "new name" },
    });
    const after = await here.peer.call("getUserDevices", { path });
    must(after.stream_id > before.stream_id, "a change has to move stream_id");
    mustEqual(after.devices[0]!.device_display_name, "new name", "the name");
    await mustBe404(here.peer.request("getUserDevices", { path: { userId: ofPeer("bob") } }));
  },
);

clause(END_TO_END, "clients are told the keys of another server's users", async () => {
  const alice = await registerUser(theSubject(), "alice");
  const [bob, carol] = [ofPeer("bob"), ofPeer("carol")];
  const phone = deviceKeys(bob, "PHONE");
  const master = crossSigningKey(bob, "master");
  const selfSigning = crossSigningKey(bob, "self_signing", master);
  const undo = here.peer.answer("queryUserEncryptionKeys", () => ({
    body: {
      device_keys: {
        [bob]: {
          PHONE: { ...phone.object, unsigned: { device_display_name: "Bob's" } },
          STOLEN: phone.object,
        },
        [alice.userId]: { FORGED: deviceKeys(alice.userId, "FORGED").object },
      },
      master_keys: { [bob]: master.object, [alice.userId]: master.object },
      self_signing_keys: { [bob]: selfSigning.object },
      user_signing_keys: { [bob]: crossSigningKey(bob, "user_signing", master).object },
    },
  }));
  const found = await alice.call("queryKeys", {
    body: { device_keys: { [bob]: [], [carol]: [], [alice.userId]: [] } },
  });
  undo();
  mustEqual(found.failures ?? {}, {}, "failures");
  mustEqual(Object.keys(found.device_keys?.[bob] ?? {}), ["PHONE"], "bob's devices");
  mustEqual(signedPart(member(found, "device_keys", bob, "PHONE")), phone.object, "keys");
  mustEqual(
    member(found, "device_keys", bob, "PHONE", "unsigned", "device_display_name"),
    "Bob's",
    "the name",
  );
  mustEqual(member(found, "master_keys", bob, "keys"), master.object["keys"], "the master key");
  mustEqual(member(found, "self_signing_keys", bob), selfSigning.object, "the self-signing key");
  mustEqual(Object.keys(found.device_keys?.[carol] ?? {}), [], "carol's devices");
  mustEqual(Object.keys(found.device_keys?.[alice.userId] ?? {}), [], "alice's devices");
  mustEqual(member(found, "master_keys", alice.userId), undefined, "alice's master key");
  mustEqual(found.user_signing_keys ?? {}, {}, "user-signing keys");
  const asked = here.peer.inbound.filter((one) => one.operation === "queryUserEncryptionKeys");
  mustEqual(asked.length, 1, "requests for the users of one server");
});

clause(END_TO_END, "clients get one-time keys of another server's users", async () => {
  const alice = await registerUser(theSubject(), "alice");
  const bob = ofPeer("bob");
  const phone = deviceKeys(bob, "PHONE");
  const [name, key] = oneTimeKey(phone, "A");
  const other = oneTimeKey(phone, "B");
  const undo = here.peer.answer("claimUserEncryptionKeys", () => ({
    body: {
      one_time_keys: {
        [bob]: {
          PHONE: { "curve25519:X": "x", "signed_curve25519:U": { key: "x" }, [name]: key },
          TABLET: Object.fromEntries([other]),
        },
        [alice.userId]: { [alice.deviceId]: Object.fromEntries([other]) },
      },
    },
  }));
  const wanted = { [bob]: { PHONE: "signed_curve25519", GONE: "signed_curve25519" } };
  const found = await alice.call("claimKeys", { body: { one_time_keys: wanted } });
  undo();
  // One of the algorithm that was asked for, signed by its device; nothing that nobody asked for.
  mustEqual(found.one_time_keys, { [bob]: { PHONE: { [name]: key } } }, "keys");
  mustEqual(found.failures ?? {}, {}, "failures");
});

clause(END_TO_END, "who does not answer in time is named, and holds up no others", async () => {
  const slow = await Peer.start(theSubject());
  const dead = await Peer.start(theSubject());
  await dead.stop();
  const answers = Promise.withResolvers<void>();
  try {
    const alice = await registerUser(theSubject(), "alice");
    const bob = ofPeer("bob");
    const phone = deviceKeys(bob, "PHONE");
    const hang = async () => {
      await answers.promise;
      return { body: { device_keys: {}, one_time_keys: {} } };
    };
    slow.answer("queryUserEncryptionKeys", hang);
    slow.answer("claimUserEncryptionKeys", hang);
    const undo = here.peer.answer("queryUserEncryptionKeys", () => ({
      body: { device_keys: { [bob]: { PHONE: phone.object } } },
    }));
    const [name, key] = oneTimeKey(phone, "A");
    const undone = here.peer.answer("claimUserEncryptionKeys", () => ({
      body: { one_time_keys: { [bob]: { PHONE: { [name]: key } } } },
    }));
    const users = [bob, slow.user("slow"), dead.user("dead")];
    const begun = Date.now();
    const [found, claimed] = await Promise.all([
      alice.call("queryKeys", {
        body: { device_keys: Object.fromEntries(users.map((id) => [id, []])), timeout: 2_000 },
      }),
      alice.call("claimKeys", {
        body: {
          one_time_keys: Object.fromEntries(
            users.map((id) => [id, { PHONE: "signed_curve25519" }]),
          ),
          timeout: 2_000,
        },
      }),
    ]);
    undo();
    undone();
    must(Date.now() - begun < 10_000, "the answer came long after the time that was given");
    const failing = [slow.serverName, dead.serverName].toSorted();
    mustEqual(Object.keys(found.failures ?? {}).toSorted(), failing, "failures of the query");
    mustEqual(Object.keys(claimed.failures ?? {}).toSorted(), failing, "failures of the claim");
    mustEqual(Object.keys(found.device_keys?.[bob] ?? {}), ["PHONE"], "bob's devices");
    mustEqual(claimed.one_time_keys, { [bob]: { PHONE: { [name]: key } } }, "bob's keys");
  } finally {
    answers.resolve();
    await slow.stop();
  }
});

mustKeepTheProtocol(here);
