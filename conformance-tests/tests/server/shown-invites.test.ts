import { clause, theSubject, serverApi } from "../../harness/clause.ts";
import type { Pdu } from "../../harness/events.ts";
import type { JsonObject } from "../../harness/json.ts";
import { mustEqual } from "../../harness/must.ts";
import { hasLeft, isInvited, syncUntil } from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import { withPeer, mustKeepTheProtocol } from "../../harness/with-peer.ts";

const here = withPeer();

clause(
  serverApi("put_matrixfederationv2inviteroomideventid"),
  "an invitation shows what is left of state that was redacted",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const roomId = await alice.createRoom({ room_version: "12", name: "By invitation" });
    const eventId = await alice.setState(roomId, "m.room.topic", { topic: "secret" });
    await alice.call("redactEvent", { path: { roomId, eventId, txnId: "redact" }, body: {} });
    await alice.invite(roomId, peer.user("late"));
    const inbound = peer.inbound.findLast(({ operation }) => operation === "sendInviteV2");
    const body = inbound?.body as { invite_room_state?: JsonObject[] } | undefined;
    const topic = body?.invite_room_state?.find((event) => event["type"] === "m.room.topic");
    mustEqual(topic?.["content"] ?? {}, {}, "the topic's content");
  },
);

clause(
  serverApi("inviting-to-a-room"),
  "an invitation may show state that was redacted in its room",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const mallory = peer.user("mallory");
    const room = peer.createRoom({ version: "12", creator: mallory, joinRule: "invite" });
    const content = { topic: "secret" };
    room.add(room.build({ type: "m.room.topic", sender: mallory, stateKey: "", content }));
    const shown = room
      .stateEvents()
      .map((event) => (event.type === "m.room.topic" ? room.redacted(event) : event));
    const event = room.build({
      ...{ type: "m.room.member", sender: mallory, stateKey: alice.userId },
      content: { membership: "invite" },
    });
    await peer.call("sendInviteV2", {
      path: { roomId: room.roomId, eventId: room.idOf(event) },
      body: { event, room_version: "12", invite_room_state: shown },
    });
    await syncUntil(alice, "the invitation", isInvited(room.roomId));
  },
);

clause(
  serverApi("leaving-rooms-rejecting-invites"),
  "the news that an older invitation was taken back does not end the next one",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const mallory = peer.user("mallory");
    const room = peer.createRoom({ version: "10", creator: mallory, joinRule: "invite" });
    const member = (membership: string) => {
      const content = { membership };
      const stateKey = alice.userId;
      const event = room.build({ type: "m.room.member", sender: mallory, stateKey, content });
      room.add(event);
      return event;
    };
    const invite = (event: Pdu) =>
      peer.call("sendInviteV2", {
        path: { roomId: room.roomId, eventId: room.idOf(event) },
        body: { event, room_version: "10", invite_room_state: [] },
      });
    await invite(member("invite"));
    const [old, next, end] = [member("leave"), member("invite"), member("leave")];
    await invite(next);
    const { next_batch } = await syncUntil(alice, "the invitation", isInvited(room.roomId));
    await peer.send([old]);
    const again = await alice.call("sync", { query: { since: next_batch, timeout: 0 } });
    mustEqual(again.rooms?.leave?.[room.roomId], undefined, "the left room");
    await peer.send([end]);
    await syncUntil(alice, "the end", hasLeft(room.roomId), { since: next_batch });
  },
);

mustKeepTheProtocol(here);
