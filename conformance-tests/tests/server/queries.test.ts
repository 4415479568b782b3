import { clause, theSubject, serverApi } from "../../harness/clause.ts";
import { unique } from "../../harness/client.ts";
import {
  must,
  mustBe404,
  mustEqual,
  mustFail,
  mustMatch,
  mustSucceed,
} from "../../harness/must.ts";
import { roomOfPeer } from "../../harness/scenes.ts";
import { registerUser } from "../../harness/users.ts";
import { withPeer, mustKeepTheProtocol } from "../../harness/with-peer.ts";

const here = withPeer();

clause(
  serverApi("get_matrixfederationv1queryprofile"),
  "a peer asks for profiles, whole and by field",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    await alice.call("setProfileField", {
      path: { userId: alice.userId, keyName: "displayname" },
      body: { displayname: "Alice" },
    });
    const user_id = alice.userId;
    mustMatch(
      await peer.call("queryProfile", { query: { user_id } }),
      { displayname: "Alice" },
      "profile",
    );
    const field = "displayname";
    mustEqual(
      await peer.call("queryProfile", { query: { user_id, field } }),
      { displayname: "Alice" },
      "one field",
    );
    const nobody = `@${unique("nobody")}:${theSubject().serverName}`;
    await mustBe404(peer.request("queryProfile", { query: { user_id: nobody } }));
    await mustFail(
      peer.request("queryProfile", { query: { user_id: "@someone:elsewhere.example" } }),
      [400, 403, 404],
    );
  },
);

clause(
  serverApi("get_matrixfederationv1queryprofile"),
  "its users see the profiles of a peer's users",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const userId = peer.user("mallory");
    peer.profiles.set(userId, { displayname: "Mallory M.", avatar_url: "mxc://example.org/m" });
    mustMatch(
      await alice.call("getUserProfile", { path: { userId } }),
      { displayname: "Mallory M.", avatar_url: "mxc://example.org/m" },
      "profile",
    );
    await mustBe404(alice.request("getUserProfile", { path: { userId: peer.user("nobody") } }));
  },
);

clause(
  serverApi("get_matrixfederationv1querydirectory"),
  "a peer resolves its aliases, and its users join by those of a peer",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const local = unique("alias");
    const roomId = await alice.createRoom({ preset: "public_chat", room_alias_name: local });
    const answer = await peer.call("queryRoomDirectory", {
      query: { room_alias: `#${local}:${theSubject().serverName}` },
    });
    mustMatch(answer, { room_id: roomId, servers: [theSubject().serverName] }, "answer");
    await mustBe404(
      peer.request("queryRoomDirectory", {
        query: { room_alias: `#${unique("none")}:${theSubject().serverName}` },
      }),
    );
    const room = peer.createRoom({ version: "10", creator: peer.user("mallory") });
    const alias = `#${unique("far")}:${peer.serverName}`;
    room.aliases.push(alias);
    mustEqual(await alice.join(alias), room.roomId, "the room behind the peer's alias");
    await mustBe404(
      alice.request("getRoomIdByAlias", {
        path: { roomAlias: `#${unique("none")}:${peer.serverName}` },
      }),
    );
  },
);

clause(serverApi("published-room-directory"), "directories can be searched both ways", async () => {
  const { peer } = here;
  const alice = await registerUser(theSubject(), "alice");
  const word = unique("needle");
  const roomId = await alice.createRoom({ visibility: "public", name: word });
  const body = { filter: { generic_search_term: word }, limit: 10 };
  const found = (await peer.call("federationQueryPublicRooms", { body })) as unknown as {
    chunk: object[];
  };
  mustEqual(found.chunk.length, 1, "rooms found");
  mustMatch(found.chunk[0], { room_id: roomId, name: word, num_joined_members: 1 }, "room");
  const all = (await peer.call("federationGetPublicRooms", { query: { limit: 1 } })) as unknown as {
    chunk: object[];
  };
  mustEqual(all.chunk.length, 1, "rooms with a limit of one");
  const far = {
    room_id: `!far:${peer.serverName}`,
    name: "Far away",
    num_joined_members: 7,
    world_readable: false,
    guest_can_join: false,
  };
  peer.publicRooms = [far];
  const there = await alice.call("queryPublicRooms", {
    query: { server: peer.serverName },
    body: { limit: 5 },
  });
  mustMatch(there.chunk[0], far, "the peer's room");
});

clause(
  serverApi("content-repository"),
  "media goes both ways, over the authenticated paths",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const bytes = Buffer.from("warp and weft, byte for byte");
    const { content_uri } = await alice.call("uploadContent", {
      raw: bytes,
      headers: { "content-type": "text/plain" },
    });
    const mediaId = content_uri.split("/").at(-1) ?? "";
    const answer = await peer.request("federationGetContent", { path: { mediaId } });
    must(
      answer.headers["content-type"]?.startsWith("multipart/mixed"),
      `it is ${answer.headers["content-type"]}`,
    );
    must(answer.bytes.includes(bytes), "the file is not in the answer");
    await mustBe404(peer.request("federationGetContent", { path: { mediaId: unique("none") } }));
    const own = unique("media").replaceAll("-", "");
    peer.media.set(own, { type: "text/plain", bytes: Buffer.from("from afar") });
    const path = { serverName: peer.serverName, mediaId: own };
    const got = await mustSucceed(alice.request("getContentAuthed", { path }));
    mustEqual(got.bytes.toString(), "from afar", "the peer's file");
    must(
      got.headers["content-type"]?.startsWith("text/plain"),
      `Content-Type ${got.headers["content-type"]}`,
    );
    await mustBe404(
      alice.request("getContentAuthed", {
        path: { serverName: peer.serverName, mediaId: unique("none") },
      }),
    );
  },
);

clause(
  "client-server-api#get_matrixclientv3roomsroomidmembers",
  "a room that came from a peer has the peer's members",
  async () => {
    const { alice, mallory, roomId } = await roomOfPeer(here.peer, { version: "11" });
    const { joined } = await alice.call("getJoinedMembersByRoom", { path: { roomId } });
    mustEqual(
      Object.keys(joined ?? {}).toSorted(),
      [alice.userId, mallory].toSorted(),
      "joined members",
    );
  },
);

clause(
  serverApi("openid"),
  "a token for another service says whose it is, and nothing else does",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const path = { userId: alice.userId };
    const { access_token } = await alice.call("requestOpenIdToken", { path, body: {} });
    mustEqual(
      await peer.call("exchangeOpenIdToken", { query: { access_token } }),
      { sub: alice.userId },
      "whose it is",
    );
    const other = `${access_token.slice(0, -1)}${access_token.endsWith("A") ? "B" : "A"}x`;
    await mustFail(
      peer.request("exchangeOpenIdToken", { query: { access_token: other } }),
      401,
      "M_UNKNOWN_TOKEN",
    );
    const bob = await registerUser(theSubject(), "bob");
    await mustFail(bob.request("requestOpenIdToken", { path, body: {} }), 403, "M_FORBIDDEN");
  },
);

mustKeepTheProtocol(here);
