import { clause, theSubject, serverApi } from "../../harness/clause.ts";
import type { Pdu } from "../../harness/events.ts";
import type { JsonObject } from "../../harness/json.ts";
import {
  eventually,
  must,
  mustBe403,
  mustBe404,
  mustEqual,
  mustFail,
  mustMatch,
} from "../../harness/must.ts";
import {
  joinFromPeer,
  roomOfPeer,
  roomWithPeer,
  say,
  textOf,
  untilPeerHas,
} from "../../harness/scenes.ts";
import { createSigningKey } from "../../harness/signing.ts";
import { hasLeft, isMember, syncToken, syncUntil, untilEvent } from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import { withPeer, mustKeepTheProtocol } from "../../harness/with-peer.ts";

const here = withPeer();
const VERSIONS = ["1", "3", "6", "9", "10", "11", "12"];

for (const version of VERSIONS) {
  clause(
    serverApi("joining-rooms"),
    `a peer joins a room of version ${version}, and messages go both ways`,
    async () => {
      const { peer } = here;
      const { alice, mallory, roomId, room } = await roomWithPeer(peer, { room_version: version });
      mustEqual(room.version.id, version, "room_version");
      const there = await alice.send(roomId, "can you hear me?");
      mustEqual(
        (await untilPeerHas(peer, room, there)).content,
        textOf("can you hear me?"),
        "content",
      );
      const since = await syncToken(alice);
      const back = say(room, mallory, "I can");
      await peer.sendGood(back);
      await untilEvent(alice, roomId, room.idOf(back), { since });
    },
  );

  clause(
    serverApi("joining-rooms"),
    `it joins a peer's room of version ${version}, and messages go both ways`,
    async () => {
      const { peer } = here;
      const { alice, mallory, roomId, room } = await roomOfPeer(peer, { version });
      mustMatch(
        await alice.getState(roomId, "m.room.join_rules"),
        { join_rule: "public" },
        "state that came with the join",
      );
      mustEqual(room.membershipOf(alice.userId), "join", "alice's membership at the peer");
      const since = await syncToken(alice);
      const message = say(room, mallory, "welcome");
      await peer.sendGood(message);
      await untilEvent(alice, roomId, room.idOf(message), { since });
      const answer = await alice.send(roomId, "thank you");
      const pdu = await untilPeerHas(peer, room, answer);
      mustEqual(pdu.prev_events.length, 1, "events before the answer");
    },
  );
}

clause(
  serverApi("get_matrixfederationv1make_joinroomiduserid"),
  "make_join tells which version a peer lacks, and which rooms it does not know",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const roomId = await alice.createRoom({ preset: "public_chat", room_version: "10" });
    const userId = peer.user("mallory");
    const make = (room: string, user: string, ver: string[]) =>
      peer.request("makeJoin", { path: { roomId: room, userId: user }, query: { ver } });
    const error = await mustFail(
      make(roomId, userId, ["1", "2"]),
      400,
      "M_INCOMPATIBLE_ROOM_VERSION",
    );
    mustEqual(error["room_version"], "10", "room_version");
    await mustFail(make("!none:elsewhere.example", userId, ["10"]), 404, "M_NOT_FOUND");
    await mustFail(make(roomId, alice.userId, ["10"]), [400, 403]);
  },
);

clause(
  serverApi("get_matrixfederationv1make_joinroomiduserid"),
  "a private room gives no template to a stranger",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const roomId = await alice.createRoom({ room_version: "10" });
    await mustBe403(
      peer.request("makeJoin", {
        path: { roomId, userId: peer.user("mallory") },
        query: { ver: ["10"] },
      }),
    );
  },
);

clause(
  serverApi("put_matrixfederationv2send_joinroomideventid"),
  "a join that is signed badly, for another, or is no join is refused",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const roomId = await alice.createRoom({ preset: "public_chat", room_version: "10" });
    const userId = peer.user("mallory");
    const made = await peer.call("makeJoin", { path: { roomId, userId }, query: { ver: ["10"] } });
    const template = {
      ...(made as unknown as { event: JsonObject }).event,
      origin_server_ts: Date.now(),
    };
    const room = peer.roomOfVersion("10");
    const send = (pdu: Pdu) =>
      peer.request("sendJoinV2", { path: { roomId, eventId: room.idOf(pdu) }, body: pdu });
    const good = room.seal(template);
    const forger = {
      serverName: peer.serverName,
      key: { ...createSigningKey(), keyId: peer.key.keyId },
    };
    const forged = peer.roomOfVersion("10");
    Object.assign(forged, { signer: forger });
    await mustFail(send(forged.seal(template)), [400, 401, 403]);
    await mustFail(send(room.seal({ ...template, content: { membership: "leave" } })), [400, 403]);
    await mustFail(send(room.seal({ ...template, state_key: peer.user("other") })), [400, 403]);
    await mustFail(
      peer.request("sendJoinV2", {
        path: { roomId: "!other:elsewhere.example", eventId: room.idOf(good) },
        body: good,
      }),
      [400, 403, 404],
    );
    mustEqual((await send(good)).status, 200, "the good join");
  },
);

