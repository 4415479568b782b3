/** An answer of sliding sync that would be too large leaves rooms to the next one. */
import { expect, test } from "vitest";
import { newConnection, type SentRoom } from "../../../src/sync/sliding/connection-state.ts";
import { createSlidingCompute } from "../../../src/sync/sliding/compute.ts";
import { JsonText } from "../../../src/sync/sections/json-text.ts";

const ROOMS = 900;
/** Of these the client has an older state. */
const SENT = 100;
const SENT_ROOM: SentRoom = { behind: 0, limit: 1, required: "[]", isDm: false };

test("rooms that do not fit are told later, those that were sent before from where they were", async () => {
  const nids = Array.from({ length: ROOMS }, (_, at) => at + 1);
  const wantedRoom = (roomNid: number) => ({
    userRoom: { roomNid, roomId: `!${roomNid}`, membership: "join", completeSince: 0 },
    ...{ config: { limit: 1, required: { parts: [], key: "[]" } }, lists: ["all"] },
    ...{ isSubscribed: false, lastAt: 50 },
  });
  const fromWhere = new Map<number, number | undefined>();
  // Rooms are what takes megabytes: they are made up, and nothing else of the computation is.
  const compute = createSlidingCompute({
    view: { rooms: async () => new Map(nids.map((nid) => [nid, { nid, roomId: `!${nid}` }])) },
    activity: { lastOf: () => 50 },
    windows: {
      of: () => ({
        ...{ counts: new Map(), isAll: true },
        wanted: new Map(nids.map((nid) => [nid, wantedRoom(nid)])),
      }),
    },
    async roomNews(
      _scope: unknown,
      { userRoom, told }: { userRoom: { roomNid: number }; told: number },
    ) {
      fromWhere.set(userRoom.roomNid, told);
      return { text: JSON.stringify("x".repeat(64 * 1024)), sent: SENT_ROOM };
    },
    async extensions({ state }: { state: object }) {
      return { body: new JsonText(), empty: true, state, messages: { waitingAfter: undefined } };
    },
    bumps: async () => new Map(),
  } as never);
  const ask = (state: ReturnType<typeof newConnection>, position: number) =>
    compute({
      scope: {
        since: { position },
        upTo: { position: 60 },
        user: { rooms: new Map(nids.map((nid) => [nid, wantedRoom(nid).userRoom])) },
      },
      grounds: { labels: { direct: new Set() } },
      ...{ state, ownReceiptAt: () => 0, body: { extensions: { "weft.sync": { enabled: true } } } },
    } as never);
  const syncPosition = ({ body }: { body: JsonText }) =>
    /"weft\.sync":(\{[^}]*\})/.exec(body.toString().slice(-200))?.[1];
  // The last ones in the order are those that the client has.
  const sent = new Map(nids.slice(-SENT).map((nid) => [nid, SENT_ROOM]));
  const first = await ask({ ...newConnection(1), rooms: sent }, 40);
  const told = [...fromWhere.keys()];
  expect(first.empty).toBe(false);
  // /sync cannot go on from what was not told.
  expect(syncPosition(first)).toBe("{}");
  expect(first.body.toString().length).toBeLessThan(40 * 1024 * 1024);
  expect(told.length).toBeLessThan(ROOMS - SENT);
  expect(told).toEqual(nids.slice(0, told.length));
  expect([...first.state.rooms.keys()].sort((a, b) => a - b)).toEqual([...told, ...sent.keys()]);
  for (const nid of sent.keys()) expect(first.state.rooms.get(nid)?.behind).toBe(40);
  fromWhere.clear();
  let last = first;
  for (let turn = 0; turn < 5 && fromWhere.size < ROOMS - told.length; turn += 1) {
    last = await ask(last.state, 60);
  }
  expect(syncPosition(last)).toBe('{"next_batch":"s3_60_0"}');
  expect([...fromWhere.keys()].sort((a, b) => a - b)).toEqual(nids.slice(told.length));
  for (const nid of sent.keys()) expect(fromWhere.get(nid)).toBe(40);
});
