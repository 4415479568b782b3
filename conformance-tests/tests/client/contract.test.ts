import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { createClient, unique } from "../../harness/client.ts";
import { must, mustBe401, mustEqual, mustFail, mustMatch } from "../../harness/must.ts";
import { registerUser } from "../../harness/users.ts";

const CORS = {
  "access-control-allow-origin": "*",
} as const;

clause(
  clientApi("get_matrixclientversions"),
  "the versions can be read without and with a token, and no bad token breaks them",
  async () => {
    const alice = await registerUser(theSubject());
    for (const client of [createClient(theSubject()), alice]) {
      const { versions } = await client.call("getVersions");
      must(
        versions.some((version) => /^v1\.(?:[1-9]|1[0-3])$/.test(version)),
        `clients of today want one of v1.1 to v1.13, got ${versions.join()}`,
      );
    }
    const answer = await createClient(theSubject(), "expired").request("getVersions");
    must([200, 401].includes(answer.status), `status ${answer.status}`);
  },
);

clause(
  clientApi("standard-error-response"),
  "an unknown path is 404 M_UNRECOGNIZED, in JSON, with CORS headers",
  async () => {
    const alice = await registerUser(theSubject());
    const headers = { authorization: `Bearer ${String(alice.accessToken)}` };
    for (const path of [
      "/_matrix/client/v3/no_such_thing",
      "/_matrix/client/v999/sync",
      "/_matrix/nothing",
    ]) {
      const answer = await alice.plain("GET", path, headers);
      mustEqual(
        [answer.status, (answer.body as { errcode?: string })?.errcode],
        [404, "M_UNRECOGNIZED"],
        path,
      );
      if (path.startsWith("/_matrix/client")) mustMatch(answer.headers, CORS, `headers of ${path}`);
    }
  },
);

clause(
  clientApi("standard-error-response"),
  "a known path with another method is 405 M_UNRECOGNIZED",
  async () => {
    const alice = await registerUser(theSubject());
    const headers = { authorization: `Bearer ${String(alice.accessToken)}` };
    const wrong = [
      ["DELETE", "/_matrix/client/v3/login"],
      ["PUT", "/_matrix/client/v3/createRoom"],
      ["POST", "/_matrix/client/v3/sync"],
    ] as const;
    for (const [method, path] of wrong) {
      const answer = await alice.plain(
        method,
        path,
        headers,
        method === "DELETE" ? undefined : "{}",
      );
      const got = [answer.status, (answer.body as { errcode?: string })?.errcode];
      mustEqual(got, [405, "M_UNRECOGNIZED"], `${method} ${path}`);
    }
  },
);

clause(clientApi("standard-error-response"), "what is not JSON is M_NOT_JSON", async () => {
  const alice = await registerUser(theSubject());
  for (const raw of ["", "{", "{'a':1}", '{"name":"x"', "nonsense"]) {
    await mustFail(alice.request("createRoom", { raw }), 400, "M_NOT_JSON");
  }
});

clause(clientApi("standard-error-response"), "JSON of the wrong shape is M_BAD_JSON", async () => {
  const alice = await registerUser(theSubject());
  for (const raw of [
    "[]",
    '"text"',
    "1",
    '{"name":7}',
    '{"invite":"nobody"}',
    '{"initial_state":{}}',
  ]) {
    await mustFail(alice.request("createRoom", { raw }), 400, ["M_BAD_JSON", "M_INVALID_PARAM"]);
  }
});

clause(
  clientApi("web-browser-clients"),
  "OPTIONS is answered with the CORS headers, without a token",
  async () => {
    const client = createClient(theSubject());
    for (const path of [
      "/_matrix/client/v3/sync",
      "/_matrix/client/v3/login",
      "/_matrix/media/v3/upload",
    ]) {
      const { status, headers } = await client.plain("OPTIONS", path);
      must(status === 200 || status === 204, `${path}: ${status}`);
      mustMatch(headers, CORS, `headers of ${path}`);
      for (const method of ["GET", "POST", "PUT", "DELETE", "OPTIONS"]) {
        must(
          headers["access-control-allow-methods"]?.includes(method),
          `${path}: ${method} is not allowed`,
        );
      }
      for (const name of ["X-Requested-With", "Content-Type", "Authorization"]) {
        must(
          headers["access-control-allow-headers"]?.toLowerCase().includes(name.toLowerCase()),
          `${path}: header ${name} is not allowed`,
        );
      }
    }
  },
);

clause(
  clientApi("capabilities-negotiation"),
  "the capabilities name a default room version that is stable",
  async () => {
    const alice = await registerUser(theSubject());
    const { capabilities } = await alice.call("getCapabilities");
    const versions = capabilities["m.room_versions"];
    must(versions, "no m.room_versions");
    mustEqual(versions.available[versions.default], "stable", "the default version");
    for (const version of ["1", "6", "9", "10", "11", "12"]) {
      mustEqual(versions.available[version], "stable", `room version ${version}`);
    }
  },
);

clause(clientApi("using-access-tokens"), "every kind of resource wants a token", async () => {
  const nobody = createClient(theSubject());
  const roomId = "!room:nowhere.example";
  await mustBe401(nobody.request("sync"), "M_MISSING_TOKEN");
  await mustBe401(nobody.request("createRoom"), "M_MISSING_TOKEN");
  await mustBe401(nobody.request("getRoomState", { path: { roomId } }), "M_MISSING_TOKEN");
  await mustBe401(nobody.request("getJoinedRooms"), "M_MISSING_TOKEN");
  await mustBe401(
    nobody.request("getContentAuthed", { path: { serverName: "nowhere.example", mediaId: "x" } }),
    "M_MISSING_TOKEN",
  );
});

clause(
  "appendices#identifier-grammar",
  "identifiers that are none are refused, not failed on",
  async () => {
    const alice = await registerUser(theSubject());
    for (const roomId of ["nonsense", "!", "#alias:example.org", "!x:bad host"]) {
      const answer = await alice.request("joinRoomById", { path: { roomId } });
      must(
        answer.status >= 400 && answer.status < 500,
        `joining "${roomId}" gives ${answer.status}`,
      );
    }
    const body = { user_id: "not a user" };
    const roomId = await alice.createRoom();
    await mustFail(alice.request("inviteUser", { path: { roomId }, body }), 400);
    await mustFail(alice.request("getUserProfile", { path: { userId: "@nobody" } }), [400, 404]);
    await mustFail(alice.request("sync", { query: { since: unique("not a token") } }), 400);
  },
);
