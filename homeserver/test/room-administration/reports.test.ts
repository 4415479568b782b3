import { beforeAll, describe, expect, test } from "vitest";
import type { Body } from "../support/user.ts";
import { admin, alice, ask, at, bob, done, join, room, say, server, set } from "./scene.ts";

const QUEUE = "/_weft/admin/reports";
const EVENTS = "/_synapse/admin/v1/event_reports";
const USERS = "/_synapse/admin/v1/user_reports";

let roomId: string;

beforeAll(async () => {
  roomId = await room(alice, { preset: "public_chat", name: "Market" });
  await join(bob, roomId);
});

/** Reports a message; answers the report's id. */
async function reported(eventId: string, by = bob, body: object = {}): Promise<number> {
  const path = `/rooms/${encodeURIComponent(roomId)}/report/${encodeURIComponent(eventId)}`;
  await by.call("POST", path, body);
  return (await done("GET", `${QUEUE}?limit=1`)).reports[0].id;
}

const decide = (id: number, body: object) => done("POST", `${QUEUE}/${id}/decisions`, { body });
const whole = (id: number, query = ""): Promise<Body> => done("GET", `${QUEUE}/${id}${query}`);
const contentOf = async (eventId: string): Promise<Body> =>
  (await done("GET", at(roomId, `/context/${encodeURIComponent(eventId)}`))).event.content;

describe("reports by Synapse's paths", () => {
  test("of events: a list, one of them, and its end", async () => {
    const eventId = await say(alice, roomId, "rubbish");
    const id = await reported(eventId, bob, { reason: "spam", score: -50 });
    const report = {
      ...{ id, room_id: roomId, event_id: eventId, user_id: bob.userId, sender: alice.userId },
      ...{ reason: "spam", score: -50, name: "Market", canonical_alias: null },
    };
    const list = await done("GET", EVENTS);
    expect(list.event_reports[0]).toMatchObject(report);
    const one = await done("GET", `${EVENTS}/${id}`);
    expect(one).toMatchObject({ ...report, event_json: { content: { body: "rubbish" } } });
    const [room_, user] = [roomId.slice(3, 9), bob.userId.slice(0, 4)];
    const filters = [
      `room_id=${encodeURIComponent(room_)}`,
      `user_id=${encodeURIComponent(user)}`,
      `event_sender_user_id=${encodeURIComponent(alice.userId)}`,
    ];
    for (const filter of filters) {
      expect((await done("GET", `${EVENTS}?${filter}`)).total, filter).toBe(1);
    }
    for (const none of ["room_id=nowhere", "user_id=nobody", "event_sender_user_id=%40bob"]) {
      expect(await done("GET", `${EVENTS}?${none}`)).toEqual({ event_reports: [], total: 0 });
    }
    await done("DELETE", `${EVENTS}/${id}`);
    for (const method of ["GET", "DELETE"]) {
      expect(await ask(method, `${EVENTS}/${id}`)).toMatchObject({
        ...{ status: 404, body: { errcode: "M_NOT_FOUND" } },
      });
    }
  });

  test("of users, page by page, either way", async () => {
    for (const name of ["@spam:a.test", "@spam:b.test", "@other:a.test"]) {
      await bob.call("POST", `/users/${encodeURIComponent(name)}/report`, { reason: name });
    }
    const first = await done("GET", `${USERS}?limit=2`);
    expect(first).toMatchObject({ total: 3, next_token: 2 });
    expect(first.user_reports[0]).toMatchObject({
      ...{ target_user_id: "@other:a.test", user_id: bob.userId, reason: "@other:a.test" },
    });
    const oldest = await done("GET", `${USERS}?dir=f&limit=1&from=0`);
    expect(oldest.user_reports[0].target_user_id).toBe("@spam:a.test");
    const spam = await done("GET", `${USERS}?target_user_id=spam&from=1`);
    expect(spam).toMatchObject({ total: 2, user_reports: [{ target_user_id: "@spam:a.test" }] });
    expect(spam.next_token).toBeUndefined();
    const { id } = spam.user_reports[0];
    expect(await done("GET", `${USERS}/${id}`)).toMatchObject({ id });
    // It is none of an event.
    expect((await ask("GET", `${EVENTS}/${id}`)).status).toBe(404);
    expect((await ask("DELETE", `${EVENTS}/${id}`)).status).toBe(404);
    await done("DELETE", `${USERS}/${id}`);
    expect((await ask("GET", `${USERS}/${id}`)).status).toBe(404);
    for (const wrong of ["x", "-1", "1e40"]) {
      expect(await ask("GET", `${USERS}/${wrong}`)).toMatchObject({
        ...{ status: 400, body: { errcode: "M_INVALID_PARAM" } },
      });
    }
  });
});

