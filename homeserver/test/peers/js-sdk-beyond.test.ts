/** What matrix-js-sdk, as Element uses it, takes from proposals: a status by sync, and redactions that take more along. */
import { ClientEvent, EventType, MsgType, Preset, RelationType, SyncState } from "matrix-js-sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/wait.ts";
import { type Person, roomOf, startPerson } from "./support/js-sdk.ts";
import { createNetwork, type Network } from "./support/network.ts";
import { startWeft, type WeftProcess } from "./support/process.ts";

let network: Network;
let here: WeftProcess;
let [alice, bob]: Person[] = [];
let roomId: string;

beforeAll(async () => {
  network = await createNetwork();
  here = await startWeft(network, { name: "here" });
  [alice, bob] = [await startPerson(here, "alice"), await startPerson(here, "bob")];
  roomId = (await alice.client.createRoom({ preset: Preset.PublicChat })).room_id;
  await bob.client.joinRoom(roomId);
  await roomOf(bob, roomId, "join");
}, 240_000);

afterAll(async () => {
  for (const person of [alice, bob]) person?.client.stopClient();
  await here?.stop();
  await network?.close();
}, 180_000);

test("a status is told by sync, and that it was taken away", { timeout: 120_000 }, async () => {
  const { client } = alice!;
  const told: unknown[] = [];
  client.stopClient();
  client.on(ClientEvent.UserProfileUpdate, (userId, updates) => {
    if (userId === bob!.userId) told.push(updates);
  });
  await client.startClient({
    ...{ lazyLoadMembers: true, initialSyncLimit: 10 },
    unstableMSC4429SyncUserProfileFields: ["m.status"],
  });
  await eventually("it syncs", () => client.getSyncState() === SyncState.Syncing);
  await bob!.client.setExtendedProfileProperty("m.status", { text: "at lunch", emoji: "🍜" });
  await eventually("the status is told", () => told.length === 1);
  expect(told).toEqual([{ "m.status": { text: "at lunch", emoji: "🍜" } }]);
  expect(await client.store.getUserProfile(bob!.userId)).toMatchObject({
    "m.status": { text: "at lunch", emoji: "🍜" },
  });
  await bob!.client.deleteExtendedProfileProperty("m.status");
  await eventually("it is taken away", () => told.length === 2);
  expect(told[1]).toEqual({ "m.status": null });
});

test("a redaction takes along what it is told to", { timeout: 120_000 }, async () => {
  const { client } = alice!;
  const { event_id: root } = await client.sendMessage(roomId, {
    msgtype: MsgType.Text,
    body: "hello",
  });
  const { event_id: edit } = await client.sendMessage(roomId, {
    ...{ msgtype: MsgType.Text, body: "* hullo" },
    "m.new_content": { msgtype: MsgType.Text, body: "hullo" },
    "m.relates_to": { rel_type: RelationType.Replace, event_id: root },
  });
  const { event_id: reaction } = await bob!.client.sendEvent(roomId, EventType.Reaction, {
    "m.relates_to": { rel_type: RelationType.Annotation, event_id: root, key: "👍" },
  });
  await client.redactEvent(roomId, root, undefined, { with_rel_types: [RelationType.Replace] });
  const isGone = async (eventId: string) => {
    const event = await client.fetchRoomEvent(roomId, eventId);
    return (event.unsigned as { redacted_because?: unknown })?.redacted_because !== undefined;
  };
  await eventually("the edit is gone", () => isGone(edit));
  expect([await isGone(root), await isGone(reaction)]).toEqual([true, false]);
});
