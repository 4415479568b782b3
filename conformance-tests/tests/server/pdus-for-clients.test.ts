import { clause, serverApi } from "../../harness/clause.ts";
import type { JsonObject } from "../../harness/json.ts";
import { eventually, must, mustEqual } from "../../harness/must.ts";
import {
  joinFromPeer,
  roomOfPeer,
  roomWithPeer,
  say,
  textOf,
  toldUpToMarker,
  untilPeerHas,
} from "../../harness/scenes.ts";
import type { ClientEvent } from "../../harness/shapes.ts";
import { syncToken } from "../../harness/sync.ts";
import { mustKeepTheProtocol } from "../../harness/with-peer.ts";
import { here, marker, message } from "./good-and-bad.ts";

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
