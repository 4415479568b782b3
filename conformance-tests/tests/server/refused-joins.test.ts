import { clause, theSubject, serverApi } from "../../harness/clause.ts";
import type { Pdu } from "../../harness/events.ts";
import type { JsonObject } from "../../harness/json.ts";
import { must, mustBe403, mustBe404, mustEqual, mustFail } from "../../harness/must.ts";
import { createSigningKey } from "../../harness/signing.ts";
import { registerUser } from "../../harness/users.ts";
import { withPeer, mustKeepTheProtocol } from "../../harness/with-peer.ts";

const here = withPeer();

clause(
  serverApi("get_matrixfederationv1make_joinroomiduserid"),
  "make_join tells which version a peer lacks, and which rooms it does not know",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const roomId = await alice.createRoom({ preset: "public_chat", room_version: "10" });
    const userId = peer.user("mallory");
    const make = (room: string, user: string, ver: string[]) =>
      peer.request("makeJoin", { path: { roomId: room, userId: user }, query: { ver } });
    const error = await mustFail(
      make(roomId, userId, ["1", "2"]),
      400,
      "M_INCOMPATIBLE_ROOM_VERSION",
    );
    mustEqual(error["room_version"], "10", "room_version");
    await mustFail(make("!none:elsewhere.example", userId, ["10"]), 404, "M_NOT_FOUND");
    await mustFail(make(roomId, alice.userId, ["10"]), [400, 403]);
  },
);

clause(
  serverApi("get_matrixfederationv1make_joinroomiduserid"),
  "a private room gives no template to a stranger",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const roomId = await alice.createRoom({ room_version: "10" });
    await mustBe403(
      peer.request("makeJoin", {
        path: { roomId, userId: peer.user("mallory") },
        query: { ver: ["10"] },
      }),
    );
  },
);

clause(
  serverApi("put_matrixfederationv2send_joinroomideventid"),
  "a join that is signed badly, for another, or is no join is refused",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const roomId = await alice.createRoom({ preset: "public_chat", room_version: "10" });
    const userId = peer.user("mallory");
    const made = await peer.call("makeJoin", { path: { roomId, userId }, query: { ver: ["10"] } });
    const template = {
      ...(made as unknown as { event: JsonObject }).event,
      origin_server_ts: Date.now(),
    };
    const room = peer.roomOfVersion("10");
    const send = (pdu: Pdu) =>
      peer.request("sendJoinV2", { path: { roomId, eventId: room.idOf(pdu) }, body: pdu });
    const good = room.seal(template);
    const forger = {
      serverName: peer.serverName,
      key: { ...createSigningKey(), keyId: peer.key.keyId },
    };
    const forged = peer.roomOfVersion("10");
    Object.assign(forged, { signer: forger });
    await mustFail(send(forged.seal(template)), [400, 401, 403]);
    await mustFail(send(room.seal({ ...template, content: { membership: "leave" } })), [400, 403]);
    await mustFail(send(room.seal({ ...template, state_key: peer.user("other") })), [400, 403]);
    await mustFail(
      peer.request("sendJoinV2", {
        path: { roomId: "!other:elsewhere.example", eventId: room.idOf(good) },
        body: good,
      }),
      [400, 403, 404],
    );
    mustEqual((await send(good)).status, 200, "the good join");
  },
);

clause(
  serverApi("joining-rooms"),
  "a join whose state is forged does not bring the forgery in",
  async () => {
    const { peer } = here;
    const alice = await registerUser(theSubject(), "alice");
    const mallory = peer.user("mallory");
    const room = peer.createRoom({ version: "10", creator: mallory });
    const topic = room.append({
      type: "m.room.topic",
      sender: mallory,
      stateKey: "",
      content: { topic: "true" },
    });
    const forged = {
      ...topic,
      content: { topic: "false" },
      signatures: { [peer.serverName]: { [peer.key.keyId]: "AAAA" } },
    };
    const restore = peer.answer("sendJoinV2", ({ body, path }) => {
      const before = room.stateEvents();
      const pdu = body as unknown as Pdu;
      room.add(pdu);
      const state = before.map((event) => (event.type === "m.room.topic" ? forged : event));
      must(path["roomId"] === room.roomId, "another room");
      return {
        body: {
          origin: peer.serverName,
          members_omitted: false,
          auth_chain: room.authChainOf([...before, pdu]),
          state,
          event: pdu,
        },
      };
    });
    const answer = await alice.request("joinRoom", {
      path: { roomIdOrAlias: room.roomId },
      query: { via: peer.serverName, server_name: peer.serverName },
    });
    restore();
    if (answer.status === 200) {
      await mustBe404(
        alice.request("getRoomStateWithKey", {
          path: { roomId: room.roomId, eventType: "m.room.topic", stateKey: "" },
        }),
      );
    }
  },
);

mustKeepTheProtocol(here);
