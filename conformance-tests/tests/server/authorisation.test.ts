import { clause, theSubject } from "../../harness/clause.ts";
import { unique } from "../../harness/client.ts";
import { referredIds } from "../../harness/events.ts";
import type { Pdu } from "../../harness/events.ts";
import type { JsonObject } from "../../harness/json.ts";
import { mustEqual, mustFail } from "../../harness/must.ts";
import { roomWithPeer } from "../../harness/scenes.ts";
import { registerUser } from "../../harness/users.ts";
import { mustKeepTheProtocol } from "../../harness/with-peer.ts";
import { here, message, mustBeKept } from "./authorised-events.ts";

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
