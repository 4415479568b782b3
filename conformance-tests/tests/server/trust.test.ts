import { clause, theSubject } from "../../harness/clause.ts";
import type { Json, JsonObject } from "../../harness/json.ts";
import { must, mustEqual } from "../../harness/must.ts";
import { Peer } from "../../harness/peer.ts";
import { roomWithPeer, say, textOf, toldUpToMarker } from "../../harness/scenes.ts";
import { createSigningKey, signJson } from "../../harness/signing.ts";
import { syncToken } from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import { withPeer, mustKeepTheProtocol } from "../../harness/with-peer.ts";

const here = withPeer();

const message = (sender: string, body = "hello") => ({
  type: "m.room.message",
  sender,
  content: textOf(body),
});

clause(
  "rooms/v5#signing-key-validity-period",
  "an old key vouches for what was signed in its time, and for nothing after",
  async () => {
    const peer = await Peer.start(theSubject());
    try {
      const oldKey = createSigningKey();
      const expired = Date.now() - 3600_000;
      const restore = peer.answer("getServerKey", () => {
        const { signatures: _, ...document } = peer.keyDocument();
        const old_verify_keys = { [oldKey.keyId]: { key: oldKey.publicKey, expired_ts: expired } };
        return { body: signJson({ ...document, old_verify_keys }, peer.serverName, peer.key) };
      });
      const scene = await roomWithPeer(peer, { room_version: "10" });
      const { alice, mallory, room } = scene;
      const since = await syncToken(alice);
      const withOldKey = (timestamp: number) => {
        const signer = Object.assign(peer.roomOfVersion("10"), {
          signer: { serverName: peer.serverName, key: oldKey },
        });
        return signer.seal(room.draft({ ...message(mallory, "by the old key"), timestamp }));
      };
      const inTime = withOldKey(expired - 60_000);
      const late = withOldKey(expired + 60_000);
      await peer.send([inTime, late]);
      const seen = await toldUpToMarker(scene, since, async () => {
        const marker = say(room, mallory, "marker");
        await peer.sendGood(marker);
        return room.idOf(marker);
      });
      must(seen.includes(room.idOf(inTime)), "what the key signed in its time was not let through");
      must(!seen.includes(room.idOf(late)), "what the key signed after its time was let through");
      restore();
    } finally {
      await peer.stop();
    }
  },
  60_000,
);

clause(
  "server-server-api#joining-rooms",
  "a template for somebody else, or of an unknown version, is not signed",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const bob = await registerUser(theSubject(), "bob");
    const room = peer.createRoom({ version: "10", creator: peer.user("mallory") });
    const join = () =>
      alice.request("joinRoom", {
        path: { roomIdOrAlias: room.roomId },
        query: { via: peer.serverName, server_name: peer.serverName },
      });
    const answerWith = (event: JsonObject, room_version: string) =>
      peer.answer("makeJoin", () => ({ body: { event, room_version } }));
    const template = (userId: string) =>
      room.draft({
        type: "m.room.member",
        sender: userId,
        stateKey: userId,
        content: { membership: "join" },
      });
    let restore = answerWith(template(alice.userId), "org.example.unheard-of");
    const answer = await join();
    must(answer.status >= 400, "a join to a room of unknown version succeeded");
    restore();
    restore = answerWith(template(bob.userId), "10");
    await join();
    restore();
    mustEqual(room.membershipOf(bob.userId), undefined, "bob, who never asked to join");
  },
);

clause(
  "server-server-api#joining-rooms",
  "when one server of the via list is gone the next is asked",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const room = peer.createRoom({ version: "10", creator: peer.user("mallory") });
    const gone = await Peer.start(theSubject());
    const name = gone.serverName;
    await gone.stop();
    mustEqual(await alice.join(room.roomId, [name, peer.serverName]), room.roomId, "room_id");
  },
);

clause(
  "server-server-api#inviting-to-a-room",
  "a peer that does not know invites of version 2 is asked by version 1",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const roomId = await alice.createRoom({ room_version: "1" });
    const restore = peer.answer("sendInviteV2", () => ({
      status: 404,
      body: { errcode: "M_UNRECOGNIZED", error: "unknown path" },
    }));
    try {
      await alice.invite(roomId, peer.user("guest"));
    } finally {
      restore();
    }
    must(
      peer.inbound.some(({ operation }) => operation === "sendInviteV1"),
      "the first version was not tried",
    );
  },
);

clause(
  "server-server-api#pdus",
  "unsigned things that a peer says of its events are not believed",
  async () => {
    const { peer } = here;
    const scene = await roomWithPeer(peer);
    const { alice, mallory, roomId, room } = scene;
    const since = await syncToken(alice);
    const pdu = room.append(message(mallory, "with a story"));
    const told: Json = {
      redacted_because: { type: "m.room.redaction" },
      transaction_id: "alice's",
      prev_content: { a: 1 },
    };
    await peer.send([{ ...pdu, unsigned: told }]);
    const seen = await toldUpToMarker(scene, since, () => alice.send(roomId, "marker"));
    must(seen.includes(room.idOf(pdu)), "the event did not arrive");
    const event = (await alice.call("getOneRoomEvent", {
      path: { roomId, eventId: room.idOf(pdu) },
    })) as unknown as { unsigned?: JsonObject };
    for (const name of ["redacted_because", "transaction_id", "prev_content"]) {
      mustEqual(event.unsigned?.[name], undefined, `unsigned.${name}`);
    }
  },
);

mustKeepTheProtocol(here);
