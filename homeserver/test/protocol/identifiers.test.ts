import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MatrixError } from "../../src/protocol/errors.ts";
import {
  createEventIdOf,
  localpartOf,
  makeUserId,
  parseEventId,
  parseRoomAlias,
  parseRoomId,
  parseServerName,
  parseUserId,
  roomIdOfCreateEvent,
  serverOf,
  serverOfEventId,
  serverOfRoomId,
  strictLocalpart,
} from "../../src/protocol/identifiers.ts";
import { vectors } from "./vectors.ts";

interface Identifier {
  id: string;
  valid: boolean;
  localpart?: string;
  server?: string | null;
  strict?: boolean;
}

describe("user ids", () => {
  test.each(vectors<Identifier>("identifiers/user-ids").cases)("$name", (vector) => {
    if (!vector.valid) return expectInvalid(() => parseUserId(vector.id));
    const id = parseUserId(vector.id);
    expect(localpartOf(id)).toBe(vector.localpart);
    expect(serverOf(id)).toBe(vector.server);
    expect(strictLocalpart(localpartOf(id))).toBe(vector.strict);
  });

  test("are made of a localpart without a colon", () => {
    const server = parseServerName("example.org");
    expect(makeUserId("alice", server)).toBe("@alice:example.org");
    expectInvalid(() => makeUserId("a:b", server));
    expectInvalid(() => makeUserId("a".repeat(250), server));
  });
});

describe("room ids", () => {
  test.each(vectors<Identifier>("identifiers/room-ids").cases)("$name", (vector) => {
    if (!vector.valid) return expectInvalid(() => parseRoomId(vector.id));
    expect(serverOfRoomId(parseRoomId(vector.id)) ?? null).toBe(vector.server);
  });

  test("of version 12 and their create event's ids are one another's mirror", () => {
    const roomId = parseRoomId(`!${"A".repeat(43)}`);
    expect(createEventIdOf(roomId)).toBe(`$${"A".repeat(43)}`);
    expect(roomIdOfCreateEvent(createEventIdOf(roomId))).toBe(roomId);
  });
});

describe("event ids", () => {
  test.each(vectors<Identifier>("identifiers/event-ids").cases)("$name", (vector) => {
    if (!vector.valid) return expectInvalid(() => parseEventId(vector.id));
    expect(serverOfEventId(parseEventId(vector.id)) ?? null).toBe(vector.server);
  });
});

describe("room aliases", () => {
  test.each(vectors<Identifier>("identifiers/room-aliases").cases)("$name", (vector) => {
    if (!vector.valid) return expectInvalid(() => parseRoomAlias(vector.id));
    expect(serverOf(parseRoomAlias(vector.id))).toBe(vector.server);
  });
});

describe("server names", () => {
  test.each(vectors<Identifier>("identifiers/server-names").cases)("$name", (vector) => {
    if (!vector.valid) return expectInvalid(() => parseServerName(vector.id));
    expect(parseServerName(vector.id)).toBe(vector.id);
  });
});

test("whatever is no text, or no identifier, is M_INVALID_PARAM and nothing else", () => {
  const anything = fc.oneof(
    fc.anything(),
    fc.string({ unit: "binary" }),
    fc.constantFrom("@:", "!:"),
  );
  fc.assert(
    fc.property(anything, (value) => {
      for (const parse of [
        parseUserId,
        parseRoomId,
        parseEventId,
        parseRoomAlias,
        parseServerName,
      ]) {
        try {
          expect(parse(value)).toBe(value);
        } catch (error) {
          expect(error).toBeInstanceOf(MatrixError);
        }
      }
    }),
  );
});

function expectInvalid(act: () => unknown): void {
  expect(act).toThrow(expect.objectContaining({ errcode: "M_INVALID_PARAM", status: 400 }));
}
