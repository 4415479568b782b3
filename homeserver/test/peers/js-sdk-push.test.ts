/** A pusher of matrix-js-sdk, as Element sets it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Gateway, startGateway } from "../push/fake-gateway.ts";
import { until } from "../support/wait.ts";
import { type Person, roomOf, startPerson } from "./support/js-sdk.ts";
import { createNetwork, type Network } from "./support/network.ts";
import { startWeft, type WeftProcess } from "./support/process.ts";
import { MsgType } from "matrix-js-sdk";

let network: Network;
let here: WeftProcess;
let gateway: Gateway;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  network = await createNetwork();
  here = await startWeft(network, { name: "here" });
  gateway = await startGateway();
  alice = await startPerson(here, "alice");
  bob = await startPerson(here, "bob");
}, 240_000);

afterAll(async () => {
  alice?.client.stopClient();
  bob?.client.stopClient();
  await here?.stop();
  await network?.close();
  await gateway?.stop();
}, 180_000);

test("a pusher is set, told of a message, cleared, and removed", { timeout: 240_000 }, async () => {
  const pusher = {
    ...{ kind: "http", app_id: "im.vector.app", pushkey: "key", lang: "en", append: false },
    ...{ app_display_name: "Element", device_display_name: "Browser" },
    data: { url: gateway.url, brand: "Element" },
  };
  await bob.client.setPusher(pusher);
  const { pushers } = await bob.client.getPushers();
  const { append: _append, ...listed } = pusher;
  expect(pushers).toEqual([expect.objectContaining(listed)]);
  const { room_id: roomId } = await alice.client.createRoom({ invite: [bob.userId] });
  await roomOf(bob, roomId, "invite");
  await bob.client.joinRoom(roomId);
  const room = await roomOf(bob, roomId, "join");
  const { event_id: eventId } = await alice.client.sendMessage(roomId, {
    ...{ msgtype: MsgType.Text, body: "hello" },
  });
  await until(() => gateway.bodies().includes("hello"));
  await until(() => room.findEventById(eventId) !== undefined);
  await bob.client.sendReadReceipt(room.findEventById(eventId)!);
  await until(() => gateway.badge() === 0);
  await bob.client.removePusher("key", "im.vector.app");
  expect((await bob.client.getPushers()).pushers).toEqual([]);
  expect(gateway.faults).toEqual([]);
});
