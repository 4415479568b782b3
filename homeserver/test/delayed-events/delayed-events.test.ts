/** Events that are sent later (MSC4140), over HTTP. */
import { describe, expect, test } from "vitest";
import { type Body, userOf } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { nextTxn, raw, sentIn, UNSTABLE } from "./delayed-api.ts";
import {
  alice,
  api,
  bob,
  clear,
  DAY_MS,
  delayIdOf,
  finalised,
  HOUR_MS,
  inRoom,
  newRoom,
  others,
  server,
} from "./one-server.ts";

describe("scheduling", () => {
  test("a message is sent when its delay is over, not before, and its sender alone is told the id", async () => {
    const roomId = await newRoom();
    await bob.call("POST", `${inRoom(roomId)}/join`, {});
    const delayId = await delayIdOf(api.message(roomId, 300, { n: 1 }));
    const [event] = await eventually("it is sent", async () => {
      const sent = await sentIn(alice, roomId);
      return sent.length > 0 ? sent : undefined;
    });
    const { body } = await api.one(delayId);
    expect(event.content).toEqual({ n: 1 });
    expect(event.origin_server_ts).toBeGreaterThanOrEqual(body.delayed_since_ts + 300);
    expect(event.unsigned["org.matrix.msc4140.delay_id"]).toBe(delayId);
    const [seen] = await sentIn(bob, roomId);
    expect(seen.event_id).toBe(event.event_id);
    expect(seen.unsigned).not.toHaveProperty(["org.matrix.msc4140.delay_id"]);
    // The user's other devices are told as well, also by what is read from the database.
    const login = { type: "m.login.password", user: "alice", password: "alice-Secret-1" };
    const other = userOf(server, await alice.call("POST", "/login", login));
    const [again] = await sentIn(other, roomId);
    expect(again.unsigned["org.matrix.msc4140.delay_id"]).toBe(delayId);
    expect(again.unsigned).not.toHaveProperty("transaction_id");
  });

  test("state is set when its delay is over, with an empty state key and with another", async () => {
    const roomId = await newRoom();
    await delayIdOf(api.state(roomId, 1, "", { at: "root" }));
    await delayIdOf(api.state(roomId, 1, "here", { at: "here" }));
    await delayIdOf(
      api.schedule(roomId, { delay_ms: 1, state_key: "there", content: { at: "there" } }),
    );
    for (const [key, at] of [
      ["", "root"],
      ["here", "here"],
      ["there", "there"],
    ]) {
      await eventually(`state at "${key}"`, async () => {
        const path = `${inRoom(roomId)}/state/org.example.test/${key}`;
        const { status, body } = await alice.ask("GET", path);
        return status === 200 && body.at === at;
      });
    }
  });

  test("the accepted proposal's request, its former one and its stable path do the same", async () => {
    const roomId = await newRoom();
    const stable = `/_matrix/client/v3${inRoom(roomId)}/delayed_event/org.example.test/stable`;
    await delayIdOf(api.schedule(roomId, { delay_ms: HOUR_MS, content: { n: 1 } }));
    await delayIdOf(api.schedule(roomId, { delay: HOUR_MS, content: { n: 2 } }));
    await delayIdOf(api.ask("PUT", stable, { delay_ms: HOUR_MS, content: { n: 3 } }));
    const { body } = await api.list();
    expect(body.delayed_events.map((event: Body) => event.content.n)).toEqual([1, 2, 3]);
    await clear();
  });

  test("a transaction id schedules once", async () => {
    const roomId = await newRoom();
    const txn = nextTxn();
    const once = () => delayIdOf(api.message(roomId, HOUR_MS, { n: 1 }, txn));
    const ids = await Promise.all([once(), once(), once()]);
    ids.push(await once());
    expect(new Set(ids).size).toBe(1);
    expect((await api.list()).body.delayed_events).toHaveLength(1);
    // Another device's transaction is another one.
    await delayIdOf(others.message(roomId, HOUR_MS, { n: 1 }, txn));
    await clear();
    expect(await once()).toBe(ids[0]);
    await clear(others);
  });

  test("redactions are sent later, too", async () => {
    const roomId = await newRoom();
    const eventId = await alice.send(roomId, "gone in a moment");
    const body = { delay_ms: 1, content: { redacts: eventId } };
    await delayIdOf(api.schedule(roomId, body, "m.room.redaction"));
    await eventually("it is redacted", async () => {
      const event = await alice.call("GET", `${inRoom(roomId)}/event/${eventId}`);
      return event.unsigned?.redacted_because;
    });
  });

  test("a user has a number of them, and is told when there is room again", async () => {
    const roomId = await newRoom();
    for (let i = 0; i < 20; i += 1) await delayIdOf(others.message(roomId, HOUR_MS, { i }));
    const { status, body, headers } = await others.message(roomId, HOUR_MS, {});
    expect([status, body.errcode]).toEqual([429, "M_LIMIT_EXCEEDED"]);
    const seconds = Number(headers.get("retry-after"));
    expect(seconds).toBeGreaterThan(3_500);
    expect(seconds).toBeLessThanOrEqual(3_600);
    // Others have their own.
    await delayIdOf(api.message(roomId, HOUR_MS, {}));
    await clear();
    await clear(others);
    await delayIdOf(others.message(roomId, HOUR_MS, {}));
    await clear(others);
  });

  test("too long a delay is refused in the words of either generation", async () => {
    const roomId = await newRoom();
    const { status, body } = await api.message(roomId, DAY_MS + 1, {});
    expect([status, body]).toEqual([
      400,
      {
        errcode: "M_UNKNOWN",
        error: expect.any(String),
        "org.matrix.msc4140.errcode": "M_MAX_DELAY_EXCEEDED",
        "org.matrix.msc4140.max_delay": DAY_MS,
      },
    ]);
    const later = await api.schedule(roomId, { delay_ms: DAY_MS + 1, content: {} });
    expect([later.status, later.body.errcode]).toEqual([403, "M_FORBIDDEN"]);
  });

  test("what cannot be meant is refused, and nothing is sent at once", async () => {
    const roomId = await newRoom();
    const message = `/_matrix/client/v3${inRoom(roomId)}/send/org.example.test`;
    const delay = "org.matrix.msc4140.delay";
    const refused = [
      await api.ask("PUT", `${message}/r1?${delay}=0`, {}),
      await api.ask("PUT", `${message}/r2?${delay}=-5`, {}),
      await api.ask("PUT", `${message}/r3?${delay}=soon`, {}),
      await api.ask("PUT", `${message}/r4?org.matrix.msc4140.parent_delay_id=x`, {}),
      await api.schedule(roomId, { delay_ms: 0, content: {} }),
      await api.schedule(roomId, { delay_ms: 1.5, content: {} }),
      await api.schedule(roomId, { content: {} }),
      await api.schedule(roomId, { delay_ms: 5 }),
    ];
    expect(refused.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 400));
    const large = { text: "x".repeat(70_000) };
    const { status, body } = await api.message(roomId, HOUR_MS, large);
    expect([status, body.errcode]).toEqual([413, "M_TOO_LARGE"]);
    expect(await sentIn(alice, roomId)).toEqual([]);
    const path = `${UNSTABLE}/rooms/${roomId}/delayed_event/m.room.message/t`;
    const anonymous = await raw(server, "PUT", path, { body: { delay_ms: 5, content: {} } });
    expect([anonymous.status, anonymous.body.errcode]).toEqual([401, "M_MISSING_TOKEN"]);
  });
});

