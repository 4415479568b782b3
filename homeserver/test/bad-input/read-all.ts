/** Two servers whose users share a room, and everything that can be read there. */
import { operations, type OperationId } from "@weft/spec/operations";
import { afterAll, beforeAll, expect } from "vitest";
import type { Json } from "../../src/protocol/json.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { HALF, HOSTILE, type Known, placesIn, planted } from "./hostile.ts";
import { askAs } from "../support/signed-requests.ts";

export let one: TestServer;
export let two: TestServer;
export let alice: TestUser;
export let carol: TestUser;
export let bob: TestUser;

beforeAll(async () => {
  [one, two] = await Promise.all([startServer(), startServer()]);
  alice = await register(one, "alice");
  carol = await register(one, "carol");
  bob = await register(two, "bob");
});

afterAll(() => Promise.all([one.close(), two.close()]));

/** What a client or a peer may be answered with: no failure of ours. */
export function expectAnswer(answer: { status: number; body: Body }, what: string): void {
  expect(answer.status, `${what}: ${JSON.stringify(answer.body).slice(0, 300)}`).toBeLessThan(500);
}

/** One who reads is told what is there: nothing is wrong with the request. */
function expectRead(answer: { status: number; body: Body }, what: string): void {
  const text = `${what}: ${JSON.stringify(answer.body).slice(0, 300)}`;
  expect([200, 403, 404], text).toContain(answer.status);
}

/** Members whose values are looked up. */
const IDENTIFIER = /_id$|_ids$|^(redacts|via|replacement_room|alias|rel_type|url|0)$/;

/** The first of the hostile values are texts that would be identifiers, or keys. */
const HOSTILE_TEXTS = 14;

/** A member of what is described, with a hostile value at one of its places. */
export function hostileOf(
  kinds: [string, Json][],
  draw: (below: number) => number,
  values = HOSTILE,
) {
  const [name, whole] = kinds[draw(kinds.length)]!;
  const isId = draw(2) === 0;
  const all = placesIn(whole);
  const ids = all.filter((place) => IDENTIFIER.test(place.at(-1)!));
  const places = isId && ids.length > 0 ? ids : all;
  const place = places.length === 0 ? [] : places[draw(places.length)]!;
  const value = values[draw(isId ? HOSTILE_TEXTS : values.length)]!;
  const content = planted(whole, place, value, draw(4) === 0);
  const object = typeof content === "object" && content !== null && !Array.isArray(content);
  return { name, content: object ? content : {} };
}

/** Operations that read a room, a user or what is this server's, with nothing in them that could be wrong. */
const LEFT_OUT = new Set<string>([
  "getContentAuthed",
  "getContent",
  "getContentThumbnail",
  "getContentThumbnailAuthed",
  "getContentOverrideName",
  "getContentOverrideNameAuthed",
  "getFilter",
  "getPushRule",
  "isPushRuleEnabled",
  "getPushRuleActions",
  "getDevice",
  "sync",
  "getUrlPreview",
  "getUrlPreviewAuthed",
  "getProfileField",
  "checkUsernameAvailability",
  "registrationTokenValidity",
  "getRoomIdByAlias",
  "getAccountData",
  "getAccountDataPerRoom",
]);

// prettier-ignore

const READS = (Object.keys(operations) as OperationId[]).filter(
  (id) =>
    operations[id].api === "client-server" && operations[id].method === "GET" && !LEFT_OUT.has(id),
);

export async function readAll(
  reader: TestUser,
  known: Known,
  good: readonly string[],
): Promise<void> {
  const values: Record<string, string> = {
    roomId: known.roomId, eventId: known.eventId, userId: reader.userId, eventType: "m.room.topic",
    stateKey: "", relType: "m.thread", type: "m.direct", roomIdOrAlias: known.roomId,
  }; // prettier-ignore
  const extra: Record<string, string> = {
    getRoomEvents: "dir=b&limit=200",
    getEventByTimestamp: "ts=0&dir=f",
    getEventContext: "limit=100",
    getKeysChanges: "from=s3_1_0&to=s3_1_0",
    getRoomKeys: "version=1",
    getRoomKeysByRoomId: "version=1",
    getRoomKeyBySessionId: "version=1",
    queryLocationByAlias: `alias=${encodeURIComponent("#x:here.test")}`,
    getMutualRooms: `user_id=${encodeURIComponent("@x:here.test")}`,
    redirectToSSO: `redirectUrl=${encodeURIComponent("https://app.test/")}`,
    redirectToIdP: `redirectUrl=${encodeURIComponent("https://app.test/")}`,
    queryUserByID: `userid=${encodeURIComponent(reader.userId)}`,
  };
  for (const id of READS) {
    const { path } = operations[id];
    if (!path.startsWith("/_matrix/client/v")) continue;
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
      encodeURIComponent(values[name] ?? "x"),
    );
    const url = `${one.baseUrl}${filled}?${extra[id] ?? ""}`;
    const headers = { authorization: `Bearer ${reader.token}` };
    const response = await fetch(url, { headers });
    const text = await response.text();
    expectRead({ status: response.status, body: text }, `${id} ${reader.userId}`);
    expect(text, id).not.toMatch(HALF);
    if (id !== "getRoomEvents") continue;
    for (const eventId of good) expect(text, `${id} lacks a good event`).toContain(eventId);
  }
  for (const query of [
    "",
    "&full_state=true",
    '&filter={"room":{"state":{"lazy_load_members":true}}}',
  ]) {
    const limit = '{"room":{"timeline":{"limit":200}}}';
    const filter = query.includes("filter")
      ? query
      : `&filter=${encodeURIComponent(limit)}${query}`;
    const answer = await reader.ask("GET", `/sync?timeout=0${filter}`);
    for (const text of textsIn(answer.body as Json)) expect(text.isWellFormed(), text).toBe(true);
    expect(answer.status, JSON.stringify(answer.body).slice(0, 300)).toBe(200);
    if (query.includes("filter")) continue;
    const seen = JSON.stringify(answer.body.rooms?.join?.[known.roomId]?.timeline ?? {});
    for (const eventId of good) expect(seen, "sync lacks a good event").toContain(eventId);
  }
}

function textsIn(value: Json | undefined): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [key, ...textsIn(item as Json)]);
}

export async function readAsPeer({ roomId, eventId, userId }: Known): Promise<void> {
  const [room, event] = [encodeURIComponent(roomId), encodeURIComponent(eventId)];
  for (const uri of [
    `state/${room}?event_id=${event}`,
    `state_ids/${room}?event_id=${event}`,
    `backfill/${room}?v=${event}&limit=100`,
    `event/${event}`,
    `event_auth/${room}/${event}`,
    `timestamp_to_event/${room}?ts=0&dir=f`,
    `make_join/${room}/@new:${two.name}?ver=12`,
    `query/profile?user_id=${encodeURIComponent(userId)}`,
    "publicRooms",
  ]) {
    expectRead(await askAs(two, one, "GET", `/_matrix/federation/v1/${uri}`), uri);
  }
}

export async function sharedRoom(): Promise<string> {
  const { room_id: roomId } = await alice.call("POST", "/createRoom", {
    preset: "public_chat",
    visibility: "public",
    power_level_content_override: {
      users: { [alice.userId]: undefined, [bob.userId]: 100 },
      events_default: 0,
    },
  });
  await carol.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
  await bob.call("POST", `/join/${encodeURIComponent(roomId)}?via=${one.name}`, {});
  return roomId;
}
