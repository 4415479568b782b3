/** Lists of devices of a peer's users, who share a room with users of the server under test. */
import { clause, serverApi } from "../../harness/clause.ts";
import { crossSigningKey, deviceKeys, signedPart } from "./keys-of-peer.ts";
import { eventually, must, mustEqual } from "../../harness/must.ts";
import { roomWithPeer } from "../../harness/scenes.ts";
import type { SyncBody } from "../../harness/shapes.ts";
import { syncOnce, syncToken, syncUntil } from "../../harness/sync.ts";
import { mustKeepTheProtocol, withPeer } from "../../harness/with-peer.ts";
import { keysOf, listOf, listUpdate, newDevice, untilDevices } from "./lists-of-peer.ts";

const here = withPeer();
const DEVICES = serverApi("device-management");

clause(DEVICES, "a list is asked for once, and then follows the updates", async () => {
  const { alice, mallory } = await roomWithPeer(here.peer);
  const list = listOf(here.peer, mallory);
  const phone = newDevice(mallory, "PHONE");
  Object.assign(list, { devices: { PHONE: phone }, streamId: 5 });
  for (let n = 0; n < 3; n += 1) {
    const { devices, failures } = await keysOf(alice, mallory);
    mustEqual([Object.keys(devices), failures], [["PHONE"], []], "devices");
    mustEqual(signedPart(devices["PHONE"]), phone, "keys");
  }
  mustEqual(list.asked, 1, "times that the list was asked for");
  const tablet = newDevice(mallory, "TABLET");
  const named = { keys: tablet, device_display_name: "Slate" };
  await here.peer.send([], [listUpdate(mallory, "TABLET", { stream_id: 6, prev_id: [5] }, named)]);
  await untilDevices(alice, mallory, ["PHONE", "TABLET"]);
  const { devices } = await keysOf(alice, mallory);
  mustEqual(devices["TABLET"]!["unsigned"], { device_display_name: "Slate" }, "the name");
  // An update takes the place of what was told of the device.
  const unnamed = listUpdate(mallory, "TABLET", { stream_id: 7, prev_id: [6] }, { keys: tablet });
  await here.peer.send([], [unnamed]);
  await eventually("the name to be gone", async () => {
    const { devices: now } = await keysOf(alice, mallory);
    return now["TABLET"]!["unsigned"] === undefined || undefined;
  });
  const gone = listUpdate(mallory, "PHONE", { stream_id: 8, prev_id: [7] }, { deleted: true });
  // Once more, as a server sends it that did not hear the answer.
  await here.peer.send([], [gone, gone]);
  await untilDevices(alice, mallory, ["TABLET"]);
  mustEqual(list.asked, 1, "times that the list was asked for");
});

clause(DEVICES, "clients are told of each update, once", async () => {
  const { alice, mallory } = await roomWithPeer(here.peer);
  const list = listOf(here.peer, mallory);
  list.devices = { PHONE: newDevice(mallory, "PHONE") };
  await untilDevices(alice, mallory, ["PHONE"]);
  let since = await syncToken(alice);
  const isTold = (body: SyncBody) => body.device_lists?.changed?.includes(mallory) === true;
  const master = crossSigningKey(mallory, "master").object;
  const news = [
    listUpdate(mallory, "PHONE", { stream_id: 2, prev_id: [1] }, { keys: list.devices["PHONE"]! }),
    listUpdate(
      mallory,
      "TABLET",
      { stream_id: 3, prev_id: [2] },
      { keys: newDevice(mallory, "TABLET") },
    ),
    { edu_type: "m.signing_key_update", content: { user_id: mallory, master_key: master } },
    listUpdate(mallory, "PHONE", { stream_id: 4, prev_id: [3] }, { deleted: true }),
  ];
  // The first changes nothing, whatever a server makes of it.
  await here.peer.send([], news.slice(0, 1));
  since = (await syncUntil(alice, "any news", () => true, { since })).next_batch;
  for (const edu of news.slice(1)) {
    await here.peer.send([], [edu]);
    since = (await syncUntil(alice, "mallory's new keys", isTold, { since })).next_batch;
    mustEqual(isTold(await syncOnce(alice, { since })), false, "told once more");
  }
});

