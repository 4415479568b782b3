import { createPublicKey, verify } from "node:crypto";
import { expect, test } from "vitest";
import { canonical, idOf, newKey, seal, signed } from "../src/peer/events.ts";

const message = {
  type: "m.room.message",
  room_id: "!room",
  sender: "@peer:localhost:1",
  content: { body: "hällo \u2028", msgtype: "m.text" },
  depth: 7,
  origin_server_ts: 1,
  prev_events: ["$a"],
  auth_events: ["$b"],
};

test("canonical JSON sorts keys at every level", () => {
  expect(canonical({ b: [{ d: 1, c: "é" }], a: null })).toBe('{"a":null,"b":[{"c":"é","d":1}]}');
});

test("an event's signature covers what a redaction keeps, its hash the rest", () => {
  const key = newKey();
  const { id, pdu } = seal(message, "localhost:1", key);
  const { signatures, ...rest } = pdu;
  const kept = canonical({ ...rest, content: {} });
  const given = (signatures as Record<string, Record<string, string>>)["localhost:1"]![key.id]!;
  const publicKey = createPublicKey(key.privateKey);
  expect(verify(null, Buffer.from(kept), publicKey, Buffer.from(given, "base64"))).toBe(true);
  expect(id).toBe(idOf({ ...rest, content: {} }));
  expect(seal({ ...message, content: { body: "other" } }, "localhost:1", key).id).not.toBe(id);
});

test("a signed object's signature leaves out signatures and unsigned", () => {
  const key = newKey();
  const bare = signed({ a: 1 }, "localhost:1", key);
  expect(signed({ a: 1, unsigned: { b: 2 } }, "localhost:1", key)["signatures"]).toEqual(
    bare["signatures"],
  );
});
