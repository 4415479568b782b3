import { operationSchemas } from "@weft/spec/schemas";
import { type OperationId, operations } from "@weft/spec/operations";
import { describe, expect, test } from "vitest";
import { createValidators } from "../../src/http/validate.ts";
import { route } from "../../src/http/route.ts";
import { asAlice } from "./support.ts";
import { server, startServer } from "./one-server.ts";

/** What the check of an operation's body makes of it. */
function read(operationId: OperationId, body: unknown): unknown {
  const error = createValidators()(operationId, "body")(body);
  return error === undefined ? body : error.errcode;
}

describe("a member that is null", () => {
  test.each([
    ["login", { type: "m.login.password", device_id: null, password: "p", user: null }],
    ["kick", { user_id: "@b:here.test", reason: null }],
    ["register", { username: null, auth: null, inhibit_login: null }],
    ["createRoom", { name: null, invite: null, room_version: null, is_direct: null }],
    ["postReceipt", { thread_id: null }],
    ["setReadMarker", { "m.read": null, "m.fully_read": "$e" }],
    ["queryPublicRooms", { filter: null, limit: null }],
  ] as const)("is as if it were not there (%s)", (operationId, body) => {
    const isKept = ([name, value]: [string, unknown]) => value !== null || name === "auth";
    const kept = Object.fromEntries(Object.entries(body).filter(isKept));
    expect(read(operationId, structuredClone(body))).toEqual(kept);
  });

  test("is so at any depth, in lists and through references", () => {
    const login = {
      type: "m.login.password",
      identifier: { type: "m.id.user", user: "a", medium: null },
    };
    expect(read("login", login)).toMatchObject({ identifier: { type: "m.id.user", user: "a" } });
    expect(login.identifier).not.toHaveProperty("medium");
    const filter = {
      room: { timeline: { limit: null, types: ["a"], contains_url: null }, state: null },
    };
    expect(read("defineFilter", filter)).toEqual({ room: { timeline: { types: ["a"] } } });
    const rule = {
      actions: [],
      conditions: [{ kind: "event_match", key: "k", pattern: null, value: null }],
    };
    expect(read("setPushRule", rule)).toEqual({
      actions: [],
      conditions: [{ kind: "event_match", key: "k", value: null }],
    });
  });

  test("stays where null says something, and in what the specification gives no shape to", () => {
    expect(read("setPresence", { presence: "online", status_msg: null })).toHaveProperty(
      "status_msg",
    );
    expect(read("setProfileField", { displayname: null })).toEqual({ displayname: null });
    for (const id of ["sendMessage", "setRoomStateWithKey", "setAccountData"] as const) {
      expect(read(id, { body: null, reason: null })).toEqual({ body: null, reason: null });
    }
    const state = [{ type: "m.room.topic", content: { topic: null }, state_key: null }];
    const room = { initial_state: state, creation_content: { predecessor: null } };
    expect(read("createRoom", room)).toEqual({
      initial_state: [{ type: "m.room.topic", content: { topic: null } }],
      creation_content: { predecessor: null },
    });
    expect(read("setRoomTag", { order: null })).toEqual({ order: null });
  });

  test("is an error where the member must be there, and where a server signed it", () => {
    expect(read("kick", { user_id: null })).toBe("M_BAD_JSON");
    expect(read("createRoom", { initial_state: [{ type: null, content: {} }] })).toBe("M_BAD_JSON");
    const told = { earliest_events: [], latest_events: [], limit: null };
    expect(read("getMissingPreviousEvents", told)).toBe("M_BAD_JSON");
  });

  test("no client's operation refuses one that may be left out", () => {
    for (const [id, { body }] of Object.entries(operationSchemas)) {
      const operationId = id as OperationId;
      if (operations[operationId].api === "server-server" || !body) continue;
      const shape = body as { properties?: object; required?: string[] };
      const names = Object.keys(shape.properties ?? {});
      const optional = names.filter((name) => !shape.required?.includes(name));
      const given = Object.fromEntries(optional.map((name) => [name, null]));
      expect([id, read(operationId, given)]).not.toEqual([id, "M_BAD_JSON"]);
    }
  });
});

test("a body that is null where none need be is none", async () => {
  await startServer([
    route("joinRoomById", ({ body }) => ({ room_id: "!r:here.test", body })),
    route("kick", () => ({})),
  ]);
  const join = { method: "POST", url: "/_matrix/client/v3/rooms/!r:here.test/join" } as const;
  const answer = await server.app.inject({ ...join, headers: asAlice, payload: "null" });
  expect(answer.json()).toEqual({ room_id: "!r:here.test", body: {} });
  const kick = { method: "POST", url: "/_matrix/client/v3/rooms/!r:here.test/kick" } as const;
  const refused = await server.app.inject({ ...kick, headers: asAlice, payload: "null" });
  expect(refused.statusCode).toBe(400);
});
