import { clause, theSubject, serverApi } from "../../harness/clause.ts";
import { createExchange } from "../../harness/exchange.ts";
import type { JsonObject } from "../../harness/json.ts";
import { must, mustEqual, mustFail, mustMatch } from "../../harness/must.ts";
import { Peer } from "../../harness/peer.ts";
import { createSigningKey, verifyJson } from "../../harness/signing.ts";
import { withPeer, mustKeepTheProtocol } from "../../harness/with-peer.ts";
import { authorizationHeader } from "../../harness/x-matrix.ts";

const here = withPeer();

/** Something that any signed request may ask. */
const ask = (peer: Peer, call: object = {}) =>
  peer.request("queryProfile", {
    query: { user_id: `@nobody:${theSubject().serverName}` },
    ...call,
  });

clause(
  serverApi("publishing-keys"),
  "the server publishes its keys, signed with each of them",
  async () => {
    const keys = await here.peer.subjectKeys();
    must(keys.size > 0, "no keys");
    const document = (await here.peer.call("getServerKey")) as unknown as JsonObject;
    mustEqual(document["server_name"], theSubject().serverName, "server_name");
    must(Number(document["valid_until_ts"]) > Date.now() + 60_000, "valid_until_ts is over");
  },
);

clause(
  serverApi("get_matrixfederationv1version"),
  "the version can be asked by anybody",
  async () => {
    const answer = await here.peer.request("getVersion", { authorization: null });
    const { server } = answer.body as { server?: { name?: unknown; version?: unknown } };
    must(
      typeof server?.name === "string" && typeof server.version === "string",
      "no name and version",
    );
  },
);

clause(
  serverApi("querying-keys-through-another-server"),
  "as a notary it answers for itself, and signs other servers' keys too",
  async () => {
    const { peer } = here;
    const criteria = { [peer.key.keyId]: { minimum_valid_until_ts: Date.now() } };
    const body = { server_keys: { [peer.serverName]: criteria, [theSubject().serverName]: {} } };
    const answer = (await peer.call("bulkPerspectivesKeyQuery", { body })) as unknown as {
      server_keys: JsonObject[];
    };
    const of = (name: string) => answer.server_keys.find((keys) => keys["server_name"] === name);
    const [keyId = "", publicKey = ""] = [...(await peer.subjectKeys())][0] ?? [];
    const about = of(peer.serverName);
    must(about, "nothing about the peer");
    mustMatch(
      about,
      { verify_keys: { [peer.key.keyId]: { key: peer.key.publicKey } } },
      "the peer's keys",
    );
    must(
      verifyJson(about, peer.serverName, peer.key.keyId, peer.key.publicKey),
      "the peer's own signature",
    );
    must(verifyJson(about, theSubject().serverName, keyId, publicKey), "the notary's signature");
    const single = (await peer.call("perspectivesKeyQuery", {
      path: { serverName: peer.serverName },
      query: { minimum_valid_until_ts: Date.now() },
    })) as unknown as { server_keys: JsonObject[] };
    mustEqual(single.server_keys[0]?.["server_name"], peer.serverName, "the one about the peer");
  },
);

clause(
  serverApi("request-authentication"),
  "a request with a good signature is served",
  async () => {
    await mustFail(ask(here.peer), 404, "M_NOT_FOUND");
  },
);

clause(serverApi("request-authentication"), "a request without a signature is 401", async () => {
  await mustFail(ask(here.peer, { authorization: null }), 401, ["M_UNAUTHORIZED", "M_FORBIDDEN"]);
  await mustFail(ask(here.peer, { authorization: "Bearer nonsense" }), 401);
  await mustFail(ask(here.peer, { authorization: "X-Matrix origin=,key=,sig=" }), [400, 401]);
});

clause(
  serverApi("request-authentication"),
  "a signature by another key under the same name is refused",
  async () => {
    const impostor = { ...createSigningKey(), keyId: here.peer.key.keyId };
    await mustFail(ask(here.peer, { key: impostor }), 401, ["M_UNAUTHORIZED", "M_FORBIDDEN"]);
  },
);

clause(
  serverApi("request-authentication"),
  "a key that the origin does not publish is refused",
  async () => {
    await mustFail(ask(here.peer, { key: createSigningKey() }), 401, [
      "M_UNAUTHORIZED",
      "M_FORBIDDEN",
    ]);
  },
);

clause(
  serverApi("request-authentication"),
  "a request meant for another server is refused",
  async () => {
    await mustFail(ask(here.peer, { destination: "elsewhere.example" }), [400, 401]);
  },
);

clause(
  serverApi("request-authentication"),
  "a request whose body or path was changed is refused",
  async () => {
    const { peer } = here;
    const path = `/_matrix/federation/v1/send/1`;
    const parts = {
      method: "PUT",
      uri: path,
      origin: peer.serverName,
      destination: theSubject().serverName,
      content: { origin: peer.serverName, origin_server_ts: 1, pdus: [] },
    };
    const authorization = authorizationHeader(parts, peer.key);
    const exchange = createExchange(theSubject().ca);
    const put = (uri: string, body: object) =>
      exchange({
        url: `${theSubject().federationUrl}${uri}`,
        method: "PUT",
        headers: {
          authorization,
          "content-type": "application/json",
          host: theSubject().serverName,
        },
        body: JSON.stringify(body),
      });
    mustEqual((await put(path, parts.content)).status, 200, "the unchanged request");
    await mustFail(put(path, { ...parts.content, origin_server_ts: 2 }), 401);
    await mustFail(put(`/_matrix/federation/v1/send/2`, parts.content), 401);
  },
);

clause(serverApi("retrieving-server-keys"), "a key whose document is over is refused", async () => {
  const peer = await Peer.start(theSubject());
  try {
    peer.keysValidForMs = -3600_000;
    await mustFail(ask(peer), 401, ["M_UNAUTHORIZED", "M_FORBIDDEN"]);
  } finally {
    await peer.stop();
  }
});

clause(
  serverApi("unsupported-endpoints"),
  "an unknown path is 404 M_UNRECOGNIZED, another method 405",
  async () => {
    const exchange = createExchange(theSubject().ca);
    const get = (method: string, path: string) =>
      exchange({ url: `${theSubject().federationUrl}${path}`, method });
    await mustFail(get("GET", "/_matrix/federation/v1/nonsense"), 404, "M_UNRECOGNIZED");
    await mustFail(get("DELETE", "/_matrix/federation/v1/version"), 405, "M_UNRECOGNIZED");
  },
);

mustKeepTheProtocol(here);
