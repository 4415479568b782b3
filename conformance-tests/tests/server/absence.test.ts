import { clause, theSubject, serverApi } from "../../harness/clause.ts";
import { asText } from "../../harness/json.ts";
import { eventually, must, mustEqual, mustFail } from "../../harness/must.ts";
import { roomOfPeer, roomWithPeer, say, untilPeerHas } from "../../harness/scenes.ts";
import type { ClientEvent } from "../../harness/shapes.ts";
import { hasLeft, isInvited, syncUntil, untilEvent } from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import type { User } from "../../harness/users.ts";
import { withPeer, mustKeepTheProtocol } from "../../harness/with-peer.ts";

const here = withPeer();

async function readBack(
  user: User,
  roomId: string,
  until: (bodies: string[]) => boolean,
): Promise<string[]> {
  const bodies: string[] = [];
  let from: string | undefined;
  for (let i = 0; i < 30 && !until(bodies); i++) {
    const part = (await user.call("getRoomEvents", {
      path: { roomId },
      query: { dir: "b", limit: 10, from },
    })) as unknown as { chunk: ClientEvent[]; end?: string };
    for (const { type, content } of part.chunk)
      if (type === "m.room.message") bodies.push(asText(content["body"]));
    if (part.end === undefined) break;
    from = part.end;
  }
  return bodies;
}

clause(
  serverApi("backfilling-and-retrieving-missing-events"),
  "what was said while nobody of it was in a room is there after rejoining",
  async () => {
    const { peer } = here;
    const { alice, mallory, roomId, room } = await roomOfPeer(peer, { version: "10" });
    const first = say(room, mallory, "before");
    await peer.sendGood(first);
    await untilEvent(alice, roomId, room.idOf(first));
    await alice.leave(roomId);
    await eventually("alice's leave", async () => room.membershipOf(alice.userId) === "leave");
    for (let i = 0; i < 5; i++) say(room, mallory, `meanwhile ${i}`);
    await alice.join(roomId, [peer.serverName]);
    const last = say(room, mallory, "after");
    await peer.sendGood(last);
    await untilEvent(alice, roomId, room.idOf(last));
    const bodies = await readBack(alice, roomId, (seen) => seen.includes("before"));
    const meanwhile = Array.from({ length: 5 }, (_, i) => `meanwhile ${4 - i}`);
    mustEqual(bodies, ["after", ...meanwhile, "before"], "messages, newest first");
  },
);

clause(
  serverApi("joining-rooms"),
  "a second user of it enters a peer's room without asking the peer",
  async () => {
    const { peer } = here;
    const { roomId, room } = await roomOfPeer(peer);
    const bob = await registerUser(theSubject(), "bob");
    const before = peer.inbound.filter(({ operation }) => operation === "makeJoin").length;
    await bob.join(roomId);
    await eventually(
      "bob's join at the peer",
      async () => room.membershipOf(bob.userId) === "join",
    );
    mustEqual(
      peer.inbound.filter(({ operation }) => operation === "makeJoin").length,
      before,
      "requests for a template",
    );
  },
);

clause(
  serverApi("inviting-to-a-room"),
  "an invitation that a peer takes back is gone",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const mallory = peer.user("mallory");
    const room = peer.createRoom({ version: "10", creator: mallory, joinRule: "invite" });
    const member = (membership: string) =>
      room.build({
        type: "m.room.member",
        sender: mallory,
        stateKey: alice.userId,
        content: { membership },
      });
    const invite = member("invite");
    await peer.call("sendInviteV2", {
      path: { roomId: room.roomId, eventId: room.idOf(invite) },
      body: { event: invite, room_version: "10", invite_room_state: [] },
    });
    room.add(invite);
    const { next_batch } = await syncUntil(alice, "the invitation", isInvited(room.roomId));
    const leave = member("leave");
    room.add(leave);
    await peer.send([leave]);
    await syncUntil(alice, "the end of the invitation", hasLeft(room.roomId), {
      since: next_batch,
    });
    await mustFail(
      alice.request("joinRoom", {
        path: { roomIdOrAlias: room.roomId },
        query: { via: peer.serverName, server_name: peer.serverName },
      }),
      [400, 403, 404, 502],
    ).catch((error: unknown) => {
      // The peer has no rules of its own: it may have let alice in.
      must(room.membershipOf(alice.userId) === "join", String(error));
    });
  },
);

clause(
  serverApi("inviting-to-a-room"),
  "an invitation to a peer's user that is taken back is told to the peer",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const roomId = await alice.createRoom({ room_version: "10" });
    const guest = peer.user("guest");
    await alice.invite(roomId, guest);
    await alice.call("kick", { path: { roomId }, body: { user_id: guest } });
    await peer.awaitPdu(
      "the end of the invitation",
      (pdu) => pdu.state_key === guest && pdu.content["membership"] === "leave",
    );
  },
);

clause(serverApi("transactions"), "a peer that has no members left is told no more", async () => {
  const { peer } = here;
  const { alice, mallory, roomId, room } = await roomWithPeer(peer);
  const other = await roomWithPeer(peer);
  const leave = room.append({
    type: "m.room.member",
    sender: mallory,
    stateKey: mallory,
    content: { membership: "leave" },
  });
  await peer.sendGood(leave);
  await untilEvent(alice, roomId, room.idOf(leave));
  const secret = await alice.send(roomId, "now we are among ourselves");
  const marker = await other.alice.send(other.roomId, "marker");
  await untilPeerHas(peer, other.room, marker);
  must(!peer.pdus.some((pdu) => room.idOf(pdu) === secret), "the peer was told");
});

clause(serverApi("pdus"), "a new member of a peer is seen with their own name", async () => {
  const { peer } = here;
  const { alice, roomId, room } = await roomWithPeer(peer);
  const named = peer.user("named");
  await peer.sendGood(
    room.append({
      type: "m.room.member",
      sender: named,
      stateKey: named,
      content: { membership: "join", displayname: "Nadja" },
    }),
  );
  await eventually("nadja's name", async () => {
    const { joined } = await alice.call("getJoinedMembersByRoom", { path: { roomId } });
    return joined?.[named]?.display_name === "Nadja";
  });
});

mustKeepTheProtocol(here);
