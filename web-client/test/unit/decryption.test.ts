import { expect, test } from "vitest";
import { decryptionOf, withDecryption } from "../../src/encryption/decryption.ts";
import { createEvents } from "./events.ts";

const make = createEvents();

test("an event that came open has no decryption, one that came encrypted waits for it", () => {
  expect(decryptionOf(make.message("@ann:two", "hello"))).toBeUndefined();
  const wire = make.event("m.room.encrypted", "@ann:two", {});
  expect(decryptionOf(wire)).toEqual({ state: "pending" });
});

test("what was found out stays with copies in memory, and goes from those on the disk", () => {
  const wire = make.event("m.room.encrypted", "@ann:two", {});
  const read = withDecryption(make.message("@ann:two", "hello"), {
    state: "readable",
    wire,
    shield: { color: "none" },
  });
  expect(decryptionOf({ ...read })?.state).toBe("readable");
  expect(decryptionOf(structuredClone(read))).toBeUndefined();
});