describe("the queue", () => {
  test("shows what surrounds an event, and who else reported it", async () => {
    await say(alice, roomId, "before");
    const eventId = await say(alice, roomId, "bad words");
    await say(bob, roomId, "after");
    const id = await reported(eventId, bob, { reason: "rude" });
    const other = await reported(eventId, alice, {});
    const report = await whole(id, "?context=1");
    expect(report).toMatchObject({
      ...{ id, kind: "event", state: "open", reporter: bob.userId, reason: "rude" },
      ...{ about: alice.userId, room_id: roomId, room_name: "Market", decisions: [] },
      ...{ event: { content: { body: "bad words" } }, other_reports: [other] },
    });
    const { events_before: before, event, events_after: after } = report.context;
    expect([...before, event, ...after].map((one) => one.content.body)).toEqual([
      ...["before", "bad words", "after"],
    ]);
  });

  test("holds reports of rooms and of users as well", async () => {
    await bob.call("POST", `/rooms/${encodeURIComponent(roomId)}/report`, { reason: "all of it" });
    const [report] = (await done("GET", `${QUEUE}?kind=room`)).reports;
    expect(report).toMatchObject({ kind: "room", room_id: roomId, room_name: "Market" });
    expect(await whole(report.id)).toMatchObject({ reason: "all of it", decisions: [] });
    const users = (
      await done("GET", `${QUEUE}?kind=user&about=${encodeURIComponent("@spam:b.test")}`)
    ).reports;
    expect(users).toMatchObject([{ about: "@spam:b.test", state: "open" }]);
    expect((await ask("GET", `${QUEUE}/999999`)).status).toBe(404);
  });

  test("notes a dismissal with who, when and why, and shows it among the decided", async () => {
    const id = await reported(await say(alice, roomId, "fine"));
    const { decision_id } = await decide(id, { decision: "dismiss", reason: "harmless" });
    const report = await whole(id);
    expect(report).toMatchObject({ state: "decided", decisions: [{ id: decision_id }] });
    expect(report.decisions).toMatchObject([
      { decision: "dismiss", by: admin.userId, reason: "harmless", state: "done" },
    ]);
    expect(Math.abs(report.decisions[0].decided_ts - Date.now())).toBeLessThan(600_000);
    const ids = async (state: string) =>
      (await done("GET", `${QUEUE}?state=${state}`)).reports.map((one: Body) => one.id);
    expect(await ids("open")).not.toContain(id);
    expect(await ids("decided")).toContain(id);
  });

  test("removes a message in its sender's name, and settles the others with it", async () => {
    const eventId = await say(alice, roomId, "to go");
    const [one, two] = [await reported(eventId), await reported(eventId, alice)];
    await decide(one, { decision: "remove_message", reason: "rules", settle_others: true });
    expect(await contentOf(eventId)).toEqual({});
    for (const id of [one, two]) {
      expect(await whole(id)).toMatchObject({
        ...{ state: "decided", other_reports: [] },
        decisions: [{ decision: "remove_message", by: admin.userId, state: "done" }],
      });
    }
    // What was said is kept no longer than needed.
    expect((await whole(one)).event.content).toEqual({});
  });

  test("warns by a notice", async () => {
    const id = await reported(await say(alice, roomId, "hm"));
    await decide(id, { decision: "warn", message: "Please be kind" });
    const invited = await alice.syncUntil(undefined, (body) => body.rooms?.invite !== undefined);
    const [notices] = Object.keys(invited.rooms.invite);
    const { chunk } = await done("GET", at(notices!, "/messages?dir=b"));
    expect(chunk[0].content.body).toBe("Please be kind");
    expect((await whole(id)).decisions).toMatchObject([
      { decision: "warn", user_id: alice.userId },
    ]);
  });

  test("removes from the room, and bans through who has the power there", async () => {
    const eventId = await say(bob, roomId, "out");
    const id = await reported(eventId, alice);
    await decide(id, { decision: "remove_from_room", ban: true, reason: "again" });
    const state = await done("GET", at(roomId, "/state?type=m.room.member"));
    const member = state.state.find((one: Body) => one.state_key === bob.userId);
    expect(member).toMatchObject({
      ...{ sender: alice.userId, content: { membership: "ban", reason: "again" } },
    });
    await alice.call("POST", `/rooms/${encodeURIComponent(roomId)}/unban`, { user_id: bob.userId });
    await join(bob, roomId);
  });

  test("suspends, and notes what could not be done: the report stays open", async () => {
    const id = await reported(await say(bob, roomId, "spam"), alice);
    await decide(id, { decision: "suspend" });
    const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/x`;
    expect(await bob.ask("PUT", path, { msgtype: "m.text", body: "?" })).toMatchObject({
      ...{ status: 403, body: { errcode: "M_USER_SUSPENDED" } },
    });
    const { sql } = server.database;
    await sql`UPDATE accounts SET suspended_ts = NULL`;
    const sign = await set(alice, roomId, "m.room.topic", { topic: "hm" });
    const again = await reported(sign, bob);
    await sql`UPDATE accounts SET is_admin = true WHERE user_id = ${alice.userId}`;
    const answer = await ask("POST", `${QUEUE}/${again}/decisions`, {
      body: { decision: "suspend" },
    });
    await sql`UPDATE accounts SET is_admin = false WHERE user_id = ${alice.userId}`;
    expect(answer).toMatchObject({ status: 403, body: { errcode: "M_FORBIDDEN" } });
    expect(await whole(again)).toMatchObject({
      ...{
        state: "open",
        decisions: [{ state: "failed", error: "That is another administrator" }],
      },
    });
  });

  test("refuses what a report does not allow", async () => {
    const [ofRoom] = (await done("GET", `${QUEUE}?kind=room`)).reports;
    const [ofUser] = (await done("GET", `${QUEUE}?kind=user`)).reports;
    const refusals = [
      [ofRoom.id, { decision: "remove_message" }, 400, "M_INVALID_PARAM"],
      [ofRoom.id, { decision: "suspend" }, 400, "M_MISSING_PARAM"],
      [ofUser.id, { decision: "suspend" }, 400, "M_INVALID_PARAM"],
      [ofUser.id, { decision: "remove_from_room" }, 400, "M_INVALID_PARAM"],
      [ofUser.id, { decision: "shout" }, 400, "M_BAD_JSON"],
      [ofUser.id, { decision: "dismiss", reason: "a\0b" }, 400, "M_BAD_JSON"],
      [999_999, { decision: "dismiss" }, 404, "M_NOT_FOUND"],
    ] as const;
    for (const [id, body, status, errcode] of refusals) {
      const answer = await ask("POST", `${QUEUE}/${id}/decisions`, { body });
      expect(answer, JSON.stringify(body)).toMatchObject({ status, body: { errcode } });
    }
    expect((await whole(ofRoom.id)).decisions).toEqual([]);
  });
});
