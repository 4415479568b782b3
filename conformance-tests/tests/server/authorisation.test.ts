import { clause, theSubject } from "../../harness/clause.ts";
import { unique } from "../../harness/client.ts";
import { referredIds } from "../../harness/events.ts";
import type { Pdu } from "../../harness/events.ts";
import type { JsonObject } from "../../harness/json.ts";
import { must, mustEqual, mustFail } from "../../harness/must.ts";
import { roomOfPeer, roomWithPeer, say, textOf, toldUpToMarker } from "../../harness/scenes.ts";
import type { Shared } from "../../harness/scenes.ts";
import { syncToken } from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import { withPeer, mustKeepTheProtocol } from "../../harness/with-peer.ts";

const here = withPeer();

/** Sends events that the rules forbid, then one that must arrive: clients may be told of the last only. */
async function mustBeKept(scene: Shared, pdus: readonly Pdu[], what: string): Promise<void> {
  const { peer } = here;
  const since = await syncToken(scene.alice);
  const before = [...scene.room.newest];
  await peer.send(pdus);
  const seen = await toldUpToMarker(scene, since, async () => {
    const marker = say(scene.room, scene.mallory, "marker", before);
    await peer.sendGood(marker);
    return scene.room.idOf(marker);
  });
  for (const pdu of pdus) must(!seen.includes(scene.room.idOf(pdu)), `${what}: it was let through`);
}

const message = (sender: string, body = "hello") => ({
  type: "m.room.message",
  sender,
  content: textOf(body),
});

clause(
  "rooms/v11#authorisation-rules",
  "auth events that are doubled, unneeded, or too few are refused",
  async () => {
    const scene = await roomWithPeer(here.peer, { room_version: "11" });
    const { mallory, room } = scene;
    const right = room.authEventsFor({ ...message(mallory) }, room.state);
    const rules = room.idOf(room.stateEvent("m.room.join_rules") as Pdu);
    const create = room.idOf(room.stateEvent("m.room.create") as Pdu);
    const build = (authEvents: string[]) => room.build({ ...message(mallory), authEvents });
    await mustBeKept(scene, [build([...right, rules])], "an auth event that is not needed");
    await mustBeKept(scene, [build(right.filter((id) => id !== create))], "no create event");
    await mustBeKept(scene, [build([])], "no auth events");
  },
);

clause(
  "rooms/v1#authorisation-rules",
  "in version 1 an event's id belongs to its sender's server",
  async () => {
    const scene = await roomWithPeer(here.peer, { room_version: "1" });
    const { mallory, room } = scene;
    const pdu = room.build({
      ...message(mallory),
      more: { event_id: `$${unique("x")}:elsewhere.example` },
    });
    await mustBeKept(scene, [pdu], "an event id of another server");
  },
);

clause(
  "rooms/v11#authorisation-rules",
  "nobody joins, leaves or knocks for another, and no membership is made up",
  async () => {
    const scene = await roomWithPeer(here.peer, { room_version: "11" });
    const { mallory, room } = scene;
    const other = here.peer.user("other");
    const member = (stateKey: string, content: JsonObject) =>
      room.build({ type: "m.room.member", sender: mallory, stateKey, content });
    await mustBeKept(
      scene,
      [
        member(other, { membership: "join" }),
        member(mallory, { membership: "dancing" }),
        member(mallory, {}),
        member("nobody", { membership: "invite" }),
      ],
      "a membership that is none",
    );
  },
);

clause(
  "rooms/v11#authorisation-rules",
  "a second create event and state under another's name are refused",
  async () => {
    const scene = await roomWithPeer(here.peer, { room_version: "11" });
    const { alice, mallory, room } = scene;
    const create = room.build({
      type: "m.room.create",
      sender: mallory,
      stateKey: "",
      content: { room_version: "11" },
    });
    const alices = room.build({
      type: "org.example.state",
      sender: mallory,
      stateKey: alice.userId,
      content: {},
    });
    await mustBeKept(scene, [create, alices], "state that is not mallory's to set");
  },
);

