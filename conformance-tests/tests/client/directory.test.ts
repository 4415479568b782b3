import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { createClient, unique } from "../../harness/client.ts";
import {
  must,
  mustBe403,
  mustBe404,
  mustEqual,
  mustEqualAsSets,
  mustFail,
  mustMatch,
} from "../../harness/must.ts";
import { registerUser } from "../../harness/users.ts";

const aliasOf = (local: string) => `#${local}:${theSubject().serverName}`;

clause(
  clientApi("room-aliases"),
  "an alias can be made, resolved by anybody, listed and deleted",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const bob = await registerUser(theSubject(), "bob");
    const roomId = await alice.createRoom({ preset: "public_chat" });
    const roomAlias = aliasOf(unique("alias"));
    await alice.call("setRoomAlias", { path: { roomAlias }, body: { room_id: roomId } });
    const resolved = await createClient(theSubject()).call("getRoomIdByAlias", {
      path: { roomAlias },
    });
    mustEqual(resolved.room_id, roomId, "room_id");
    must(
      resolved.servers?.includes(theSubject().serverName),
      `servers are ${resolved.servers?.join()}`,
    );
    const { aliases } = await alice.call("getLocalAliases", { path: { roomId } });
    mustEqual(aliases, [roomAlias], "aliases");
    await mustBe403(bob.request("deleteRoomAlias", { path: { roomAlias } }));
    await alice.call("deleteRoomAlias", { path: { roomAlias } });
    await mustBe404(
      createClient(theSubject()).request("getRoomIdByAlias", { path: { roomAlias } }),
    );
  },
);

clause(
  clientApi("put_matrixclientv3directoryroomroomalias"),
  "an alias that is taken is a conflict, and another server's cannot be made",
  async () => {
    const alice = await registerUser(theSubject());
    const roomId = await alice.createRoom();
    const roomAlias = aliasOf(unique("alias"));
    await alice.call("setRoomAlias", { path: { roomAlias }, body: { room_id: roomId } });
    const other = await alice.createRoom();
    await mustFail(
      alice.request("setRoomAlias", { path: { roomAlias }, body: { room_id: other } }),
      409,
      "M_UNKNOWN",
    );
    const foreign = { path: { roomAlias: "#alias:elsewhere.example" }, body: { room_id: other } };
    await mustFail(alice.request("setRoomAlias", foreign), [400, 403]);
  },
);

clause(
  clientApi("mroomcanonical_alias"),
  "a canonical alias has to be one of the room",
  async () => {
    const alice = await registerUser(theSubject());
    const roomId = await alice.createRoom();
    const other = await alice.createRoom();
    const [own, foreign] = [aliasOf(unique("own")), aliasOf(unique("foreign"))];
    await alice.call("setRoomAlias", { path: { roomAlias: own }, body: { room_id: roomId } });
    await alice.call("setRoomAlias", { path: { roomAlias: foreign }, body: { room_id: other } });
    await alice.setState(roomId, "m.room.canonical_alias", { alias: own });
    const set = (body: object) =>
      alice.request("setRoomStateWithKey", {
        path: { roomId, eventType: "m.room.canonical_alias", stateKey: "" },
        body,
      });
    await mustFail(set({ alias: foreign }), 400, "M_BAD_ALIAS");
    await mustFail(set({ alias: own, alt_aliases: [aliasOf(unique("none"))] }), 400, "M_BAD_ALIAS");
    await mustFail(set({ alias: "nonsense" }), 400, [
      "M_INVALID_PARAM",
      "M_BAD_JSON",
      "M_BAD_ALIAS",
    ]);
  },
);

clause(
  clientApi("published-room-directory"),
  "a published room can be found with what it says of itself, and withdrawn",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const bob = await registerUser(theSubject(), "bob");
    const word = unique("needle");
    const local = unique("alias");
    const roomId = await alice.createRoom({
      visibility: "public",
      name: `A room for ${word}`,
      topic: "what it is about",
      room_alias_name: local,
    });
    const find = async () => {
      const body = { filter: { generic_search_term: word } };
      return (await bob.call("queryPublicRooms", { body })).chunk;
    };
    const found = await find();
    mustEqual(found.length, 1, "rooms found");
    mustMatch(
      found[0],
      {
        room_id: roomId,
        name: `A room for ${word}`,
        topic: "what it is about",
        canonical_alias: aliasOf(local),
        num_joined_members: 1,
        world_readable: false,
        guest_can_join: false,
      },
      "room",
    );
    const visible = await createClient(theSubject()).call("getRoomVisibilityOnDirectory", {
      path: { roomId },
    });
    mustEqual(visible.visibility, "public", "visibility");
    const hide = { path: { roomId }, body: { visibility: "private" } } as const;
    await mustBe403(bob.request("setRoomVisibilityOnDirectory", hide));
    await alice.call("setRoomVisibilityOnDirectory", hide);
    mustEqual(await find(), [], "rooms found once it is withdrawn");
  },
);

clause(clientApi("get_matrixclientv3publicrooms"), "the directory is told in pages", async () => {
  const alice = await registerUser(theSubject());
  const made: string[] = [];
  for (let i = 0; i < 5; i++) made.push(await alice.createRoom({ visibility: "public" }));
  const seen: string[] = [];
  let since: string | undefined;
  do {
    const part = await alice.call("getPublicRooms", { query: { limit: 2, since } });
    must(part.chunk.length <= 2, `a page of ${part.chunk.length} rooms`);
    seen.push(...part.chunk.map((room) => room.room_id));
    since = part.next_batch;
  } while (since !== undefined && seen.length < 500);
  for (const roomId of made) must(seen.includes(roomId), `${roomId} is on no page`);
});

clause(
  clientApi("get_matrixclientv3joined_rooms"),
  "joined_rooms lists what is joined, and nothing else",
  async () => {
    const alice = await registerUser(theSubject());
    const rooms = [await alice.createRoom(), await alice.createRoom(), await alice.createRoom()];
    await alice.leave(rooms[1] ?? "");
    const { joined_rooms } = await alice.call("getJoinedRooms");
    mustEqualAsSets(joined_rooms, [rooms[0] ?? "", rooms[2] ?? ""], "joined_rooms");
  },
);
