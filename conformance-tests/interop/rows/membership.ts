import { eventually, mustBe403, mustFail } from "../../harness/must.ts";
import { hasLeft, isInvited, syncToken, syncUntil } from "../../harness/sync.ts";
import type { User } from "../../harness/users.ts";
import { ask } from "../ask.ts";
import { agree, arrives, fullState, memberBecomes, sameState } from "../compare.ts";
import type { Lane } from "../lane.ts";
import type { Row } from "../row.ts";

/** Who is in a room, and how they come and go. The room of invites is kept in the lane's notes. */
export const membership: readonly Row[] = [
  {
    name: "kick",
    async run({ alice, bob, carol, roomId }) {
      const kicked = { user_id: carol.userId, reason: "for a while" };
      await alice.call("kick", { path: { roomId }, body: kicked });
      await memberBecomes(bob, roomId, carol, "leave");
      await sameState([alice, bob], roomId);
    },
  },
  {
    name: "ban and unban",
    async run({ alice, bob, carol, roomId, near }) {
      const body = { user_id: carol.userId };
      await alice.call("ban", { path: { roomId }, body });
      await memberBecomes(bob, roomId, carol, "ban");
      const query = { via: [near.subject.serverName], server_name: [near.subject.serverName] };
      await mustFail(carol.request("joinRoom", { path: { roomIdOrAlias: roomId }, query }), 403, [
        "M_FORBIDDEN",
        "M_BAD_STATE",
      ]);
      await alice.call("unban", { path: { roomId }, body });
      await memberBecomes(bob, roomId, carol, "leave");
      await carol.join(roomId, [near.subject.serverName]);
      await memberBecomes(alice, roomId, carol, "join");
      await sameState([alice, bob], roomId);
    },
  },
  {
    name: "leave and rejoin",
    async run({ alice, bob, carol, roomId, near, version }) {
      const own = await alice.createRoom({ preset: "public_chat", room_version: version });
      await bob.join(own, [near.subject.serverName]);
      await bob.leave(own);
      await memberBecomes(alice, own, bob, "leave");
      const missed = await alice.send(own, "while nobody of the other server was there");
      await alice.setState(own, "m.room.topic", { topic: "changed meanwhile" });
      await bob.join(own, [near.subject.serverName]);
      await memberBecomes(alice, own, bob, "join");
      await sameState([alice, bob], own);
      await agree("what was missed", async () => {
        const page = await bob.call("getRoomEvents", {
          path: { roomId: own },
          query: { dir: "b", limit: 50 },
        });
        const ids = page.chunk.map((event) => (event as unknown as { event_id: string }).event_id);
        return ids.includes(missed) ? [] : [`bob does not read ${missed}`];
      });
      await carol.leave(roomId);
      await memberBecomes(alice, roomId, carol, "leave");
      await carol.join(roomId, [near.subject.serverName]);
      await memberBecomes(alice, roomId, carol, "join");
    },
  },
  {
    name: "invite rejected from outside the room",
    async run(lane) {
      const { alice, carol, version } = lane;
      const roomId = await alice.createRoom({ preset: "private_chat", room_version: version });
      lane.notes.set("private", roomId);
      await invited(alice, carol, roomId);
      await carol.leave(roomId);
      await memberBecomes(alice, roomId, carol, "leave");
    },
  },
  {
    name: "invite taken back",
    async run({ alice, carol, notes }) {
      const roomId = notes.get("private")!;
      const since = await invited(alice, carol, roomId);
      await alice.call("kick", { path: { roomId }, body: { user_id: carol.userId } });
      await syncUntil(carol, "that the invite is gone", hasLeft(roomId), { since });
    },
  },
  {
    name: "knock",
    from: 7,
    async run({ alice, carol, near, notes }) {
      const roomId = notes.get("private")!;
      await alice.setState(roomId, "m.room.join_rules", { join_rule: "knock" });
      await knock(carol, roomId, near.subject.serverName);
      await memberBecomes(alice, roomId, carol, "knock");
      await invited(alice, carol, roomId);
      await carol.join(roomId, [near.subject.serverName]);
      await memberBecomes(alice, roomId, carol, "join");
      await sameState([alice, carol], roomId);
      await carol.leave(roomId);
      await memberBecomes(alice, roomId, carol, "leave");
    },
  },
  {
    name: "knock taken back",
    from: 7,
    // Synapse tells nobody when its user takes back a knock on a room that it isn't in.
    applies: ({ far }) => far.name !== "synapse",
    async run({ alice, erin, near, notes }) {
      const roomId = notes.get("private")!;
      await knock(erin, roomId, near.subject.serverName);
      await memberBecomes(alice, roomId, erin, "knock");
      await erin.leave(roomId);
      await memberBecomes(alice, roomId, erin, "leave");
    },
  },
  {
    name: "invite both ways",
    async run({ alice, bob, dave, near, notes }) {
      const roomId = notes.get("private")!;
      await invited(alice, bob, roomId);
      await bob.join(roomId, [near.subject.serverName]);
      await memberBecomes(alice, roomId, bob, "join");
      await invited(bob, dave, roomId);
      // Who is invited may hear of it before the room of the same server has it.
      await memberBecomes(alice, roomId, dave, "invite");
      await dave.join(roomId);
      await memberBecomes(bob, roomId, dave, "join");
      await sameState([alice, bob], roomId);
    },
  },
  { name: "restricted join", from: 8, run: restricted },
  { name: "knock on a restricted room", from: 10, run: knockRestricted },
];

