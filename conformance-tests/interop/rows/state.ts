import { asText } from "../../harness/json.ts";
import { eventually, mustBe403, mustEqual } from "../../harness/must.ts";
import { ask } from "../ask.ts";
import {
  agree,
  arrives,
  fullState,
  memberBecomes,
  sameHistory,
  sameState,
  stateBecomes,
  wholeHistory,
} from "../compare.ts";
import { sentId } from "../../harness/users.ts";
import { roomVersions } from "../../harness/room-versions.ts";
import type { Lane } from "../lane.ts";
import type { Row } from "../row.ts";

/** What a room's state does. */
export const state: readonly Row[] = [
  {
    name: "power levels",
    async run({ alice, bob, roomId }) {
      const topic = (text: string) => ({
        path: { roomId, eventType: "m.room.topic", stateKey: "" },
        body: { topic: text },
      });
      await mustBe403(bob.request("setRoomStateWithKey", topic("bob may not")));
      const levels = await alice.getState(roomId, "m.room.power_levels");
      const users = { ...(levels["users"] as object), [bob.userId]: 50 };
      const raised = { ...levels, users };
      await arrives(
        bob,
        alice,
        roomId,
        await alice.setState(roomId, "m.room.power_levels", raised),
      );
      const now = sentId(await bob.call("setRoomStateWithKey", topic("bob may now")));
      await arrives(alice, bob, roomId, now);
      const tooMuch = { ...levels, users: { ...users, [bob.userId]: 100 } };
      const path = { roomId, eventType: "m.room.power_levels", stateKey: "" };
      await mustBe403(bob.request("setRoomStateWithKey", { path, body: tooMuch }));
      await sameState([alice, bob], roomId);
    },
  },
  {
    name: "state of all kinds",
    async run({ alice, bob, roomId }) {
      const ids = [
        await alice.setState(roomId, "m.room.avatar", { url: "mxc://example.org/none" }),
        await alice.setState(roomId, "m.room.guest_access", { guest_access: "forbidden" }),
        await alice.setState(
          roomId,
          "org.example.note",
          { text: "héllo 🎉", list: [1, null] },
          "k",
        ),
        await alice.setState(roomId, "m.room.pinned_events", { pinned: [] }),
      ];
      for (const id of ids) await arrives(bob, alice, roomId, id);
      await arrives(
        alice,
        bob,
        roomId,
        await bob.setState(roomId, "m.room.name", { name: "Bob's" }),
      );
      await sameState([alice, bob], roomId);
    },
  },
  {
    name: "aliases",
    async run({ alice, bob, carol, roomId, near, version, creator }) {
      const name = `alias-${version}-${creator}-${Date.now()}`;
      const alias = `#${name}:${near.subject.serverName}`;
      await alice.call("setRoomAlias", { path: { roomAlias: alias }, body: { room_id: roomId } });
      const set = await alice.setState(roomId, "m.room.canonical_alias", { alias });
      await arrives(bob, alice, roomId, set);
      const found = await bob.call("getRoomIdByAlias", { path: { roomAlias: alias } });
      mustEqual(found.room_id, roomId, "the room of the alias");
      await carol.leave(roomId);
      await memberBecomes(alice, roomId, carol, "leave");
      mustEqual(await carol.join(alias), roomId, "the room joined by alias");
      await memberBecomes(alice, roomId, carol, "join");
      await alice.call("deleteRoomAlias", { path: { roomAlias: alias } });
      const gone = await bob.request("getRoomIdByAlias", { path: { roomAlias: alias } });
      mustEqual(gone.status, 404, "the status for a deleted alias");
    },
  },
  { name: "history visibility", run: visibility },
  { name: "upgrade", run: upgrade },
  { name: "server ACL", run: accessList },
];

async function visibility({ alice, bob, near, version }: Lane): Promise<void> {
  const roomId = await alice.createRoom({ preset: "private_chat", room_version: version });
  const is = (history_visibility: string) =>
    alice.setState(roomId, "m.room.history_visibility", { history_visibility });
  await alice.send(roomId, "shared, before");
  await is("joined");
  await alice.send(roomId, "joined, before");
  await is("invited");
  await alice.send(roomId, "invited, before the invite");
  await alice.invite(roomId, bob.userId);
  await alice.send(roomId, "invited, after the invite");
  await bob.join(roomId, [near.subject.serverName]);
  await memberBecomes(alice, roomId, bob, "join");
  await arrives(bob, alice, roomId, await alice.send(roomId, "after the join"));
  const wanted = ["after the join", "invited, after the invite", "shared, before"];
  await agree("what bob may read", async () => {
    const read = (await wholeHistory(bob, roomId))
      .filter((event) => event.type === "m.room.message")
      .map((event) => asText(event.content["body"]));
    const same = read.join(", ") === wanted.join(", ");
    return same ? [] : [`${bob.userId} reads ${read.join("; ")}`];
  });
}

async function upgrade({ alice, bob, near, version }: Lane): Promise<void> {
  const roomId = await alice.createRoom({
    preset: "public_chat",
    room_version: version,
    name: "To be upgraded",
  });
  await bob.join(roomId, [near.subject.serverName]);
  await memberBecomes(alice, roomId, bob, "join");
  const next = roomVersions[Math.min(Number(version), roomVersions.length - 1)]!.id;
  const body = { new_version: next };
  const made = await ask(alice, "POST", ["v3", "rooms", roomId, "upgrade"], { body });
  const replacement = asText(made["replacement_room"]);
  await stateBecomes(
    bob,
    roomId,
    "m.room.tombstone",
    "",
    (content) => content["replacement_room"] === replacement,
  );
  await sameState([alice, bob], roomId);
  await bob.join(replacement, [near.subject.serverName]);
  await memberBecomes(alice, replacement, bob, "join");
  await sameState([alice, bob], replacement);
  await sameHistory([alice, bob], replacement);
  const create = (await fullState(bob, replacement)).find(({ type }) => type === "m.room.create");
  const predecessor = create?.content["predecessor"] as { room_id?: string } | undefined;
  mustEqual(predecessor?.room_id, roomId, "the predecessor");
}

async function accessList({ alice, bob, near, far, version }: Lane): Promise<void> {
  const roomId = await alice.createRoom({ preset: "public_chat", room_version: version });
  await bob.join(roomId, [near.subject.serverName]);
  await memberBecomes(alice, roomId, bob, "join");
  const list = (deny: string[]) =>
    alice.setState(roomId, "m.room.server_acl", { allow: ["*"], deny, allow_ip_literals: true });
  await arrives(bob, alice, roomId, await list(["evil.example.org"]));
  await arrives(alice, bob, roomId, await bob.send(roomId, "allowed"));
  // Names in the list have no port.
  const name = far.subject.serverName.split(":")[0]!;
  // The creating server is of the same host: it would shut itself out, which changes nothing at home.
  await list([name]);
  await alice.send(roomId, "to nobody else");
  const denied = await eventually("bob is told of the list or denied", async () => {
    return bob.send(roomId, "denied");
  });
  const answer = await alice.request("getOneRoomEvent", { path: { roomId, eventId: denied } });
  mustEqual(answer.status, 404, "the status of a denied message");
}