describe("reading", () => {
  test("one, all that wait by their time, and what became of the others", async () => {
    const roomId = await newRoom();
    const late = await delayIdOf(api.message(roomId, HOUR_MS, { n: "late" }));
    const soon = await delayIdOf(api.state(roomId, HOUR_MS / 2, "key", { n: "soon" }));
    const { body } = await api.list();
    expect(body.delayed_events.map((event: Body) => event.delay_id)).toEqual([soon, late]);
    expect((await api.one(soon)).body).toEqual({
      delay_id: soon,
      room_id: roomId,
      type: "org.example.test",
      state_key: "key",
      content: { n: "soon" },
      delay_ms: HOUR_MS / 2,
      delay: HOUR_MS / 2,
      delayed_since_ts: expect.any(Number),
      running_since: expect.any(Number),
    });
    expect((await api.list(`?delay_id=${late}`)).body.delayed_events).toHaveLength(1);
    expect((await api.list("?status=scheduled")).body.delayed_events).toHaveLength(2);
    await api.manage(late, "cancel");
    await api.manage(soon, "send");
    const ended = (await api.list("?status=finalised")).body.delayed_events;
    expect(ended.slice(0, 2).map((event: Body) => event.delay_id)).toEqual([soon, late]);
    expect(ended[0].finalised.event_id).toMatch(/^\$/);
    expect(ended[0].event_id).toBe(ended[0].finalised.event_id);
    expect(ended[1].finalised).toEqual({ finalised_ts: expect.any(Number) });
    expect((await api.list()).body).toEqual({ delayed_events: [] });
  });

  test("those of others are not there", async () => {
    const roomId = await newRoom();
    const delayId = await delayIdOf(api.message(roomId, HOUR_MS, {}));
    const { status, body } = await others.one(delayId);
    expect([status, body.errcode]).toEqual([404, "M_NOT_FOUND"]);
    expect((await others.list()).body.delayed_events).toEqual([]);
    expect((await others.manage(delayId, "cancel")).status).toBe(404);
    expect((await raw(server, "GET", `${UNSTABLE}/delayed_events`)).status).toBe(401);
    expect((await raw(server, "GET", `${UNSTABLE}/delayed_events/${delayId}`)).status).toBe(401);
    expect((await api.one(delayId)).body.finalised).toBeUndefined();
    await clear();
  });

  test("what ended is told by pages", async () => {
    const roomId = await newRoom();
    const ids: string[] = [];
    for (let i = 0; i < 55; i += 1) {
      ids.unshift(await delayIdOf(others.message(roomId, HOUR_MS, { i })));
      await others.manage(ids[0]!, "cancel");
    }
    const first = (await others.list("?status=finalised")).body;
    const second = (await others.list(`?status=finalised&from=${first.next_batch}`)).body;
    const all = [...first.delayed_events, ...second.delayed_events].map((event) => event.delay_id);
    expect(first.delayed_events).toHaveLength(50);
    expect(new Set(all.slice(0, 55))).toEqual(new Set(ids));
    expect((await others.list("?status=finalised&from=nowhere")).status).toBe(400);
  });
});