clause(DEVICES, "an update that follows on an unknown one has the list read anew", async () => {
  const { alice, mallory } = await roomWithPeer(here.peer);
  const list = listOf(here.peer, mallory);
  list.streamId = 5;
  list.devices = { PHONE: newDevice(mallory, "PHONE") };
  await untilDevices(alice, mallory, ["PHONE"]);
  // What it does not name has changed, too.
  list.streamId = 9;
  list.devices = { TABLET: newDevice(mallory, "TABLET"), LAPTOP: newDevice(mallory, "LAPTOP") };
  const keys = list.devices["TABLET"]!;
  await here.peer.send(
    [],
    [listUpdate(mallory, "TABLET", { stream_id: 9, prev_id: [8] }, { keys })],
  );
  await untilDevices(alice, mallory, ["TABLET", "LAPTOP"]);
  // The version that came with the list is what the next update follows on.
  const { asked } = list;
  await here.peer.send(
    [],
    [listUpdate(mallory, "LAPTOP", { stream_id: 10, prev_id: [9] }, { deleted: true })],
  );
  await untilDevices(alice, mallory, ["TABLET"]);
  mustEqual(list.asked, asked, "times that the list was asked for");
});

clause(
  DEVICES,
  "while a list cannot be read, clients get what was known, and the server's name",
  async () => {
    const { peer } = here;
    const { alice, mallory } = await roomWithPeer(peer);
    const list = listOf(peer, mallory);
    list.devices = { PHONE: newDevice(mallory, "PHONE") };
    await untilDevices(alice, mallory, ["PHONE"]);
    list.instead = () => ({ status: 403, body: { errcode: "M_FORBIDDEN", error: "not now" } });
    await peer.send([], [listUpdate(mallory, "TABLET", { stream_id: 9, prev_id: [8] })]);
    const before = await eventually("the list to be outdated", async () => {
      const answer = await keysOf(alice, mallory);
      return answer.failures.length > 0 ? answer : undefined;
    });
    mustEqual(
      [before.failures, Object.keys(before.devices)],
      [[peer.serverName], ["PHONE"]],
      "answer",
    );
    list.instead = undefined;
    list.devices = { TABLET: newDevice(mallory, "TABLET") };
    await untilDevices(alice, mallory, ["TABLET"]);
    mustEqual((await keysOf(alice, mallory)).failures, [], "failures");
  },
);

clause(
  serverApi("end-to-end-encryption"),
  "m.signing_key_update changes cross-signing keys",
  async () => {
    const { alice, mallory } = await roomWithPeer(here.peer);
    const list = listOf(here.peer, mallory);
    const keysNamed = () => {
      const master = crossSigningKey(mallory, "master");
      const self = crossSigningKey(mallory, "self_signing", master);
      return { master, self, both: { master_key: master.object, self_signing_key: self.object } };
    };
    const first = keysNamed();
    Object.assign(list.more, first.both);
    const phone = deviceKeys(mallory, "PHONE");
    list.devices = { PHONE: first.self.sign(phone.object, mallory) };
    const { devices, masterKey } = await keysOf(alice, mallory);
    mustEqual(signedPart(devices["PHONE"]), list.devices["PHONE"], "keys with both signatures");
    mustEqual(masterKey?.["keys"], first.master.object["keys"], "the master key");
    const next = keysNamed();
    Object.assign(list.more, next.both);
    const content = { user_id: mallory, ...next.both };
    await here.peer.send([], [{ edu_type: "m.signing_key_update", content }]);
    await eventually("the new master key", async () => {
      const now = (await keysOf(alice, mallory)).masterKey?.["keys"];
      return JSON.stringify(now) === JSON.stringify(next.master.object["keys"]) || undefined;
    });
  },
);

clause(DEVICES, "lists of users with whom no room is shared are not kept", async () => {
  const { alice, roomId, mallory } = await roomWithPeer(here.peer);
  const list = listOf(here.peer, mallory);
  list.devices = { PHONE: newDevice(mallory, "PHONE") };
  await untilDevices(alice, mallory, ["PHONE"]);
  await alice.leave(roomId);
  // Nobody tells of this any more.
  list.devices = { TABLET: newDevice(mallory, "TABLET") };
  await untilDevices(alice, mallory, ["TABLET"]);
  const { asked } = list;
  list.devices = {};
  await untilDevices(alice, mallory, []);
  must(list.asked > asked, "a list that nobody keeps up to date has to be asked for each time");
});

mustKeepTheProtocol(here);
