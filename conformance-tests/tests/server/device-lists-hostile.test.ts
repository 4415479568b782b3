/** A peer that lies about devices, or tells too much of them. */
import { clause, serverApi, theSubject } from "../../harness/clause.ts";
import { crossSigningKey, deviceKeys } from "./keys-of-peer.ts";
import type { JsonObject } from "../../harness/json.ts";
import { must, mustEqual } from "../../harness/must.ts";
import { Peer } from "../../harness/peer.ts";
import { roomWithPeer } from "../../harness/scenes.ts";
import { withPeer } from "../../harness/with-peer.ts";
import { bystander, keysOf, listOf, listUpdate, newDevice, untilDevices } from "./lists-of-peer.ts";

const here = withPeer();
const DEVICES = serverApi("device-management");

clause(DEVICES, "devices whose keys are not their own are left out of a list", async () => {
  const { alice, mallory } = await roomWithPeer(here.peer);
  const list = listOf(here.peer, mallory);
  const good = newDevice(mallory, "GOOD");
  const { signatures: _signatures, ...bare } = newDevice(mallory, "BARE");
  list.devices = {
    GOOD: good,
    // Another device's, another user's, changed, unsigned, signed by another, too long, no keys at all.
    COPY: good,
    ALIEN: newDevice(alice.userId, "ALIEN"),
    FORGED: { ...newDevice(mallory, "FORGED"), algorithms: ["m.other"] },
    BARE: bare,
    CROSSED: { ...bare, device_id: "CROSSED", signatures: good["signatures"] },
    LONG: deviceKeys(mallory, "LONG").sign(
      { ...newDevice(mallory, "LONG"), padding: "x".repeat(200_000) },
      mallory,
    ),
    EMPTY: {},
    NESTED: { user_id: mallory, device_id: "NESTED", keys: { keys: {} } },
  };
  await untilDevices(alice, mallory, ["GOOD"]);
});

clause(DEVICES, "signatures that nobody made are not passed on", async () => {
  const { alice, mallory } = await roomWithPeer(here.peer);
  const list = listOf(here.peer, mallory);
  const master = crossSigningKey(mallory, "master");
  const forger = crossSigningKey(mallory, "master");
  const self = crossSigningKey(mallory, "self_signing", forger);
  const phone = deviceKeys(mallory, "PHONE");
  const name = Object.keys(self.object["keys"] as JsonObject)[0]!;
  const signed = phone.object["signatures"] as Record<string, JsonObject>;
  const stolen = { ...signed[mallory], [name]: signed[mallory]!["ed25519:PHONE"] };
  list.devices = { PHONE: { ...phone.object, signatures: { [mallory]: stolen } } };
  Object.assign(list.more, { master_key: master.object, self_signing_key: self.object });
  const answer = await alice.call("queryKeys", { body: { device_keys: { [mallory]: [] } } });
  const device = answer.device_keys?.[mallory]?.["PHONE"] as JsonObject | undefined;
  mustEqual(device?.["signatures"], signed, "the device's signatures");
  mustEqual(
    answer.self_signing_keys?.[mallory],
    undefined,
    "a key that the master key has not signed",
  );
});

clause(DEVICES, "nobody tells of the devices of another server's users", async () => {
  const { alice, mallory } = await roomWithPeer(here.peer);
  const other = await Peer.start(theSubject());
  try {
    const list = listOf(here.peer, mallory);
    list.devices = { PHONE: newDevice(mallory, "PHONE") };
    await untilDevices(alice, mallory, ["PHONE"]);
    await roomWithPeer(other);
    const keys = newDevice(mallory, "SPY");
    await other.send([], [listUpdate(mallory, "SPY", { stream_id: 2, prev_id: [1] }, { keys })]);
    const master_key = crossSigningKey(mallory, "master").object;
    const content = { user_id: mallory, master_key };
    await other.send([], [{ edu_type: "m.signing_key_update", content }]);
    const own = newDevice(alice.userId, "SPY");
    await other.send(
      [],
      [listUpdate(alice.userId, "SPY", { stream_id: 2, prev_id: [] }, { keys: own })],
    );
    const { devices, masterKey } = await keysOf(alice, mallory);
    mustEqual([Object.keys(devices), masterKey], [["PHONE"], undefined], "mallory's keys");
    mustEqual(Object.keys((await keysOf(alice, alice.userId)).devices), [], "alice's devices");
  } finally {
    await other.stop();
  }
});

