import { clause, theSubject } from "../../harness/clause.ts";
import type { Pdu } from "../../harness/events.ts";
import type { JsonObject } from "../../harness/json.ts";
import { must } from "../../harness/must.ts";
import { roomOfPeer, toldUpToMarker } from "../../harness/scenes.ts";
import { syncToken } from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import { mustKeepTheProtocol } from "../../harness/with-peer.ts";
import { here, message, mustBeKept } from "./authorised-events.ts";

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

mustKeepTheProtocol(here);
