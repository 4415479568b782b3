import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { createClient, unique } from "../../harness/client.ts";
import { mustEqual, mustFail, mustMatch } from "../../harness/must.ts";
import { registerUser } from "../../harness/users.ts";
import { stateTypes } from "../../harness/room-state.ts";

const presets = [
  ["private_chat", "invite", "shared", "can_join"],
  ["trusted_private_chat", "invite", "shared", "can_join"],
  ["public_chat", "public", "shared", "forbidden"],
] as const;

for (const [preset, joinRule, visibility, guests] of presets) {
  clause(
    clientApi("post_matrixclientv3createroom"),
    `the preset ${preset} sets join rule, history visibility and guest access`,
    async () => {
      const alice = await registerUser(theSubject());
      const roomId = await alice.createRoom({ preset });
      const state = await stateTypes(alice, roomId);
      mustEqual(state.get("m.room.join_rules|")?.content["join_rule"], joinRule, "join_rule");
      const { content } = state.get("m.room.history_visibility|") ?? {};
      mustEqual(content?.["history_visibility"], visibility, "history_visibility");
      const access = state.get("m.room.guest_access|")?.content["guest_access"] ?? "forbidden";
      mustEqual(access, guests, "guest_access");
    },
  );
}

clause(
  clientApi("post_matrixclientv3createroom"),
  "without a preset the visibility decides",
  async () => {
    const alice = await registerUser(theSubject());
    const open = await stateTypes(alice, await alice.createRoom({ visibility: "public" }));
    mustEqual(
      open.get("m.room.join_rules|")?.content["join_rule"],
      "public",
      "join_rule of a public room",
    );
    const closed = await stateTypes(alice, await alice.createRoom({}));
    mustEqual(
      closed.get("m.room.join_rules|")?.content["join_rule"],
      "invite",
      "join_rule of a private room",
    );
  },
);

clause(
  clientApi("creation"),
  "name, topic, alias, initial state, invitations and content of the create event all arrive",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const bob = await registerUser(theSubject(), "bob");
    const local = unique("alias");
    const roomId = await alice.createRoom({
      name: "The Name",
      topic: "The Topic",
      room_alias_name: local,
      invite: [bob.userId],
      is_direct: true,
      creation_content: { "m.federate": false, "org.example.more": "kept", room_version: "1" },
      initial_state: [
        { type: "m.room.join_rules", state_key: "", content: { join_rule: "public" } },
        { type: "org.example.first", content: { a: 1 } },
      ],
      power_level_content_override: {
        events_default: 7,
        users: { [alice.userId]: 100, [bob.userId]: 9 },
      },
      room_version: "11",
    });
    const state = await stateTypes(alice, roomId);
    const content = (place: string) => state.get(place)?.content;
    mustEqual(content("m.room.name|")?.["name"], "The Name", "name");
    mustEqual(content("m.room.topic|")?.["topic"], "The Topic", "topic");
    const alias = `#${local}:${theSubject().serverName}`;
    mustEqual(content("m.room.canonical_alias|")?.["alias"], alias, "canonical alias");
    mustMatch(
      content("m.room.create|"),
      { "m.federate": false, "org.example.more": "kept", room_version: "11" },
      "create event",
    );
    mustEqual(content("m.room.join_rules|")?.["join_rule"], "public", "initial state over preset");
    mustEqual(content("org.example.first|"), { a: 1 }, "initial state");
    mustMatch(
      content(`m.room.member|${bob.userId}`),
      { membership: "invite", is_direct: true },
      "invitation",
    );
    mustMatch(
      content("m.room.power_levels|"),
      { events_default: 7, users: { [bob.userId]: 9 } },
      "levels",
    );
    const { room_id } = await bob.call("getRoomIdByAlias", { path: { roomAlias: alias } });
    mustEqual(room_id, roomId, "the alias's room");
  },
);

clause(
  clientApi("post_matrixclientv3createroom"),
  "an alias that is taken is M_ROOM_IN_USE",
  async () => {
    const alice = await registerUser(theSubject());
    const body = { room_alias_name: unique("alias") };
    await alice.createRoom(body);
    await mustFail(alice.request("createRoom", { body }), 400, "M_ROOM_IN_USE");
  },
);

clause(
  clientApi("post_matrixclientv3createroom"),
  "a room version that nobody knows is M_UNSUPPORTED_ROOM_VERSION",
  async () => {
    const alice = await registerUser(theSubject());
    const body = { room_version: "org.example.unheard-of" };
    await mustFail(alice.request("createRoom", { body }), 400, "M_UNSUPPORTED_ROOM_VERSION");
  },
);

for (const version of ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"]) {
  clause(
    "rooms#complete-list-of-room-versions",
    `a room of version ${version} can be made, joined and spoken in`,
    async () => {
      const alice = await registerUser(theSubject(), "alice");
      const bob = await registerUser(theSubject(), "bob");
      const roomId = await alice.createRoom({ room_version: version, preset: "public_chat" });
      await bob.join(roomId);
      const eventId = await bob.send(roomId, "hello");
      mustEqual(
        /:/.test(eventId),
        version === "1" || version === "2",
        "whether the event id has a server part",
      );
      mustEqual(
        /[+/]/.test(eventId) && version > "3" && version.length === 1,
        false,
        "unsafe characters",
      );
      const create = await alice.getState(roomId, "m.room.create");
      mustEqual(create["room_version"] ?? "1", version, "room_version");
      const creator = Number(version) <= 10 ? alice.userId : undefined;
      mustEqual(create["creator"], creator, "creator in the create event");
    },
  );
}

clause(
  clientApi("post_matrixclientv3createroom"),
  "nobody without a session makes rooms",
  async () => {
    await mustFail(
      createClient(theSubject(), "nonsense").request("createRoom"),
      401,
      "M_UNKNOWN_TOKEN",
    );
  },
);
