import { clause, theSubject, serverApi } from "../../harness/clause.ts";
import { unique } from "../../harness/client.ts";
import { createExchange } from "../../harness/exchange.ts";
import type { Json, JsonObject } from "../../harness/json.ts";
import { must, mustEqual, mustFail } from "../../harness/must.ts";
import { roomWithPeer, say, toldUpToMarker } from "../../harness/scenes.ts";
import { syncToken } from "../../harness/sync.ts";
import { withPeer, mustKeepTheProtocol } from "../../harness/with-peer.ts";
import { authorizationHeader } from "../../harness/x-matrix.ts";

const here = withPeer();

clause(
  serverApi("transactions"),
  "a transaction that is none is refused: no JSON, no list of PDUs, no object",
  async () => {
    const { peer } = here;
    const exchange = createExchange(theSubject().ca);
    const put = (text: string, content: Json) => {
      const uri = `/_matrix/federation/v1/send/${unique("txn")}`;
      const { serverName: destination } = theSubject();
      const parts = { method: "PUT", uri, origin: peer.serverName, destination, content };
      const authorization = authorizationHeader(parts, peer.key);
      const headers = { authorization, "content-type": "application/json", host: destination };
      return exchange({
        url: `${theSubject().federationUrl}${uri}`,
        method: "PUT",
        headers,
        body: text,
      });
    };
    const refused = [400, 401];
    await mustFail(put("{", {}), refused);
    await mustFail(put("[]", []), refused);
    const base = { origin: peer.serverName, origin_server_ts: 1 };
    for (const wrong of [
      { ...base, pdus: {} },
      { ...base, pdus: "none" },
      { ...base, pdus: [], edus: 7 },
    ]) {
      await mustFail(put(JSON.stringify(wrong), wrong), 400);
    }
  },
);

clause(
  serverApi("put_matrixfederationv1sendtxnid"),
  "PDUs of no shape do not keep the good one from arriving",
  async () => {
    const { peer } = here;
    const scene = await roomWithPeer(peer);
    const { alice, mallory, room, roomId } = scene;
    const since = await syncToken(alice);
    const good = say(room, mallory, "good");
    const base = room.build({ type: "org.example.x", sender: mallory, content: {} }) as JsonObject;
    const bad: JsonObject[] = [
      { room_id: roomId },
      { ...base, sender: 7 },
      { ...base, content: "text" },
      { ...base, prev_events: "none" },
      { ...base, auth_events: [7] },
      { ...base, depth: -1 },
      { ...base, depth: "1" },
      { ...base, type: "x".repeat(300) },
      { ...base, state_key: 7 },
      { ...base, hashes: null },
      { ...base, origin_server_ts: "now" },
      { ...base, signatures: [] },
      { ...base, content: { text: "x".repeat(70_000) } },
    ];
    await peer.request("sendTransaction", {
      path: { txnId: unique("txn") },
      body: { origin: peer.serverName, origin_server_ts: Date.now(), pdus: [...bad, good] },
    });
    const seen = await toldUpToMarker(scene, since, async () => {
      const marker = say(room, mallory, "marker");
      await peer.sendGood(marker);
      return room.idOf(marker);
    });
    mustEqual(seen.length, 2, "events that were let through");
    must(seen.includes(room.idOf(good)), "the good event did not arrive");
  },
);

clause(
  serverApi("put_matrixfederationv1sendtxnid"),
  "fifty PDUs in one transaction arrive in order",
  async () => {
    const { peer } = here;
    const scene = await roomWithPeer(peer);
    const { alice, mallory, room } = scene;
    const since = await syncToken(alice);
    const pdus = Array.from({ length: 50 }, (_, i) => say(room, mallory, `number ${i}`));
    await peer.sendGood(...pdus);
    const ids = pdus.map((pdu) => room.idOf(pdu));
    const seen = await toldUpToMarker(scene, since, async () => {
      const marker = say(room, mallory, "marker");
      await peer.sendGood(marker);
      return room.idOf(marker);
    });
    mustEqual(seen.slice(0, -1), ids, "events");
  },
);

clause(serverApi("pdus"), "a transaction that tells its PDUs backwards still arrives", async () => {
  const { peer } = here;
  const scene = await roomWithPeer(peer);
  const { alice, mallory, room } = scene;
  const since = await syncToken(alice);
  const pdus = Array.from({ length: 6 }, (_, i) => say(room, mallory, `number ${i}`));
  await peer.send(pdus.toReversed());
  const seen = await toldUpToMarker(scene, since, async () => {
    const marker = say(room, mallory, "marker");
    await peer.sendGood(marker);
    return room.idOf(marker);
  });
  mustEqual(
    seen.slice(0, -1),
    pdus.map((pdu) => room.idOf(pdu)),
    "events",
  );
});

mustKeepTheProtocol(here);
