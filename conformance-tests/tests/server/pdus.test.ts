import { clause, serverApi } from "../../harness/clause.ts";
import type { Pdu } from "../../harness/events.ts";
import { asText } from "../../harness/json.ts";
import { must, mustBe404, mustEqual, mustFail } from "../../harness/must.ts";
import { roomWithPeer, say, toldUpToMarker } from "../../harness/scenes.ts";
import { unique } from "../../harness/client.ts";
import { createSigningKey } from "../../harness/signing.ts";
import { syncToken } from "../../harness/sync.ts";
import { mustKeepTheProtocol } from "../../harness/with-peer.ts";
import { here, marker, message } from "./good-and-bad.ts";

clause(
  serverApi("checks-performed-on-receipt-of-a-pdu"),
  "of a transaction the bad PDUs are refused alone",
  async () => {
    const scene = await roomWithPeer(here.peer);
    const { alice, mallory, roomId, room } = scene;
    const since = await syncToken(alice);
    const before = [...room.newest];
    const forger = { ...createSigningKey(), keyId: here.peer.key.keyId };
    const good = room.build(message(mallory, "good"));
    const unsigned: Pdu = { ...room.build(message(mallory, "no signature")), signatures: {} };
    const forged = room.build(message(mallory, "forged"));
    const wrongKey: Pdu = {
      ...forged,
      signatures: { [here.peer.serverName]: { [forger.keyId]: "A".repeat(86) } },
    };
    const stranger = room.build(message(here.peer.user("stranger"), "not a member"));
    const results = await here.peer.send([unsigned, wrongKey, good, stranger, { nonsense: true }]);
    mustEqual(
      Object.hasOwn(results[room.idOf(good)] as object, "error"),
      false,
      "an error of the good one",
    );
    room.add(good);
    const seen = await toldUpToMarker(scene, since, marker(scene));
    must(seen.includes(room.idOf(good)), "the good PDU did not arrive");
    for (const bad of [unsigned, wrongKey, stranger]) {
      must(!seen.includes(room.idOf(bad)), `${asText(bad.content["body"])}: was let through`);
      await mustFail(
        alice.request("getOneRoomEvent", { path: { roomId, eventId: room.idOf(bad) } }),
        [403, 404],
      );
    }
    must(before.length > 0, "no events before");
  },
);

clause(
  serverApi("checks-performed-on-receipt-of-a-pdu"),
  "state that its sender has no power for is rejected, and what rests on it",
  async () => {
    const { peer } = here;
    const scene = await roomWithPeer(peer);
    const { alice, mallory, roomId, room } = scene;
    const since = await syncToken(alice);
    const before = [...room.newest];
    const topic = room.build({
      type: "m.room.topic",
      sender: mallory,
      stateKey: "",
      content: { topic: "mine now" },
    });
    const levels = room.build({
      type: "m.room.power_levels",
      sender: mallory,
      stateKey: "",
      content: { users: { [mallory]: 100 } },
    });
    const create = room.stateEvents().find((event) => event.type === "m.room.create");
    const member = room.stateEvent("m.room.member", mallory);
    const resting = room.build({
      type: "m.room.topic",
      sender: mallory,
      stateKey: "",
      content: { topic: "by my own levels" },
      authEvents: [room.idOf(create as Pdu), room.idOf(levels), room.idOf(member as Pdu)],
    });
    await peer.send([topic, levels, resting]);
    const seen = await toldUpToMarker(scene, since, marker(scene, before));
    for (const bad of [topic, levels, resting])
      must(!seen.includes(room.idOf(bad)), `${bad.type} was let through`);
    await mustBe404(
      alice.request("getRoomStateWithKey", {
        path: { roomId, eventType: "m.room.topic", stateKey: "" },
      }),
    );
  },
);

clause(
  serverApi("checks-performed-on-receipt-of-a-pdu"),
  "an event in the name of another server's user is refused",
  async () => {
    const { peer } = here;
    const scene = await roomWithPeer(peer);
    const { alice, room } = scene;
    const since = await syncToken(alice);
    const forged = room.build(message(alice.userId, "I never said that"));
    const member = room.build({
      type: "m.room.member",
      sender: alice.userId,
      stateKey: alice.userId,
      content: { membership: "leave" },
    });
    await peer.send([forged, member]);
    const seen = await toldUpToMarker(scene, since, marker(scene));
    must(
      !seen.includes(room.idOf(forged)) && !seen.includes(room.idOf(member)),
      "it was let through",
    );
  },
);

clause(
  serverApi("pdus"),
  "events for rooms that it does not know are refused, and do no harm",
  async () => {
    const { peer } = here;
    const scene = await roomWithPeer(peer);
    const since = await syncToken(scene.alice);
    const strange = peer.createRoom({ version: "10", creator: peer.user("elsewhere") });
    const pdu = strange.build(message(peer.user("elsewhere"), "in a room that you are not in"));
    await peer.send([pdu]);
    await toldUpToMarker(scene, since, marker(scene));
  },
);

clause(serverApi("pdus"), "an event that refers to another room's events is refused", async () => {
  const { peer } = here;
  const [one, two] = [await roomWithPeer(peer), await roomWithPeer(peer)];
  const since = await syncToken(two.alice);
  const foreign = one.room.stateEvents().map((event) => one.room.idOf(event));
  const levels = one.room.stateEvent("m.room.power_levels");
  const pdu = two.room.build({
    ...message(two.mallory, "with foreign papers"),
    authEvents: [
      ...two.room.authEventsFor(
        { type: "m.room.message", sender: two.mallory, content: {} },
        two.room.state,
      ),
      one.room.idOf(levels as Pdu),
    ],
  });
  must(foreign.length > 0, "no foreign events");
  await peer.send([pdu]);
  const seen = await toldUpToMarker(two, since, marker(two));
  must(!seen.includes(two.room.idOf(pdu)), "it was let through");
});

clause(
  serverApi("transactions"),
  "the same PDU twice, in one transaction and in two, is one event",
  async () => {
    const { peer } = here;
    const scene = await roomWithPeer(peer);
    const since = await syncToken(scene.alice);
    const pdu = say(scene.room, scene.mallory, "once");
    await peer.send([pdu, pdu]);
    await peer.sendGood(pdu);
    const seen = await toldUpToMarker(scene, since, marker(scene));
    mustEqual(seen.filter((id) => id === scene.room.idOf(pdu)).length, 1, "times that it is told");
  },
);

clause(
  "rooms/v6#canonical-json",
  "an event with numbers that canonical JSON forbids is refused",
  async () => {
    const { peer } = here;
    const scene = await roomWithPeer(peer);
    const { alice, mallory, room } = scene;
    const since = await syncToken(alice);
    const before = [...room.newest];
    for (const n of [1.5, 2 ** 53]) {
      const pdu = room.build({ type: "org.example.number", sender: mallory, content: { n } });
      // Refusing the whole transaction is as good as refusing the event.
      await peer.request("sendTransaction", {
        path: { txnId: unique("txn") },
        body: { origin: peer.serverName, origin_server_ts: Date.now(), pdus: [pdu] },
      });
      const seen = await toldUpToMarker(scene, since, marker(scene, before));
      must(!seen.includes(room.idOf(pdu)), `${n} was let through`);
    }
  },
);

mustKeepTheProtocol(here);
