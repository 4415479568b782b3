import { describe, expect, it } from "vitest";
import { operationIds } from "../generated/operations.ts";
import { definitions, eventContents, operationSchemas } from "../generated/schemas.ts";
import { readSource } from "../tools/source.ts";
import { createAjv, createValidators } from "../validators.ts";

const source = readSource();
const validators = createValidators();

describe("the schemas", () => {
  it("all compile in Ajv's strict mode", () => {
    const ajv = createAjv();
    for (const name of Object.keys(definitions["$defs"] as object)) {
      ajv.compile({ $ref: `${String(definitions["$id"])}#/$defs/${name}` });
    }
    for (const id of operationIds) {
      const { params, query, body, responses } = operationSchemas[id];
      for (const schema of [params, query, body ?? {}, ...Object.values(responses)]) {
        ajv.compile(schema);
      }
    }
  });

  it("leave unknown keys alone", () => {
    expect(validators.body("createRoom", { "org.example.new": [1] })).toEqual([]);
    expect(validators.named("ClientEvent", { ...clientEvent, "org.example.new": 1 })).toEqual([]);
  });

  it("refuse a known key of the wrong type", () => {
    expect(validators.body("createRoom", { name: 1 })).toEqual(["/name must be string"]);
    expect(validators.body("ban", { user_id: "bob" })).not.toEqual([]);
    expect(validators.body("ban", {})).not.toEqual([]);
    expect(validators.body("login", { type: "m.login.password", identifier: "bob" })).not.toEqual(
      [],
    );
  });

  it.each([
    ["UserId", "@alice:example.org", "alice:example.org"],
    ["UserId", "@:example.org", "@alice"],
    ["UserId", "@Älice:example.org", `@${"a".repeat(255)}:example.org`],
    ["RoomId", "!abc:example.org", "#abc:example.org"],
    ["RoomId", "!Gs7wmzNbyVNKwOBeqEPWHqLQh6cYSyGR3dTnZSY0nz8", "!"],
    ["EventId", "$abc:example.org", "abc"],
    ["RoomAlias", "#kitchen:example.org", "#kitchen"],
    ["ServerName", "[::1]:8448", "exa mple.org"],
    ["ServerName", "example.org:8448", ""],
    ["MxcUri", "mxc://example.org/abc", "https://example.org/abc"],
    ["Text", "text", "nul\u0000"],
  ])("tell a %s from what is none (%s, %s)", (name, good, bad) => {
    expect(validators.named(name, good)).toEqual([]);
    expect(validators.named(name, bad)).not.toEqual([]);
  });

  it("coerce query parameters to their types", () => {
    const query = { timeout: "3000", full_state: "true", since: "s1" };
    expect(validators.query("sync", query)).toEqual([]);
    expect(query).toEqual({ timeout: 3000, full_state: true, since: "s1" });
    const via = { via: "one.example" };
    expect(validators.query("joinRoom", via)).toEqual([]);
    expect(via).toEqual({ via: ["one.example"] });
    expect(validators.query("getEventByTimestamp", { dir: "b" })).not.toEqual([]);
    expect(validators.query("getRoomEvents", { dir: "sideways" })).not.toEqual([]);
    expect(validators.query("getRoomEvents", { dir: "b", limit: "many" })).not.toEqual([]);
  });

  it("check answers, and refuse a status that the operation does not have", () => {
    expect(validators.response("sendMessage", 200, { event_id: "$abc" })).toEqual([]);
    expect(validators.response("sendMessage", 200, {})).not.toEqual([]);
    expect(
      validators.response("sendMessage", 403, { errcode: "M_FORBIDDEN", error: "No" }),
    ).toEqual([]);
    expect(validators.response("sendMessage", 403, { error: "No" })).not.toEqual([]);
    expect(validators.response("sendMessage", 418, {})).not.toEqual([]);
  });

  it("take both the challenge and the error in a 401 of user-interactive authentication", () => {
    const challenge = { flows: [{ stages: ["m.login.password"] }], params: {}, session: "abc" };
    const error = { errcode: "M_UNKNOWN_TOKEN", error: "No" };
    expect(validators.response("deleteDevice", 401, challenge)).toEqual([]);
    expect(validators.response("deleteDevice", 401, error)).toEqual([]);
    expect(validators.response("deleteDevice", 401, {})).not.toEqual([]);
  });
});

describe("the examples of events", () => {
  for (const [type, event] of source.events) {
    it(`${type}: hold to its schema`, () => {
      expect(event["examples"]).not.toHaveLength(0);
      for (const example of event["examples"] as unknown[]) {
        expect(validators.eventContent(type, example)).toEqual([]);
      }
    });
  }
  for (const [type, edu] of source.edus) {
    it(`EDU ${type}: hold to its schema`, () => {
      expect(edu["examples"]).not.toHaveLength(0);
      for (const example of edu["examples"] as unknown[]) {
        expect(validators.edu(type, example)).toEqual([]);
      }
    });
  }
});

describe("the schemas of events", () => {
  it("say for each state event what its key may be, and for no other", () => {
    for (const [type, event] of source.events) {
      expect(event["type"]).toBe(type);
      expect("stateKey" in event, type).toBe(event["kind"] === "state");
    }
    expect(Object.keys(eventContents)).toEqual([...source.events.keys()]);
    expect(validators.stateKey("m.room.name", "x")).not.toEqual([]);
    expect(validators.stateKey("m.room.member", "@alice:example.org")).toEqual([]);
  });

  it.each([
    ["m.room.member", { membership: "guest" }],
    ["m.room.member", {}],
    ["m.room.power_levels", { users: { "@alice:example.org": "100" } }],
    ["m.room.power_levels", { users: { alice: 100 } }],
    ["m.room.join_rules", { join_rule: 1 }],
    ["m.room.message", { body: "no type" }],
    ["m.room.message", { msgtype: "m.image", body: "no file" }],
    ["m.room.message", { msgtype: "m.location", body: "nowhere" }],
    ["m.room.canonical_alias", { alias: "kitchen" }],
  ])("refuse a wrong %s: %j", (type, content) => {
    expect(validators.eventContent(type, content)).not.toEqual([]);
  });

  it("tell the PDUs of one family of room versions from another's", () => {
    const ids = { event_id: "$a:example.org", room_id: "!r:example.org" };
    const v1 = {
      ...pdu,
      ...ids,
      prev_events: [["$b:example.org", { sha256: "abc" }]],
      auth_events: [],
    };
    const v3 = { ...pdu, room_id: ids.room_id, prev_events: ["$b"], auth_events: [] };
    const create = { ...pdu, prev_events: [], auth_events: [] };
    expect(validators.named("PduV1", v1)).toEqual([]);
    expect(validators.named("PduV3", v1)).not.toEqual([]);
    for (const name of ["PduV3", "PduV6", "PduV11", "PduV12"]) {
      expect(validators.named(name, v3), name).toEqual([]);
    }
    expect(validators.named("PduV11", create)).not.toEqual([]);
    expect(validators.named("PduV12", create)).toEqual([]);
  });
});

const clientEvent = {
  event_id: "$abc",
  room_id: "!r:example.org",
  type: "m.room.message",
  sender: "@alice:example.org",
  origin_server_ts: 1_700_000_000_000,
  content: {},
};

const pdu = {
  type: "m.room.message",
  sender: "@alice:example.org",
  content: {},
  origin_server_ts: 1_700_000_000_000,
  depth: 7,
  hashes: { sha256: "abc" },
  signatures: { "example.org": { "ed25519:1": "abc" } },
};
