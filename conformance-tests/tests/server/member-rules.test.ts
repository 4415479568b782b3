import { clause, theSubject, serverApi } from "../../harness/clause.ts";
import type { Pdu } from "../../harness/events.ts";
import type { Json, JsonObject } from "../../harness/json.ts";
import { must, mustEqual, mustFail, mustMatch } from "../../harness/must.ts";
import type { PeerRoom } from "../../harness/peer-room.ts";
import { roomOfPeer, roomWithPeer, textOf, untilPeerHas } from "../../harness/scenes.ts";
import { isInvited, isMember, syncUntil } from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import { withPeer, mustKeepTheProtocol } from "../../harness/with-peer.ts";
import { twoUsers } from "../../harness/two-users.ts";

const INVITE = serverApi("put_matrixfederationv2inviteroomideventid");
const here = withPeer();

/** Sends an invite of the peer's user; answers what the server under test answers. */
function invite(
  room: PeerRoom,
  sender: string,
  stateKey: string,
  more: { version?: string; shown?: readonly JsonObject[] } = {},
) {
  const { version = room.version.id, shown = [] } = more;
  const content = { membership: "invite" };
  const event = room.build({ type: "m.room.member", sender, stateKey, content });
  return here.peer.request("sendInviteV2", {
    path: { roomId: room.roomId, eventId: room.idOf(event) },
    body: { event, room_version: version, invite_room_state: [...shown] },
  });
}

clause(
  "rooms/v8#authorization-rules",
  "a client that copies its member content says nothing that only servers may say",
  async () => {
    const { peer } = here;
    const { alice, mallory, roomId, room } = await roomWithPeer(peer);
    const content = { membership: "join", displayname: "A", note: 1 };
    const id = await alice.setState(
      roomId,
      "m.room.member",
      { ...content, join_authorised_via_users_server: mallory },
      alice.userId,
    );
    mustEqual(
      await alice.getState(roomId, "m.room.member", alice.userId),
      content,
      "the member event's content",
    );
    const pdu = await untilPeerHas(peer, room, id);
    mustEqual(pdu.content, content, "the content that the peer got");
  },
);

clause(
  serverApi("joining-rooms"),
  "a join that a peer took is that peer's to send on: it does not come again",
  async () => {
    const { peer } = here;
    const { alice, room } = await roomOfPeer(peer);
    const message = await alice.send(room.roomId, textOf("after the join"));
    await untilPeerHas(peer, room, message);
    const again = peer.pdus.filter(
      ({ type, state_key }) => type === "m.room.member" && state_key === alice.userId,
    );
    mustEqual(again, [], "joins in transactions");
  },
);

clause(
  serverApi("inviting-to-a-room"),
  "an invitation that the peer's user has declined unheard is repeated when a client repeats it",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const roomId = await alice.createRoom({});
    const guest = peer.user("guest");
    await alice.invite(roomId, guest);
    await alice.invite(roomId, guest);
    const invites = peer.invites.filter(({ event }) => event.state_key === guest);
    mustEqual(new Set(invites.map(({ eventId }) => eventId)).size, 2, "invitations");
  },
);

clause(INVITE, "an invitation that claims another version shuts nobody out of a room", async () => {
  const { peer } = here;
  const [alice, bob] = await twoUsers();
  const mallory = peer.user("mallory");
  const room = peer.createRoom({ version: "10", creator: mallory });
  const lie = await invite(room, mallory, alice.userId, { version: "9" });
  mustEqual(lie.status, 200, "status of an invitation that nobody can judge yet");
  await invite(room, mallory, `@nobody:${theSubject().serverName}`, { version: "9" });
  await bob.join(room.roomId, [peer.serverName]);
  const create = await bob.getState(room.roomId, "m.room.create");
  mustEqual(create["room_version"], "10", "room_version");
});

clause(INVITE, "accounts that do not exist are not invited", async () => {
  const { peer } = here;
  const mallory = peer.user("mallory");
  const room = peer.createRoom({ version: "10", creator: mallory });
  const nobody = `@nobody:${theSubject().serverName}`;
  await mustFail(invite(room, mallory, nobody), [400, 403, 404]);
});