clause(
  DEVICES,
  "a list of a million devices is refused, and others are served meanwhile",
  async () => {
    const { alice, mallory } = await roomWithPeer(here.peer);
    const carol = await bystander();
    const list = listOf(here.peer, mallory);
    const devices = Array.from({ length: 1_000_000 }, (_, n) => `{"device_id":"D${n}","keys":{}}`);
    const text = `{"user_id":"${mallory}","stream_id":1,"devices":[${devices.join(",")}]}`;
    const byDevice = devices.map((_, n) => `"D${n}":{}`).join(",");
    const all = `{"device_keys":{"${mallory}":{${byDevice}}}}`;
    for (const bytes of [text, all].map((each) => Buffer.from(each))) {
      list.instead = () => ({ body: {}, raw: { type: "application/json", bytes } });
      let isOver = false;
      const asking = keysOf(alice, mallory, 15_000).finally(() => (isOver = true));
      const waits: number[] = [];
      while (!isOver) {
        const begun = performance.now();
        await carol.call("getTokenOwner", {});
        waits.push(performance.now() - begun);
      }
      const { devices: found, failures } = await asking;
      mustEqual(Object.keys(found), [], "devices");
      mustEqual(failures, [here.peer.serverName], "failures");
      must(Math.max(...waits) < 3_000, `others waited for ${Math.max(...waits)} ms`);
    }
  },
  120_000,
);

clause(DEVICES, "gaps without end cost few requests, and no user their answers", async () => {
  const { peer } = here;
  const { alice, mallory } = await roomWithPeer(peer);
  const list = listOf(peer, mallory);
  await untilDevices(alice, mallory, []);
  const { asked } = list;
  for (let n = 1; n <= 20; n += 1) {
    const edus = Array.from({ length: 50 }, (_, index) => {
      const id = n * 1_000 + index * 10;
      return listUpdate(mallory, `D${index}`, { stream_id: id, prev_id: [id - 5] });
    });
    await peer.send([], edus);
  }
  const more = list.asked - asked;
  must(more <= 10, `1,000 gaps made the server ask ${more} times`);
  list.devices = { PHONE: newDevice(mallory, "PHONE") };
  await untilDevices(alice, mallory, ["PHONE"]);
});

clause(DEVICES, "malformed updates are dropped alone", async () => {
  const { peer } = here;
  const { alice, mallory } = await roomWithPeer(peer);
  const list = listOf(peer, mallory);
  list.devices = { PHONE: newDevice(mallory, "PHONE") };
  await untilDevices(alice, mallory, ["PHONE"]);
  const wrong: JsonObject[] = [
    {},
    { user_id: mallory },
    { user_id: mallory, device_id: 7, stream_id: 1 },
    { user_id: [mallory], device_id: "X", stream_id: 1 },
    { user_id: mallory, device_id: "x".repeat(1_000), stream_id: 1 },
    { user_id: mallory, device_id: "nul\0", stream_id: 1 },
  ];
  const edu_type = "m.device_list_update";
  await peer.send([], [
    ...wrong.map((content) => ({ edu_type, content })),
    { edu_type, content: "text" },
    { edu_type: "m.signing_key_update", content: { user_id: 1 } },
  ] as JsonObject[]);
  const { asked } = list;
  const keys = newDevice(mallory, "TABLET");
  await peer.send([], [listUpdate(mallory, "TABLET", { stream_id: 2, prev_id: [1] }, { keys })]);
  await untilDevices(alice, mallory, ["PHONE", "TABLET"]);
  mustEqual(list.asked, asked, "times that the list was asked for");
});
