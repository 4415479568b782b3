/** Whose fault it is when another server is asked, and what the client is told of it. */
import { expect, test } from "vitest";
import { LogUnavailable, Unstorable } from "../../../src/log/types.ts";
import { QueueFull } from "../../../src/platform/fair-queue.ts";
import { silentLogger } from "../../../src/platform/logger.ts";
import { systemRandom } from "../../../src/platform/random.ts";
import { generateSigningKey } from "../../../src/protocol/crypto.ts";
import { errors, MatrixError, Rejection } from "../../../src/protocol/errors.ts";
import type { RoomId, ServerName, UserId } from "../../../src/protocol/identifiers.ts";
import { JsonError, type Json } from "../../../src/protocol/json.ts";
import { fromTemplate, tryEach } from "../../../src/rooms/membership/remote-join.ts";
import { handedThrough } from "../../../src/rooms/membership/remote-refusal.ts";

const SERVERS = ["a.test", "b.test"] as ServerName[];

test("what this server's own database refuses is no other server's fault, and not told of", async () => {
  const ours = [
    Object.assign(new Error('relation "events" does not exist'), { code: "42P01" }),
    new LogUnavailable(),
    new TypeError("x is not a function"),
  ];
  for (const error of ours) {
    const fails = () => Promise.reject(error);
    await expect(tryEach({ first: SERVERS }, fails, silentLogger())).rejects.toBe(error);
  }
});

test("what others answer, or do not, is a 502 unless they refuse", () => {
  const theirs = [
    new JsonError("forbidden", "no"),
    new Rejection("no"),
    new Unstorable("no"),
    new QueueFull("no"),
    errors.unknown("no", 502),
    undefined,
  ];
  for (const error of theirs) expect(handedThrough(error, "Failed").status).toBe(502);
  expect(handedThrough(errors.forbidden("no"), "Failed")).toMatchObject({
    ...{ status: 403, errcode: "M_FORBIDDEN" },
  });
});

test.each<[Json, number, string]>([
  [{ toString: 1 }, 502, "M_UNKNOWN"],
  [JSON.rawJSON("1.5") as unknown as Json, 502, "M_UNKNOWN"],
  [null, 502, "M_UNKNOWN"],
  ["99", 400, "M_INCOMPATIBLE_ROOM_VERSION"],
  ["\ud800", 400, "M_INCOMPATIBLE_ROOM_VERSION"],
])("a template whose version is %o is refused", (version, status, errcode) => {
  const identity = {
    serverName: "here.test" as ServerName,
    signingKey: generateSigningKey(systemRandom.bytes),
    now: () => 1,
  };
  const make = () =>
    fromTemplate(
      identity,
      { room_version: version, event: {} },
      "!r:a.test" as RoomId,
      "@u:here.test" as UserId,
      { membership: "join" },
    );
  let error: unknown;
  try {
    make();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(MatrixError);
  const known = error as MatrixError;
  expect([known.status, known.errcode]).toEqual([status, errcode]);
  expect(JSON.stringify(known)).not.toContain("ud800");
});