describe("managing", () => {
  test("cancelled: it is never sent, and cancelling again says the same", async () => {
    const roomId = await newRoom();
    const delayId = await delayIdOf(api.message(roomId, HOUR_MS, {}));
    expect(await api.manage(delayId, "cancel")).toMatchObject({ status: 200, body: {} });
    expect((await api.manage(delayId, "cancel")).status).toBe(200);
    for (const action of ["send", "restart"]) {
      const { status, body } = await api.manage(delayId, action);
      expect([action, status, body.errcode]).toEqual([action, 409, "M_NOT_FOUND"]);
    }
    expect(await sentIn(alice, roomId)).toEqual([]);
  });

  test("sent at once, and only once", async () => {
    const roomId = await newRoom();
    const delayId = await delayIdOf(api.message(roomId, HOUR_MS, { n: 1 }));
    const send = () => api.manage(delayId, "send");
    const answers = await Promise.all([send(), send(), send()]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const sent = await sentIn(alice, roomId);
    expect(sent).toHaveLength(1);
    expect((await finalised(delayId)).event_id).toBe(sent[0].event_id);
    for (const action of ["cancel", "restart"]) {
      const { status, body } = await api.manage(delayId, action);
      expect([action, status, body.errcode]).toEqual([action, 409, "M_NOT_FOUND"]);
    }
  });

  test("restarted: it waits from then on", async () => {
    const roomId = await newRoom();
    const delayId = await delayIdOf(api.message(roomId, HOUR_MS, {}));
    const before = (await api.one(delayId)).body.delayed_since_ts;
    await eventually("a later moment", () => Date.now() > before);
    expect((await api.manage(delayId, "restart")).status).toBe(200);
    expect((await api.one(delayId)).body.delayed_since_ts).toBeGreaterThan(before);
    await clear();
  });

  test("who knows the id needs no token, by any path; with one it has to be their own", async () => {
    const roomId = await newRoom();
    const of = `${UNSTABLE}/delayed_events`;
    const ids = await Promise.all(
      Array.from({ length: 4 }, (_, n) => delayIdOf(api.message(roomId, HOUR_MS, { n }))),
    );
    const answers = [
      await raw(server, "POST", `${of}/${ids[0]}/restart`, { body: {} }),
      await raw(server, "POST", `${of}/${ids[0]}`, { body: { action: "restart" } }),
      await raw(server, "POST", `${of}/${ids[0]}/cancel`),
      await raw(server, "POST", `${of}/${ids[1]}`, { body: { action: "cancel" } }),
      await raw(server, "POST", `${of}/${ids[2]}`, { body: { action: "send" } }),
      await raw(server, "POST", `/_matrix/client/v1/delayed_events/${ids[3]}/send`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    expect(await sentIn(alice, roomId)).toHaveLength(2);
    for (const action of ["cancel", "restart", "send"]) {
      const { status, body } = await raw(server, "POST", `${of}/unknown/${action}`);
      expect([status, body.errcode]).toEqual([404, "M_NOT_FOUND"]);
    }
    const badAction = await raw(server, "POST", `${of}/${ids[0]}`, { body: { action: "oops" } });
    expect(badAction.status).toBe(400);
    expect((await raw(server, "POST", `${of}/${ids[0]}/oops`)).body.errcode).toBe("M_UNRECOGNIZED");
    const bad = await raw(server, "POST", `${of}/${ids[0]}/send`, { token: "no-token" });
    expect([bad.status, bad.body.errcode]).toEqual([401, "M_UNKNOWN_TOKEN"]);
  });
});
