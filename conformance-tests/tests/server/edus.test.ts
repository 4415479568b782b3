import { isDeepStrictEqual } from "node:util";
import { clause, theSubject, serverApi } from "../../harness/clause.ts";
import type { JsonObject } from "../../harness/json.ts";
import { must, mustEqual } from "../../harness/must.ts";
import { roomWithPeer, say, untilPeerHas } from "../../harness/scenes.ts";
import type { ClientEvent, SyncBody } from "../../harness/shapes.ts";
import { ephemeralOf, syncToken, syncUntil, untilEvent } from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import { withPeer, mustKeepTheProtocol } from "../../harness/with-peer.ts";

const here = withPeer();
const edu = (edu_type: string, content: JsonObject) => ({ edu_type, content });
const typists = (body: SyncBody, roomId: string) =>
  ephemeralOf(body, roomId).findLast((event) => event.type === "m.typing")?.content["user_ids"];

clause(serverApi("typing-notifications"), "typing goes to the peer and comes from it", async () => {
  const { peer } = here;
  const { alice, mallory, roomId } = await roomWithPeer(peer);
  const path = { roomId, userId: alice.userId };
  await alice.call("setTyping", { path, body: { typing: true, timeout: 30_000 } });
  const is = (typing: boolean) => (content: JsonObject) =>
    content["room_id"] === roomId &&
    content["user_id"] === alice.userId &&
    content["typing"] === typing;
  await peer.awaitEdu("m.typing", is(true));
  await alice.call("setTyping", { path, body: { typing: false } });
  await peer.awaitEdu("m.typing", is(false));
  const since = await syncToken(alice);
  await peer.send([], [edu("m.typing", { room_id: roomId, user_id: mallory, typing: true })]);
  const body = await syncUntil(
    alice,
    "mallory typing",
    (seen) => isDeepStrictEqual(typists(seen, roomId), [mallory]),
    { since },
  );
  await peer.send([], [edu("m.typing", { room_id: roomId, user_id: mallory, typing: false })]);
  await syncUntil(
    alice,
    "nobody typing",
    (seen) => JSON.stringify(typists(seen, roomId)) === "[]",
    {
      since: body.next_batch,
    },
  );
});

clause(
  serverApi("receipts"),
  "receipts go to the peer and come from it, private ones stay",
  async () => {
    const { peer } = here;
    const { alice, mallory, roomId, room } = await roomWithPeer(peer);
    const message = say(room, mallory, "read me");
    await peer.sendGood(message);
    const since = (await untilEvent(alice, roomId, room.idOf(message))).next_batch;
    const eventId = room.idOf(message);
    await alice.call("postReceipt", {
      path: { roomId, receiptType: "m.read.private", eventId },
      body: {},
    });
    await alice.call("postReceipt", { path: { roomId, receiptType: "m.read", eventId }, body: {} });
    const content = await peer.awaitEdu("m.receipt", (each) => {
      const kinds = each[roomId] as JsonObject | undefined;
      return JSON.stringify((kinds?.["m.read"] as JsonObject)?.[alice.userId] ?? "").includes(
        eventId,
      );
    });
    must(
      !JSON.stringify([content, peer.edus]).includes("m.read.private"),
      "a private receipt left the server",
    );
    const hers = await alice.send(roomId, "and you read me");
    await untilPeerHas(peer, room, hers);
    const receipt = { data: { ts: Date.now() }, event_ids: [hers] };
    await peer.send([], [edu("m.receipt", { [roomId]: { "m.read": { [mallory]: receipt } } })]);
    await syncUntil(
      alice,
      "mallory's receipt",
      (seen) =>
        ephemeralOf(seen, roomId).some(
          (event) =>
            event.type === "m.receipt" &&
            JSON.stringify(event.content[hers] ?? "").includes(mallory),
        ),
      { since },
    );
  },
);

clause(serverApi("presence"), "a server that comes into a room is told who is there", async () => {
  const { peer } = here;
  const alice = await registerUser(theSubject(), "alice");
  const roomId = await alice.createRoom({ preset: "public_chat", room_version: "10" });
  await alice.call("setPresence", {
    path: { userId: alice.userId },
    body: { presence: "online", status_msg: "before you came" },
  });
  await peer.joinRoom(roomId, peer.user("mallory"));
  await peer.awaitEdu("m.presence", (content) =>
    ((content["push"] ?? []) as JsonObject[]).some(
      (each) => each["user_id"] === alice.userId && each["status_msg"] === "before you came",
    ),
  );
});

clause(serverApi("presence"), "presence goes to the peer and comes from it", async () => {
  const { peer } = here;
  const { alice, mallory } = await roomWithPeer(peer);
  await alice.call("setPresence", {
    path: { userId: alice.userId },
    body: { presence: "unavailable", status_msg: "at the loom" },
  });
  const pushes = (content: JsonObject) => (content["push"] ?? []) as JsonObject[];
  await peer.awaitEdu("m.presence", (content) =>
    pushes(content).some(
      (each) => each["user_id"] === alice.userId && each["status_msg"] === "at the loom",
    ),
  );
  const since = await syncToken(alice);
  const push = [
    { user_id: mallory, presence: "online", last_active_ago: 1000, status_msg: "weaving" },
  ];
  await peer.send([], [edu("m.presence", { push })]);
  await syncUntil(
    alice,
    "mallory's presence",
    (seen) =>
      ((seen.presence?.events ?? []) as unknown as ClientEvent[]).some(
        (event) => event.sender === mallory && event.content["status_msg"] === "weaving",
      ),
    { since },
  );
});

clause(
  serverApi("edus"),
  "EDUs in the name of other servers' users, malformed ones and unknown ones do nothing",
  async () => {
    const { peer } = here;
    const { alice, mallory, roomId, room } = await roomWithPeer(peer);
    const since = await syncToken(alice);
    await peer.send(
      [],
      [
        edu("m.typing", { room_id: roomId, user_id: alice.userId, typing: true }),
        edu("m.typing", { room_id: roomId }),
        edu("m.receipt", {
          [roomId]: { "m.read": { [alice.userId]: { data: { ts: 1 }, event_ids: ["$x"] } } },
        }),
        edu("m.presence", { push: "nobody" }),
        edu("org.example.unknown", { any: "thing" }),
      ],
    );
    await peer.send([], [edu("m.typing", { room_id: roomId, user_id: mallory, typing: true })]);
    const body = await syncUntil(
      alice,
      "mallory typing",
      (seen) => typists(seen, roomId) !== undefined,
      { since },
    );
    mustEqual(typists(body, roomId), [mallory], "who is typing");
    must(!JSON.stringify(ephemeralOf(body, roomId)).includes("$x"), "the forged receipt is told");
    must(room.roomId === roomId, "another room");
  },
);

mustKeepTheProtocol(here);