clause(
  serverApi("joining-rooms"),
  "a join whose state is forged does not bring the forgery in",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const mallory = peer.user("mallory");
    const room = peer.createRoom({ version: "10", creator: mallory });
    const topic = room.append({
      type: "m.room.topic",
      sender: mallory,
      stateKey: "",
      content: { topic: "true" },
    });
    const forged = {
      ...topic,
      content: { topic: "false" },
      signatures: { [peer.serverName]: { [peer.key.keyId]: "AAAA" } },
    };
    const restore = peer.answer("sendJoinV2", ({ body, path }) => {
      const before = room.stateEvents();
      const pdu = body as unknown as Pdu;
      room.add(pdu);
      const state = before.map((event) => (event.type === "m.room.topic" ? forged : event));
      must(path["roomId"] === room.roomId, "another room");
      return {
        body: {
          origin: peer.serverName,
          members_omitted: false,
          auth_chain: room.authChainOf([...before, pdu]),
          state,
          event: pdu,
        },
      };
    });
    const answer = await alice.request("joinRoom", {
      path: { roomIdOrAlias: room.roomId },
      query: { via: peer.serverName, server_name: peer.serverName },
    });
    restore();
    if (answer.status === 200) {
      await mustBe404(
        alice.request("getRoomStateWithKey", {
          path: { roomId: room.roomId, eventType: "m.room.topic", stateKey: "" },
        }),
      );
    }
  },
);

clause(
  serverApi("leaving-rooms-rejecting-invites"),
  "a peer's user leaves through make_leave and send_leave",
  async () => {
    const { peer } = here;
    const scene = await roomWithPeer(peer);
    const { alice, roomId, room } = scene;
    const second = await joinFromPeer(peer, scene, "second");
    const since = await syncToken(alice);
    const made = await peer.call("makeLeave", { path: { roomId, userId: second } });
    const { event } = made as unknown as { event: JsonObject };
    const pdu = room.seal({ ...event, origin_server_ts: Date.now(), event_id: undefined });
    await peer.call("sendLeaveV2", { path: { roomId, eventId: room.idOf(pdu) }, body: pdu });
    await syncUntil(alice, "the leave", isMember(roomId, second, "leave"), { since });
  },
);

clause(
  serverApi("leaving-rooms-rejecting-invites"),
  "its user leaves a peer's room, and the peer hears of it",
  async () => {
    const { peer } = here;
    const { alice, roomId, room } = await roomOfPeer(peer);
    await alice.leave(roomId);
    await eventually(
      "alice's leave at the peer",
      async () => room.membershipOf(alice.userId) === "leave",
    );
  },
);

clause(
  serverApi("restricted-rooms"),
  "a peer's user who is in the allowed room enters a restricted one, signed for by the server",
  async () => {
    const { peer } = here;
    const hall = await roomWithPeer(peer);
    const allow = [{ type: "m.room_membership", room_id: hall.roomId }];
    const roomId = await hall.alice.createRoom({
      room_version: "10",
      initial_state: [{ type: "m.room.join_rules", content: { join_rule: "restricted", allow } }],
    });
    const stranger = peer.user("stranger");
    await mustFail(
      peer.request("makeJoin", { path: { roomId, userId: stranger }, query: { ver: ["10"] } }),
      [400, 403],
    );
    const room = await peer.joinRoom(roomId, hall.mallory);
    const join = room.stateEvent("m.room.member", hall.mallory);
    mustEqual(
      join?.content["join_authorised_via_users_server"],
      hall.alice.userId,
      "who authorised the join",
    );
    must(join?.signatures?.[theSubject().serverName], "the server did not sign the join");
  },
);

clause(
  serverApi("pdus"),
  "kicks and bans reach the peer, and those of the peer arrive",
  async () => {
    const { peer } = here;
    const scene = await roomWithPeer(peer);
    const { alice, mallory, roomId, room } = scene;
    const victim = await joinFromPeer(peer, scene, "victim");
    const body = { user_id: victim, reason: "noise" };
    await alice.call("ban", { path: { roomId }, body });
    const ban = await peer.awaitPdu(
      "the ban",
      (pdu) => pdu.state_key === victim && pdu.content["membership"] === "ban",
    );
    mustEqual(ban.sender, alice.userId, "sender");
    const levels = await alice.getState(roomId, "m.room.power_levels");
    const users = { ...(levels["users"] as JsonObject), [mallory]: 100 };
    await untilPeerHas(
      peer,
      room,
      await alice.setState(roomId, "m.room.power_levels", { ...levels, users }),
    );
    const bob = await registerUser(theSubject(), "bob");
    await bob.join(roomId);
    await peer.awaitPdu("bob's join", (pdu) => pdu.state_key === bob.userId);
    const since = await syncToken(bob);
    await peer.sendGood(
      room.append({
        type: "m.room.member",
        sender: mallory,
        stateKey: bob.userId,
        content: { membership: "leave" },
      }),
    );
    await syncUntil(bob, "the kick", hasLeft(roomId), { since });
  },
);

mustKeepTheProtocol(here);
