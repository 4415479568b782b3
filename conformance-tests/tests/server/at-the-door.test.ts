import { clause, theSubject, serverApi } from "../../harness/clause.ts";
import { unique } from "../../harness/client.ts";
import { must, mustEqual } from "../../harness/must.ts";
import {
  joinFromPeer,
  roomOfPeer,
  roomWithPeer,
  say,
  toldUpToMarker,
} from "../../harness/scenes.ts";
import { ephemeralOf, syncToken, syncUntil } from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import { withPeer, mustKeepTheProtocol } from "../../harness/with-peer.ts";

const here = withPeer();

clause(
  "client-server-api#size-limits",
  "a peer's event of more than 65,536 bytes is refused",
  async () => {
    const { peer } = here;
    const scene = await roomWithPeer(peer);
    const { alice, mallory, room } = scene;
    const since = await syncToken(alice);
    const before = [...room.newest];
    const big = room.build({
      type: "org.example.big",
      sender: mallory,
      content: { text: "x".repeat(66_000) },
    });
    await peer.send([big]);
    const seen = await toldUpToMarker(scene, since, async () => {
      const marker = say(room, mallory, "marker", before);
      await peer.sendGood(marker);
      return room.idOf(marker);
    });
    must(!seen.includes(room.idOf(big)), "it was let through");
  },
);

clause(
  serverApi("typing-notifications"),
  "typing of somebody who is not in the room is not told",
  async () => {
    const { peer } = here;
    const { alice, mallory, roomId } = await roomWithPeer(peer);
    const since = await syncToken(alice);
    const typing = (user_id: string) => ({
      edu_type: "m.typing",
      content: { room_id: roomId, user_id, typing: true },
    });
    await peer.send([], [typing(peer.user("stranger"))]);
    await peer.send([], [typing(mallory)]);
    const typists = (body: Parameters<typeof ephemeralOf>[0]) =>
      ephemeralOf(body, roomId).findLast((event) => event.type === "m.typing")?.content["user_ids"];
    const body = await syncUntil(alice, "typing", (seen) => typists(seen) !== undefined, { since });
    mustEqual(typists(body), [mallory], "who is typing");
  },
);

clause(
  serverApi("server-access-control-lists-acls"),
  "typing from a server that the ACL shuts out is not told",
  async () => {
    const { peer } = here;
    const scene = await roomWithPeer(peer);
    const { alice, mallory, roomId } = scene;
    await alice.setState(roomId, "m.room.server_acl", { allow: ["*"], deny: ["localhost"] });
    const since = await syncToken(alice);
    const content = { room_id: roomId, user_id: mallory, typing: true };
    await peer.send([], [{ edu_type: "m.typing", content }]);
    const marker = await alice.send(roomId, "marker");
    const body = await syncUntil(
      alice,
      "the marker",
      (seen) => JSON.stringify(seen).includes(marker),
      { since },
    );
    must(!JSON.stringify(ephemeralOf(body, roomId)).includes(mallory), "it was told");
  },
);

clause(
  serverApi("joining-rooms"),
  "a room of three hundred members and their avatars can be joined",
  async () => {
    const { peer } = here;
    const mallory = peer.user("mallory");
    const alice = await registerUser(theSubject(), "alice");
    const room = peer.createRoom({ version: "11", creator: mallory });
    const members = Array.from({ length: 300 }, (_, i) => peer.user(`member${i}`));
    for (const userId of members) {
      const content = {
        membership: "join",
        displayname: `Member ${userId}`,
        avatar_url: "mxc://example.org/x",
      };
      room.append({ type: "m.room.member", sender: userId, stateKey: userId, content });
    }
    const begin = performance.now();
    await alice.join(room.roomId, [peer.serverName]);
    const { joined } = await alice.call("getJoinedMembersByRoom", {
      path: { roomId: room.roomId },
    });
    mustEqual(Object.keys(joined ?? {}).length, 302, "joined members");
    must(performance.now() - begin < 60_000, "it took more than 60 s");
  },
);

clause(
  serverApi("pdus"),
  "users of a peer who leave and join again are told as they are",
  async () => {
    const { peer } = here;
    const scene = await roomOfPeer(peer);
    const { alice, roomId, room } = scene;
    const carol = await joinFromPeer(peer, scene, "carol");
    const member = (membership: string) =>
      room.append({
        type: "m.room.member",
        sender: carol,
        stateKey: carol,
        content: { membership },
      });
    await peer.sendGood(member("leave"), member("join"), member("leave"));
    const since = await syncToken(alice);
    await toldUpToMarker(scene, since, () => alice.send(roomId, "marker"));
    mustEqual(
      (await alice.getState(roomId, "m.room.member", carol))["membership"],
      "leave",
      "membership",
    );
  },
);

clause(
  "client-server-api#get_matrixclientv1mediadownloadservernamemediaid",
  "media of a peer is fetched only when that is wanted",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const mediaId = unique("media").replaceAll("-", "");
    peer.media.set(mediaId, { type: "text/plain", bytes: Buffer.from("from afar") });
    const path = { serverName: peer.serverName, mediaId };
    const query = { allow_remote: false };
    const answer = await alice.request("getContent", { path, query });
    must(answer.status === 404, `with allow_remote=false it answers ${answer.status}`);
  },
);

mustKeepTheProtocol(here);