/** Invites, and waits until the other is told; answers with the position after that. */
async function invited(by: User, whom: User, roomId: string): Promise<string> {
  const since = await syncToken(whom);
  await by.invite(roomId, whom.userId);
  const body = await syncUntil(whom, `an invite to ${roomId}`, isInvited(roomId), { since });
  const events = body.rooms?.invite?.[roomId]?.invite_state?.events ?? [];
  const types = events.map((event) => event.type);
  for (const type of ["m.room.create", "m.room.join_rules", "m.room.member"]) {
    if (!types.includes(type))
      throw new Error(`the invite says nothing of ${type}: ${types.join(", ")}`);
  }
  return body.next_batch;
}

async function knock(user: User, roomId: string, via: string): Promise<void> {
  const query = { via: [via], server_name: [via] };
  await ask(user, "POST", ["v3", "knock", roomId], { query, body: { reason: "please" } });
}

const allowing = (roomId: string) => [{ type: "m.room_membership", room_id: roomId }];

async function restricted(lane: Lane): Promise<void> {
  const { alice, bob, carol, erin, near, far, roomId: allowed, version, notes } = lane;
  const content = { join_rule: "restricted", allow: allowing(allowed) };
  const roomId = await alice.createRoom({
    preset: "private_chat",
    room_version: version,
    initial_state: [{ type: "m.room.join_rules", state_key: "", content }],
  });
  notes.set("restricted", roomId);
  await bob.join(roomId, [near.subject.serverName]);
  await memberBecomes(alice, roomId, bob, "join");
  const query = { via: [near.subject.serverName], server_name: [near.subject.serverName] };
  await mustBe403(erin.request("joinRoom", { path: { roomIdOrAlias: roomId }, query }));
  // The other server is in the room now, but none of its users may invite: it asks the first one.
  await carol.join(roomId, [near.subject.serverName, far.subject.serverName]);
  await memberBecomes(alice, roomId, carol, "join");
  await sameState([alice, bob], roomId);
}

async function knockRestricted(lane: Lane): Promise<void> {
  const { alice, bob, erin, near, roomId: allowed, notes } = lane;
  const roomId = notes.get("restricted")!;
  const rule = { join_rule: "knock_restricted", allow: allowing(allowed) };
  const changed = await alice.setState(roomId, "m.room.join_rules", rule);
  await arrives(bob, alice, roomId, changed);
  await knock(erin, roomId, near.subject.serverName);
  await memberBecomes(alice, roomId, erin, "knock");
  await bob.leave(roomId);
  await memberBecomes(alice, roomId, bob, "leave");
  await bob.join(roomId, [near.subject.serverName]);
  await memberBecomes(alice, roomId, bob, "join");
  await invited(alice, erin, roomId);
  await memberBecomes(bob, roomId, erin, "invite");
  await erin.join(roomId, [near.subject.serverName]);
  await eventually("all are in the room", async () => {
    const members = (await fullState(alice, roomId)).filter(
      (event) => event.type === "m.room.member" && event.content["membership"] === "join",
    );
    return members.length === 4;
  });
  await sameState([alice, bob], roomId);
}