clause(
  "rooms/v11#authorisation-rules",
  "in a room of one's own levels bind even its creator",
  async () => {
    const { peer } = here;
    const scene = await roomOfPeer(peer, { version: "11" });
    const { mallory, room, alice } = scene;
    const levels = (users: JsonObject) => ({
      type: "m.room.power_levels",
      sender: mallory,
      stateKey: "",
      content: { users },
    });
    await mustBeKept(scene, [room.build(levels({ [mallory]: 101 }))], "more power than one has");
    await peer.sendGood(room.append(levels({ [mallory]: 100, [alice.userId]: 100 })));
    await mustBeKept(
      scene,
      [room.build(levels({ [mallory]: 100, [alice.userId]: 0 }))],
      "taking power from an equal",
    );
  },
);

clause(
  "rooms/v12#authorisation-rules",
  "a version 12 room refuses levels for creators, and create events among the auth events",
  async () => {
    const scene = await roomOfPeer(here.peer, { version: "12" });
    const { mallory, room, alice } = scene;
    const levels = room.build({
      type: "m.room.power_levels",
      sender: mallory,
      stateKey: "",
      content: { users: { [mallory]: 100, [alice.userId]: 50 } },
    });
    const create = room.idOf(room.stateEvent("m.room.create") as Pdu);
    const authEvents = [create, ...room.authEventsFor({ ...message(mallory) }, room.state)];
    await mustBeKept(scene, [levels], "a creator's level");
    await mustBeKept(
      scene,
      [room.build({ ...message(mallory), authEvents })],
      "the create event in auth_events",
    );
  },
);

clause(
  "rooms/v12#authorisation-rules",
  "a further creator of another server has a creator's power",
  async () => {
    const { peer } = here;
    const mallory = peer.user("mallory");
    const alice = await registerUser(theSubject(), "alice");
    const roomId = await alice.createRoom({
      room_version: "12",
      preset: "public_chat",
      creation_content: { additional_creators: [mallory] },
    });
    const room = await peer.joinRoom(roomId, mallory);
    const scene = { alice, mallory, roomId, room };
    const since = await syncToken(alice);
    const topic = room.append({
      type: "m.room.topic",
      sender: mallory,
      stateKey: "",
      content: { topic: "ours" },
    });
    await peer.sendGood(topic);
    const seen = await toldUpToMarker(scene, since, () => alice.send(roomId, "marker"));
    must(seen.includes(room.idOf(topic)), "the creator's topic was not let through");
  },
);

clause("client-server-api#creation", "a room that is not federated lets no peer in", async () => {
  const { peer } = here;
  const alice = await registerUser(theSubject(), "alice");
  const roomId = await alice.createRoom({
    preset: "public_chat",
    room_version: "11",
    creation_content: { "m.federate": false },
  });
  const path = { roomId, userId: peer.user("mallory") };
  await mustFail(peer.request("makeJoin", { path, query: { ver: ["11"] } }), [400, 403, 404]);
});

clause(
  "server-server-api#joining-rooms",
  "a banned user of a peer gets no template to join with",
  async () => {
    const { peer } = here;
    const { alice, roomId } = await roomWithPeer(peer);
    const banned = peer.user("banned");
    await alice.call("ban", { path: { roomId }, body: { user_id: banned } });
    await mustFail(
      peer.request("makeJoin", { path: { roomId, userId: banned }, query: { ver: ["10"] } }),
      403,
      "M_FORBIDDEN",
    );
  },
);

clause(
  "server-server-api#auth-events-selection",
  "its own events rest on the auth events that the rules select",
  async () => {
    const { peer } = here;
    for (const version of ["11", "12"]) {
      const { alice, roomId, room } = await roomWithPeer(peer, { room_version: version });
      const sent = await alice.send(roomId, "look at my papers");
      const pdu = await peer.awaitPdu("the message", (each) => room.idOf(each) === sent);
      const expected = room.authEventsFor(
        { ...message(alice.userId) },
        room.stateBefore(referredIds(pdu.prev_events)),
      );
      mustEqual(
        referredIds(pdu.auth_events).toSorted(),
        expected.toSorted(),
        `auth_events (version ${version})`,
      );
    }
  },
);

mustKeepTheProtocol(here);
