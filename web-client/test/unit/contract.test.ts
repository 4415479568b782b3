import { afterEach, expect, test, vi } from "vitest";
import { operationIds, operations } from "@weft/spec/operations";
import { createApi } from "../../src/api/index.ts";
import { completeApi } from "../../src/api/later.ts";
import { createAuthApi } from "../../src/api/auth.ts";
import { createHttp, type Http } from "../../src/api/http.ts";
import { text } from "../../src/api/types.ts";
import type { Outbox } from "../../src/store/outbox.ts";
import type { Room } from "../../src/store/room.ts";

afterEach(() => vi.unstubAllGlobals());

/** Calls of the contract that must not compile. What the compiler lets through fails the check of types. */
export function refused(http: Http): Promise<unknown>[] {
  return [
    // @ts-expect-error: a call says which operation it is
    http.call("GET", "/_matrix/client/v3/sync", {}),
    // @ts-expect-error: an operation has one method
    http.call<"sync">("POST", "/_matrix/client/v3/sync", {}),
    // @ts-expect-error: and one path
    http.call<"sync">("GET", "/_matrix/client/v3/synk", {}),
    // @ts-expect-error: its path has values
    http.call<"leaveRoom">("POST", "/_matrix/client/v3/rooms/{roomId}/leave", {}),
    // @ts-expect-error: its query has names
    http.call<"sync">("GET", "/_matrix/client/v3/sync", { query: { sinse: "s1" } }),
    // @ts-expect-error: a body that is needed cannot be left out
    http.call<"refresh">("POST", "/_matrix/client/v3/refresh", {}),
    // @ts-expect-error: an answer that is JSON is no file
    http.blob<"sync">("/_matrix/client/v3/sync", {}),
  ];
}

/** Contents that must not compile: what is sent is of its type's shape, what is read has its type's keys. */
export function misread(outbox: Outbox, room: Room): unknown[] {
  return [
    // @ts-expect-error: a message has a body
    outbox.send(room, "m.room.message", { msgtype: "m.text" }),
    // @ts-expect-error: an event that is sent is of a type that the contract knows
    outbox.send(room, "m.room.massage", { msgtype: "m.text", body: "" }),
    // @ts-expect-error: a room's name is in its "name"
    text(room.stateEvent("m.room.name")?.content, "title"),
    // @ts-expect-error: what a stranger put there may be anything
    room.stateEvent("m.room.name")?.content.name?.trim(),
  ];
}

test("each request of the client is an operation of the contract", async () => {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (address: string, options: RequestInit) => {
    asked.push(`${options.method} ${address.replace(/\?.*/, "")}`);
    return Promise.resolve(Response.json({ results: [], devices: [], chunk: [] }));
  });
  const tokens = { current: async () => "t", renew: async () => undefined };
  const session = { baseUrl: "", userId: "x", deviceId: "D", accessToken: "t" };
  const api = createApi(session, tokens);
  completeApi(api, session.userId);
  const { media, ...json } = api;
  const auth = createAuthApi(createHttp(""), "");
  for (const part of [
    json.account,
    json.contact,
    json.notify,
    json.directory,
    json.notes,
    json.presence,
    json.reading,
    json.rooms,
    auth,
  ]) {
    for (const call of Object.values(part) as ((...all: unknown[]) => Promise<unknown>)[]) {
      // Every parameter is a text here: what is sent is looked at by the compiler.
      await call("x", "x", "x", "x");
    }
  }
  await json.sync.sync({ timeout: 0, presence: "online" }, new AbortController().signal);
  await media.uploadLimit();
  await media.preview("x");
  await media.download({ serverName: "x", mediaId: "x" });
  await media.thumbnail({ serverName: "x", mediaId: "x" }, { width: 1, height: 1, method: "crop" });
  const known = new Set(
    operationIds.map((id) => {
      const { method, path } = operations[id];
      return `${method} ${path.replaceAll(/\{\w+\}/g, "x")}`;
    }),
  );
  const places = asked.map((one) =>
    one
      .replace(/(displayname|avatar_url|m\.thread|m\.replace)$/, "x")
      .replace("m.room.retention/", "x/x")
      .replace("global/content/", "global/x/"),
  );
  expect(places.length).toBeGreaterThan(50);
  expect(places.filter((place) => !known.has(place))).toEqual([]);
});
