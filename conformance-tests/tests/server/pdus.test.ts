import { clause, serverApi } from "../../harness/clause.ts";
import type { Pdu } from "../../harness/events.ts";
import { asText } from "../../harness/json.ts";
import type { JsonObject } from "../../harness/json.ts";
import { eventually, must, mustBe404, mustEqual, mustFail } from "../../harness/must.ts";
import {
  joinFromPeer,
  roomOfPeer,
  roomWithPeer,
  say,
  textOf,
  toldUpToMarker,
  untilPeerHas,
} from "../../harness/scenes.ts";
import type { Shared } from "../../harness/scenes.ts";
import type { ClientEvent } from "../../harness/shapes.ts";
import { unique } from "../../harness/client.ts";
import { createSigningKey } from "../../harness/signing.ts";
import { syncToken } from "../../harness/sync.ts";
import { withPeer, mustKeepTheProtocol } from "../../harness/with-peer.ts";

const here = withPeer();

/** Sends a good message of mallory's after others, which must be let through whatever came before it. */
const marker = (scene: Shared, after?: readonly string[]) => async () => {
  const pdu = say(scene.room, scene.mallory, "marker", after);
  await here.peer.sendGood(pdu);
  return scene.room.idOf(pdu);
};

const message = (sender: string, body: string) => ({
  type: "m.room.message",
  sender,
  content: textOf(body),
});

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

for (const version of ["6", "11"]) {
  clause(
    serverApi("validating-hashes-and-signatures-on-received-events"),
    `an event whose content was changed on the way arrives redacted (room version ${version})`,
    async () => {
      const { peer } = here;
      const scene = await roomWithPeer(peer, { room_version: version });
      const { alice, mallory, roomId, room } = scene;
      const since = await syncToken(alice);
      const pdu = room.append(message(mallory, "as it was written"));
      const changed = { ...pdu, content: textOf("as it was changed") };
      await peer.send([changed]);
      const seen = await toldUpToMarker(scene, since, marker(scene));
      const eventId = room.idOf(pdu);
      must(seen.includes(eventId), "the event did not arrive at all");
      const event = (await alice.call("getOneRoomEvent", {
        path: { roomId, eventId },
      })) as unknown as ClientEvent;
      mustEqual(event.content, {}, "content");
    },
  );
}

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

clause(
  "rooms/v10#values-in-mroompower_levels-events-must-be-integers",
  "power levels as text are rejected in version 10",
  async () => {
    const { peer } = here;
    const scene = await roomOfPeer(peer);
    const { alice, mallory, roomId, room } = scene;
    const since = await syncToken(alice);
    const before = [...room.newest];
    const content = { users: { [mallory]: "100" } } as unknown as JsonObject;
    const pdu = room.build({ type: "m.room.power_levels", sender: mallory, stateKey: "", content });
    await peer.send([pdu]);
    const seen = await toldUpToMarker(scene, since, marker(scene, before));
    must(!seen.includes(room.idOf(pdu)), "it was let through");
    mustEqual(
      (await alice.getState(roomId, "m.room.power_levels"))["users"],
      { [mallory]: 100 },
      "levels",
    );
  },
);

clause(
  serverApi("soft-failure"),
  "what a banned user sends from before the ban is kept from clients, and what follows it is not",
  async () => {
    const { peer } = here;
    const scene = await roomWithPeer(peer);
    const { alice, mallory, roomId, room } = scene;
    const eve = await joinFromPeer(peer, scene, "eve");
    const beforeBan = [...room.newest];
    await alice.call("ban", { path: { roomId }, body: { user_id: eve } });
    const ban = await peer.awaitPdu(
      "the ban",
      (pdu) => pdu.state_key === eve && pdu.content["membership"] === "ban",
    );
    const since = await syncToken(alice);
    const evasion = room.build({ ...message(eve, "from before my ban"), after: beforeBan });
    const results = await peer.send([evasion]);
    mustEqual(
      Object.hasOwn(results[room.idOf(evasion)] as object, "error"),
      false,
      "an error for the soft-failed event",
    );
    room.add(evasion);
    const after = [room.idOf(evasion), room.idOf(ban)];
    const follow = room.build({
      ...message(mallory, "after both"),
      after,
      authEvents: room.authEventsFor(
        { type: "m.room.message", sender: mallory, content: {} },
        room.stateBefore([room.idOf(ban)]),
      ),
    });
    room.add(follow);
    await peer.sendGood(follow);
    const seen = await toldUpToMarker(scene, since, marker(scene, [room.idOf(follow)]));
    must(!seen.includes(room.idOf(evasion)), "clients are shown the soft-failed event");
    must(seen.includes(room.idOf(follow)), "what follows the soft-failed event did not arrive");
  },
);

clause(
  "rooms/v11#redactions",
  "a peer's redaction of its own event takes effect, that of another's does not",
  async () => {
    const { peer } = here;
    const scene = await roomWithPeer(peer, { room_version: "11" });
    const { alice, mallory, roomId, room } = scene;
    const hers = await alice.send(roomId, "alice's own");
    await untilPeerHas(peer, room, hers);
    const his = say(room, mallory, "mallory's own");
    await peer.sendGood(his);
    const redact = (eventId: string) =>
      room.append({ type: "m.room.redaction", sender: mallory, content: { redacts: eventId } });
    await peer.send([redact(room.idOf(his)), redact(hers)]);
    const content = async (eventId: string) =>
      (
        (await alice.call("getOneRoomEvent", {
          path: { roomId, eventId },
        })) as unknown as ClientEvent
      ).content;
    await eventually(
      "mallory's redaction",
      async () => Object.keys(await content(room.idOf(his))).length === 0,
    );
    mustEqual(await content(hers), textOf("alice's own"), "alice's message");
  },
);

for (const version of ["10", "12"]) {
  clause(
    `rooms/v${version}#handling-redactions`,
    `clients are not told of a redaction that has no effect (room version ${version})`,
    async () => {
      const { peer } = here;
      const scene = await roomWithPeer(peer, { room_version: version });
      const { alice, mallory, roomId, room } = scene;
      const hers = await alice.send(roomId, "alice's own");
      await untilPeerHas(peer, room, hers);
      const since = await syncToken(alice);
      const draft = room.draft({ type: "m.room.redaction", sender: mallory, content: {} });
      const names = version === "12" ? { content: { redacts: hers } } : { redacts: hers };
      const redaction = room.seal({ ...draft, ...names });
      room.add(redaction);
      await peer.send([redaction]);
      const seen = await toldUpToMarker(scene, since, marker(scene));
      must(!seen.includes(room.idOf(redaction)), "the redaction was told");
    },
  );
}

mustKeepTheProtocol(here);
