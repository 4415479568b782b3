import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { binary } from "../../src/http/reply/reply.ts";
import { route } from "../../src/http/route.ts";
import { errors } from "../../src/protocol/errors.ts";
import type { EventId, RoomId, UserId } from "../../src/protocol/identifiers.ts";
import { RemoteError } from "../../src/federation-client/requests/remote-error.ts";
import { start } from "./running-peers.ts";

const USER = "@é/b:localhost" as UserId;
const profile = route("queryProfile", ({ origin, query }) => ({ origin, user: query.user_id }));

describe("a request to another server", () => {
  test("is signed for it, and accepted over TLS of our own authority", async () => {
    const [one, two] = [await start(), await start([profile])];
    expect(await one.remote.server.profile(two.serverName, USER)).toEqual({
      origin: one.serverName,
      user: USER,
    });
  });

  test("with a body is signed with it", async () => {
    const two = await start([
      route("sendTransaction", ({ origin, body }) => ({
        pdus: Object.fromEntries(body.pdus.map((_pdu, index) => [`${origin}${index}`, {}])),
      })),
    ]);
    const one = await start();
    const pdus = [{ type: "é", content: { "\u{10000}": 1, "\uffff": [null, true] } }, {}];
    const transaction = { origin: one.serverName, origin_server_ts: 1, pdus };
    expect(await one.remote.server.sendTransaction(two.serverName, "t/1", transaction)).toEqual({
      pdus: { [`${one.serverName}0`]: {}, [`${one.serverName}1`]: {} },
    });
  });

  test("is answered however short the answer is", async () => {
    const answers = [{}, { displayname: "" }, { a: [1, 2, 3, 4, 5, 6, 7, 8, 9] }];
    const two = await start([route("queryProfile", () => answers[0]!)]);
    const { server } = (await start()).remote;
    while (answers.length > 0) {
      expect(await server.profile(two.serverName, USER)).toEqual(answers[0]);
      answers.shift();
    }
  });

  test("that is refused keeps code and status, but never signs our user out", async () => {
    const codes = [
      errors.forbidden("no"),
      errors.notFound("none"),
      errors.unknownToken(),
      errors.unknown("x"),
    ];
    const two = await start([
      route("queryProfile", () => {
        throw codes.shift()!;
      }),
    ]);
    const one = await start();
    const failure = () =>
      one.remote.server
        .profile(two.serverName, USER)
        .catch((error: RemoteError) => [error.status, error.errcode, error.serverIsFailing]);
    expect(await failure()).toEqual([403, "M_FORBIDDEN", false]);
    expect(await failure()).toEqual([404, "M_NOT_FOUND", false]);
    expect(await failure()).toEqual([502, "M_UNKNOWN", false]);
    expect(await failure()).toEqual([502, "M_UNKNOWN", true]);
    expect(one.remote.backoff.mayTry(two.serverName)).toBe(false);
  });

  test("that is refused with anything is told in words that every client can read", async () => {
    const half = String.raw`{"errcode":"M_FORBIDDEN","error":"a\ud800${"\u{1f600}".repeat(400)}","room_version":"\udc00"}`;
    const two = await start([
      route("queryProfile", () => binary(Buffer.from(half), { status: 403, headers: {} })),
    ]);
    const one = await start();
    const failure = one.remote.server.profile(two.serverName, USER);
    const error = await failure.catch((reason: RemoteError) => reason.toJSON());
    expect(error).toMatchObject({ errcode: "M_FORBIDDEN" });
    expect(error).not.toHaveProperty("room_version");
    const { error: words } = error as unknown as { error: string };
    expect(words).toContain("a\ufffd");
    expect(words.isWellFormed()).toBe(true);
    expect(words.length).toBeLessThanOrEqual(500);
  });

  test("to one that is not there fails, and is not repeated until it is heard of", async () => {
    const [one, two] = [await start(), await start()];
    await two.stopListening();
    const transaction = { origin: one.serverName, origin_server_ts: 1, pdus: [] };
    const send = () => one.remote.server.sendTransaction(two.serverName, "t", transaction);
    await expect(send()).rejects.toThrow(/could not be reached/);
    await expect(send()).rejects.toThrow(/has not answered of late/);
    one.remote.backoff.receivedFrom(two.serverName);
    await expect(send()).rejects.toThrow(/could not be reached/);
  });

  test("is given up when its answer has no end, and the stream is cut", async () => {
    let sent = 0;
    let isCut = false;
    const endless = async function* () {
      try {
        for (;;) {
          sent += 65_536;
          yield Buffer.alloc(65_536, " ");
        }
      } finally {
        isCut = true;
      }
    };
    const two = await start([
      route("getEvent", () => binary(Readable.from(endless()), { headers: {} })),
    ]);
    const one = await start();
    const answer = one.remote.server.event(two.serverName, "$event" as EventId);
    await expect(answer).rejects.toThrow("too great a length");
    await expect.poll(() => isCut).toBe(true);
    // What is allowed, and what the sockets hold.
    expect(sent).toBeLessThan(16 * 1024 * 1024);
    // It is there, but of no use: that it asks us something does not make it better.
    one.remote.backoff.receivedFrom(two.serverName);
    expect(one.remote.backoff.mayTry(two.serverName)).toBe(false);
  });

  test("is read no further than what was asked for", async () => {
    let sent = 0;
    const event = JSON.stringify({ content: { body: "x".repeat(1_000) } });
    const endless = async function* () {
      yield Buffer.from(`{"other":[1],"pdus":[${event}`);
      for (; ; sent += 1) yield Buffer.from(`,${event}`);
    };
    const two = await start([
      route("backfillRoom", () => binary(Readable.from(endless()), { headers: {} })),
    ]);
    const one = await start();
    const from = ["$event" as EventId];
    const answer = await one.remote.server.backfill(two.serverName, "!r:x" as RoomId, from, 3);
    expect(answer).toEqual({ pdus: [event, event, event].map((text) => JSON.parse(text)) });
    expect(sent).toBeLessThan(10_000);
    expect(one.remote.backoff.mayTry(two.serverName)).toBe(true);
  });

  test("with a certificate of an unknown authority is not made", async () => {
    const [one, two] = [await start([], { trusting: false }), await start([profile])];
    await expect(one.remote.server.profile(two.serverName, USER)).rejects.toThrow(
      /UNABLE_|SELF_SIGNED/,
    );
  });

  test("into the private network is refused unless it is allowed", async () => {
    const [one, two] = [await start([], { allowPrivate: false }), await start([profile])];
    await expect(one.remote.server.profile(two.serverName, USER)).rejects.toThrow(/EADDRREFUSED/);
    const literal = two.serverName.replace("localhost", "127.0.0.1") as typeof two.serverName;
    await expect(one.remote.server.profile(literal, USER)).rejects.toThrow(/EADDRREFUSED/);
  });

  test("falls back to the first version of invites where the second is unknown", async () => {
    const two = await start();
    const one = await start();
    const invite = (version: string) =>
      one.remote.server.invite(two.serverName, "!r:x" as RoomId, "$e" as never, {
        event: {},
        room_version: version,
        invite_room_state: [],
      });
    await expect(invite("10")).rejects.toThrow(/too old/);
    await expect(invite("1")).rejects.toMatchObject({ remoteStatus: 404 });
  });
});

test("a connection that the other side has closed meanwhile is made anew", async () => {
  const [one, two] = [await start(), await start([profile])];
  await one.remote.server.profile(two.serverName, USER);
  two.cutConnections();
  expect(await one.remote.server.profile(two.serverName, USER)).toMatchObject({ user: USER });
  expect(one.remote.backoff.failingSince(two.serverName)).toBeUndefined();
});
