import { clause, theSubject, serverApi } from "../../harness/clause.ts";
import type { Pdu } from "../../harness/events.ts";
import { asText } from "../../harness/json.ts";
import type { JsonObject } from "../../harness/json.ts";
import { eventually, must, mustEqual, mustFail, mustMatch } from "../../harness/must.ts";
import { hasLeft, isInvited, isJoined, isMember, syncUntil } from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import { withPeer, mustKeepTheProtocol } from "../../harness/with-peer.ts";

const here = withPeer();

for (const version of ["1", "6", "10", "12"]) {
  clause(
    serverApi("inviting-to-a-room"),
    `it invites a peer's user to a private room of version ${version}, who then joins`,
    async () => {
      const { peer } = here;
      const alice = await registerUser(theSubject(), "alice");
      const roomId = await alice.createRoom({ room_version: version, name: "By invitation" });
      const guest = peer.user("guest");
      await alice.invite(roomId, guest);
      const invite = peer.invites.find(({ event }) => event.state_key === guest);
      must(invite, "the peer got no invitation");
      mustEqual(invite.version, version, "room_version");
      mustMatch(
        invite.event,
        { sender: alice.userId, room_id: roomId, content: { membership: "invite" } },
        "invitation",
      );
      await peer.mustBeGoodPdus([invite.event], version);
      const inbound = peer.inbound.findLast(({ path }) => path["eventId"] === invite.eventId);
      const body = inbound?.body as { invite_room_state?: JsonObject[] } | undefined;
      const types = body?.invite_room_state?.map((event) => asText(event["type"])) ?? [];
      if (inbound?.operation === "sendInviteV2") {
        must(
          types.includes("m.room.name") && types.includes("m.room.create"),
          `invite_room_state has ${types.join()}`,
        );
      }
      await peer.joinRoom(roomId, guest);
      await syncUntil(alice, "the guest's join", isMember(roomId, guest, "join"));
    },
  );
}

for (const version of ["6", "10", "11", "12"]) {
  clause(
    serverApi("inviting-to-a-room"),
    `a peer invites its user to a private room of version ${version}, who then joins`,
    async () => {
      const { peer } = here;
      const alice = await registerUser(theSubject(), "alice");
      const mallory = peer.user("mallory");
      const room = peer.createRoom({ version, creator: mallory, joinRule: "invite" });
      const invite = room.build({
        type: "m.room.member",
        sender: mallory,
        stateKey: alice.userId,
        content: { membership: "invite" },
      });
      const stripped = room
        .stateEvents()
        .map(({ type, sender, state_key, content }) => ({ type, sender, state_key, content }));
      const full = version === "12" ? room.stateEvents() : stripped;
      const answer = (await peer.call("sendInviteV2", {
        path: { roomId: room.roomId, eventId: room.idOf(invite) },
        body: { event: invite, room_version: version, invite_room_state: full },
      })) as unknown as { event: Pdu };
      must(answer.event.signatures?.[theSubject().serverName], "the invitation was not signed");
      room.add(answer.event);
      const { next_batch } = await syncUntil(alice, "the invitation", isInvited(room.roomId));
      await alice.join(room.roomId);
      await syncUntil(alice, "the room", isJoined(room.roomId), { since: next_batch });
      mustEqual(room.membershipOf(alice.userId), "join", "alice's membership at the peer");
    },
  );
}

clause(
  serverApi("leaving-rooms-rejecting-invites"),
  "an invitation from a peer can be declined, and the peer hears of it",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const mallory = peer.user("mallory");
    const room = peer.createRoom({ version: "10", creator: mallory, joinRule: "invite" });
    const invite = room.build({
      type: "m.room.member",
      sender: mallory,
      stateKey: alice.userId,
      content: { membership: "invite" },
    });
    await peer.call("sendInviteV2", {
      path: { roomId: room.roomId, eventId: room.idOf(invite) },
      body: { event: invite, room_version: "10", invite_room_state: [] },
    });
    room.add(invite);
    const { next_batch } = await syncUntil(alice, "the invitation", isInvited(room.roomId));
    await alice.leave(room.roomId);
    await syncUntil(alice, "the declined invitation", hasLeft(room.roomId), { since: next_batch });
    await eventually("the refusal", async () => room.membershipOf(alice.userId) === "leave");
  },
);

clause(
  serverApi("put_matrixfederationv2inviteroomideventid"),
  "invitations that are none, or for users of other servers, are refused",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const mallory = peer.user("mallory");
    const room = peer.createRoom({ version: "10", creator: mallory, joinRule: "invite" });
    const send = (stateKey: string, membership: string, version = "10") => {
      const event = room.build({
        type: "m.room.member",
        sender: mallory,
        stateKey,
        content: { membership },
      });
      return peer.request("sendInviteV2", {
        path: { roomId: room.roomId, eventId: room.idOf(event) },
        body: { event, room_version: version, invite_room_state: [] },
      });
    };
    await mustFail(send(alice.userId, "join"), [400, 403]);
    await mustFail(send("@bob:elsewhere.example", "invite"), [400, 403]);
    await mustFail(
      send(alice.userId, "invite", "org.example.unheard-of"),
      400,
      "M_INCOMPATIBLE_ROOM_VERSION",
    );
  },
);

mustKeepTheProtocol(here);
