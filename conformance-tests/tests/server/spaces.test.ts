import { clause, serverApi, theSubject } from "../../harness/clause.ts";
import { mustBe404, mustEqual, mustMatch } from "../../harness/must.ts";
import { registerUser } from "../../harness/users.ts";
import { mustKeepTheProtocol, withPeer } from "../../harness/with-peer.ts";

const here = withPeer();

async function spaceWith(children: Record<string, object>) {
  const alice = await registerUser(theSubject());
  const creation_content = { type: "m.space" };
  const root = await alice.createRoom({ name: "root", preset: "public_chat", creation_content });
  const ids: string[] = [];
  for (const [name, options] of Object.entries(children)) {
    const stateKey = await alice.createRoom({ name, ...options });
    const path = { roomId: root, eventType: "m.space.child", stateKey };
    await alice.call("setRoomStateWithKey", { path, body: { via: [theSubject().serverName] } });
    ids.push(stateKey);
  }
  return { alice, root, ids };
}

clause(
  serverApi("get_matrixfederationv1hierarchyroomid"),
  "a peer is told of a space, of children that its users could enter, and which they could not",
  async () => {
    const { alice, root, ids } = await spaceWith({
      open: { preset: "public_chat" },
      hidden: { preset: "private_chat" },
    });
    const answer = await here.peer.call("federationGetSpaceHierarchy", { path: { roomId: root } });
    mustMatch(answer.room, { room_id: root, name: "root", room_type: "m.space" }, "the space");
    mustEqual(answer.room.children_state.length, 2, "children of the space");
    mustEqual(
      answer.children.map(({ name }) => name),
      ["open"],
      "children",
    );
    mustEqual(answer.inaccessible_children, [ids[1]], "inaccessible children");
    const closed = await alice.createRoom({ preset: "private_chat" });
    const path = { roomId: closed };
    await mustBe404(here.peer.request("federationGetSpaceHierarchy", { path }));
  },
);

clause(
  serverApi("get_matrixfederationv1hierarchyroomid"),
  "rooms of a peer are listed as it tells of them, but for those that one may not see",
  async () => {
    const { peer } = here;
    const far = (name: string, join_rule: string) => ({
      room_id: `!${name}:${peer.serverName}`,
      ...{ name, join_rule, num_joined_members: 7, world_readable: false, guest_can_join: false },
    });
    const space = { ...far("space", "public"), room_type: "m.space" };
    const children = [far("public", "public"), far("secret", "invite")];
    const children_state = children.map(({ room_id }) => ({
      ...{ type: "m.space.child", state_key: room_id, sender: peer.user("mallory") },
      ...{ content: { via: [peer.serverName] }, origin_server_ts: 1 },
    }));
    const notHere = { status: 404, body: { errcode: "M_NOT_FOUND", error: "not here" } };
    const body = { room: { ...space, children_state }, children, inaccessible_children: [] };
    peer.answer("federationGetSpaceHierarchy", ({ path }) =>
      path["roomId"] === space.room_id ? { body } : notHere,
    );
    const { alice, root } = await spaceWith({});
    await alice.call("setRoomStateWithKey", {
      path: { roomId: root, eventType: "m.space.child", stateKey: space.room_id },
      body: { via: [peer.serverName] },
    });
    const { rooms } = await alice.call("getSpaceHierarchy", { path: { roomId: root } });
    mustEqual(
      rooms.map(({ name }) => name),
      ["root", "space", "public"],
      "the rooms",
    );
    mustMatch(rooms[2], { num_joined_members: 7, join_rule: "public" }, "a room of the peer");
  },
);

mustKeepTheProtocol(here);
