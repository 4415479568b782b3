/** Pages of a room's past through a filter: as full as one request may make them, and nothing lost or doubled between them. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../../support/server.ts";
import { type Body, register, type TestUser } from "../../support/user.ts";

let server: TestServer;
let alice: TestUser;
let room: string;
/** The events of the one who is looked for, oldest first. */
const wanted: string[] = [];
let sender: string;

/** More than one page through a filter holds. */
const OTHERS = 130;

beforeAll(async () => {
  server = await startServer();
  alice = await register(server, "alice");
  const bob = await register(server, "bob");
  sender = bob.userId;
  const { room_id: roomId } = await alice.call("POST", "/createRoom", { preset: "public_chat" });
  room = `/rooms/${encodeURIComponent(roomId)}`;
  await bob.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
  const talk = async (count: number): Promise<void> => {
    for (let at = 0; at < count; at += 1) await alice.send(roomId, `of others ${at}`);
  };
  for (let at = 0; at < 5; at += 1) wanted.push(await bob.send(roomId, `early ${at}`));
  await talk(OTHERS);
  for (let at = 0; at < 3; at += 1) wanted.push(await bob.send(roomId, `late ${at}`));
  await talk(10);
});
afterAll(() => server.close());

/** One page with the events of the one who is looked for. */
function page(dir: "b" | "f", limit: number, from?: string): Promise<Body> {
  const filter = { senders: [sender], types: ["m.room.message"] };
  const query = new URLSearchParams({ dir, limit: String(limit), filter: JSON.stringify(filter) });
  if (from !== undefined) query.set("from", from);
  return alice.call("GET", `${room}/messages?${query.toString()}`);
}

const idsOf = ({ chunk }: Body): string[] => chunk.map((event: Body) => event.event_id);

test.each(["b", "f"] as const)("one answer has all that match (%s)", async (dir) => {
  const ids = idsOf(await page(dir, 20));
  expect(dir === "b" ? ids.toReversed() : ids).toEqual(wanted);
});

test.each(["b", "f"] as const)(
  "pages hold what was asked for, and follow one another (%s)",
  async (dir) => {
    const pages: string[][] = [];
    let from: string | undefined;
    do {
      const one = await page(dir, 3, from);
      pages.push(idsOf(one));
      from = one.end;
    } while (from !== undefined);
    expect(pages.map(({ length }) => length).slice(0, 3)).toEqual([3, 3, 2]);
    const ids = pages.flat();
    expect(dir === "b" ? ids.toReversed() : ids).toEqual(wanted);
  },
);