clause(
  INVITE,
  "in version 12 what an invitation shows are events of the room, properly signed, with the create event",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const mallory = peer.user("mallory");
    const room = peer.createRoom({ version: "12", creator: mallory });
    const state = room.stateEvents();
    const other = peer.createRoom({ version: "12", creator: mallory }).stateEvents();
    const by = (shown: readonly JsonObject[]) => invite(room, mallory, alice.userId, { shown });
    const refused = (shown: readonly JsonObject[]) => mustFail(by(shown), 400, "M_INVALID_PARAM");
    await refused(state.filter(({ type }) => type !== "m.room.create"));
    await refused([...state, ...other]);
    await refused(state.map((event) => ({ ...event, signatures: {} })));
    await refused([...state, { type: "m.room.name", state_key: "", content: {}, sender: mallory }]);
    mustEqual((await by(state)).status, 200, "status of the good one");
    await syncUntil(alice, "the invitation", isInvited(room.roomId));
  },
);

clause("client-server-api#stripped-state", "an invitation shows a room within bounds", async () => {
  const { peer } = here;
  const alice = await registerUser(theSubject(), "alice");
  const mallory = peer.user("mallory");
  const room = peer.createRoom({ version: "10", creator: mallory });
  const big = Array.from({ length: 20 }, (_, i) => ({
    ...{ type: `org.example.t${i}`, state_key: "", sender: mallory },
    content: { text: "x".repeat(30_000) },
  }));
  const shown = [...room.stateEvents(), ...big];
  const answer = await invite(room, mallory, alice.userId, { shown });
  mustEqual(answer.status, 200, "status");
  const body = await syncUntil(alice, "the invitation", isInvited(room.roomId));
  const { length } = JSON.stringify(body.rooms?.invite?.[room.roomId]);
  must(length < 512 * 1024, `the invitation has ${length} characters`);
});

clause(
  serverApi("put_matrixfederationv1send_knockroomideventid"),
  "the answer to a knock shows the room by events in its version's format, the create event among them",
  async () => {
    const { peer } = here;
    for (const version of ["7", "11", "12"]) {
      const alice = await registerUser(theSubject(), "alice");
      const joinRules = {
        ...{ type: "m.room.join_rules", state_key: "", content: { join_rule: "knock" } },
      };
      const roomId = await alice.createRoom({
        ...{ room_version: version, name: "Behind the door", initial_state: [joinRules] },
      });
      const userId = peer.user("guest");
      const made = await peer.call("makeKnock", {
        path: { roomId, userId },
        query: { ver: [version] },
      });
      const room = peer.roomOfVersion(version);
      const { event } = made as unknown as { event: JsonObject };
      const pdu = room.seal({ ...event, origin_server_ts: Date.now() });
      const answer = await peer.call("sendKnock", {
        path: { roomId, eventId: room.idOf(pdu) },
        body: pdu,
      });
      const shown = (answer as unknown as { knock_room_state: Pdu[] }).knock_room_state;
      await peer.mustBeGoodPdus(shown, version);
      const types = shown.map(({ type }) => type);
      must(types.includes("m.room.create"), `knock_room_state has ${types.join()}`);
      await syncUntil(alice, "the knock", isMember(roomId, userId, "knock"));
    }
  },
);

clause(
  serverApi("get_matrixfederationv1make_joinroomiduserid"),
  "a peer's refusal to let somebody in is told to the client with its code",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const room = peer.createRoom({ version: "10", creator: peer.user("mallory") });
    const refusals: [number, string, Json][] = [
      [400, "M_INCOMPATIBLE_ROOM_VERSION", { room_version: "org.example.future" }],
      [403, "M_FORBIDDEN", {}],
      [404, "M_NOT_FOUND", {}],
    ];
    for (const [status, errcode, more] of refusals) {
      const restore = peer.answer("makeJoin", () => ({
        status,
        body: { errcode, error: "no", ...(more as JsonObject) },
      }));
      const joining = alice.request("joinRoom", {
        path: { roomIdOrAlias: room.roomId },
        query: { via: [peer.serverName] },
        body: {},
      });
      const body = await mustFail(joining, status, errcode);
      mustMatch(body, more, "the error's body");
      restore();
    }
  },
);

mustKeepTheProtocol(here);
