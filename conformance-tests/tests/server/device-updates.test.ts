/** What a peer is told of the devices of the server's own users. */
import { isDeepStrictEqual } from "node:util";
import { signersOf, uploadDevice, uploadIdentity } from "../../harness/device-keys.ts";
import { clause, serverApi, theSubject } from "../../harness/clause.ts";
import type { JsonObject } from "../../harness/json.ts";
import { eventually, must, mustEqual } from "../../harness/must.ts";
import type { Peer } from "../../harness/peer.ts";
import { roomOfPeer, roomWithPeer } from "../../harness/scenes.ts";
import { signJson } from "../../harness/signing.ts";
import { sendToDevices } from "../../harness/to-device.ts";
import { logIn, registerUser, type User } from "../../harness/users.ts";
import { mustKeepTheProtocol, withPeer } from "../../harness/with-peer.ts";

const here = withPeer();
const DEVICES = serverApi("device-management");
const UPDATE = "m.device_list_update";

/** The updates of a user's devices that a peer was told, in their order, each once. */
function updatesOf({ edus }: Peer, { userId }: Pick<User, "userId">): JsonObject[] {
  const contents = edus
    .filter((edu) => edu["edu_type"] === UPDATE)
    .map((edu) => edu["content"] as JsonObject)
    .filter((content) => content["user_id"] === userId);
  return [...new Map(contents.map((content) => [content["stream_id"], content])).values()];
}

/** Waits for an update of a device that fits. */
function awaitUpdate({ userId, deviceId }: User, fits: (content: JsonObject) => boolean) {
  return here.peer.awaitEdu(
    UPDATE,
    (content) =>
      content["user_id"] === userId && content["device_id"] === deviceId && fits(content),
  );
}

const anything = () => true;
const withKeys = (content: JsonObject) => content["keys"] !== undefined;
const isDeleted = (content: JsonObject) => content["deleted"] === true;

/** Each update but the first names the one before it. */
function mustBeLinked(updates: readonly JsonObject[]): void {
  for (const [i, update] of updates.entries()) {
    if (i > 0) mustEqual(update["prev_id"], [updates[i - 1]!["stream_id"]], `prev_id of ${i}`);
  }
}

clause(DEVICES, "a server is told of a user who joins a room that it is in", async () => {
  const { alice } = await roomOfPeer(here.peer);
  await awaitUpdate(alice, anything);
});

clause(
  DEVICES,
  "a device that comes, gets keys and a name, and goes is told, each time linked to the time before",
  async () => {
    const { peer } = here;
    const { alice } = await roomWithPeer(peer);
    const tablet = await logIn(alice);
    must(!withKeys(await awaitUpdate(tablet, anything)), "the device has no keys yet");
    const device = await uploadDevice(tablet);
    const told = await awaitUpdate(tablet, withKeys);
    mustEqual(told["keys"], device.deviceKeys(), "the keys");
    await tablet.call("updateDevice", {
      path: { deviceId: tablet.deviceId },
      body: { display_name: "A tablet" },
    });
    const named = await awaitUpdate(
      tablet,
      (content) => content["device_display_name"] === "A tablet",
    );
    mustEqual(named["keys"], device.deviceKeys(), "the keys, with the name");
    const { stream_id: version } = await peer.call("getUserDevices", {
      path: { userId: alice.userId },
    });
    mustEqual(named["stream_id"], version, "the list's version");
    await tablet.call("logout");
    const gone = await awaitUpdate(tablet, isDeleted);
    must(!withKeys(gone), "a device that is gone has no keys");
    mustBeLinked(updatesOf(peer, alice));
    mustEqual(gone["prev_id"], [version], "the version that the last update follows on");
  },
);

clause(
  serverApi("end-to-end-encryption"),
  "cross-signing keys and signatures are told, the user-signing key is not",
  async () => {
    const { peer } = here;
    const { alice } = await roomWithPeer(peer);
    const device = await uploadDevice(alice);
    await awaitUpdate(alice, withKeys);
    const { keys, selfSigning } = await uploadIdentity(alice);
    const told = await peer.awaitEdu(
      "m.signing_key_update",
      (content) => content["user_id"] === alice.userId,
    );
    const { user_signing_key: _, ...shown } = keys;
    mustEqual(told, { user_id: alice.userId, ...shown }, "the keys");
    const signed = signJson(device.deviceKeys(), alice.userId, selfSigning);
    await alice.call("uploadCrossSigningSignatures", {
      body: { [alice.userId]: { [alice.deviceId]: signed } },
    });
    const names = [device.key.keyId, selfSigning.keyId].toSorted();
    await awaitUpdate(alice, (content) => {
      const signers = signersOf(content["keys"] as JsonObject | undefined, alice.userId);
      return isDeepStrictEqual(signers.toSorted(), names);
    });
    // Cross-signing keys have no stream_id: what comes after them follows on what came before.
    mustBeLinked(updatesOf(peer, alice));
  },
);

clause(DEVICES, "a server that shares no room with a user is told nothing", async () => {
  const { peer } = here;
  const [alice, other] = [await registerUser(theSubject(), "alice"), await roomWithPeer(peer)];
  const tablet = await logIn(alice);
  await uploadDevice(tablet);
  await tablet.call("logout");
  // What comes after it has come: whatever was sent before it has, too.
  await uploadDevice(other.alice);
  await awaitUpdate(other.alice, withKeys);
  mustEqual(updatesOf(peer, alice), [], "updates");
});

clause(
  DEVICES,
  "a server that was away gets each message, and of each device what is so, linked to what it had",
  async () => {
    const { peer } = here;
    const { alice, mallory } = await roomWithPeer(peer);
    await uploadDevice(alice);
    const had = await awaitUpdate(alice, withKeys);
    const back = peer.answer("sendTransaction", () => ({
      status: 503,
      body: { errcode: "M_UNKNOWN", error: "Not at this moment" },
    }));
    const sent = Array.from({ length: 120 }, (_, n) => ({ [mallory]: { DEVICE: { n } } }));
    const tablet = await logIn(alice);
    for (const messages of sent.slice(0, 60)) await sendToDevices(alice, messages);
    for (const name of ["one", "two", "three"]) {
      const path = { deviceId: tablet.deviceId };
      await alice.call("updateDevice", { path, body: { display_name: name } });
    }
    for (const messages of sent.slice(60)) await sendToDevices(alice, messages);
    back();
    await peer.call("getUserDevices", { path: { userId: alice.userId } }); // it is awake
    const last = await awaitUpdate(tablet, (content) => content["device_display_name"] === "three");
    const messages = () => [
      ...new Map(
        peer.edus
          .filter((edu) => edu["edu_type"] === "m.direct_to_device")
          .map((edu) => edu["content"] as JsonObject)
          .filter((content) => content["sender"] === alice.userId)
          .map((content) => [content["message_id"], content["messages"]]),
      ).values(),
    ];
    await eventually("all messages", async () => messages().length >= sent.length || undefined);
    mustEqual(messages(), sent, "messages");
    const updates = updatesOf(peer, alice);
    mustBeLinked(updates);
    must(updates.includes(had) && updates.includes(last), "updates of both devices");
  },
);

mustKeepTheProtocol(here);
