import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { finds, join, redact, room, search } from "./finding.ts";

let server: TestServer;
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  server = await startServer();
  [alice, bob] = [await register(server, "alice"), await register(server, "bob")];
});
afterAll(() => server.close());

const CRITERIA = { order_by: "rank", filter: { limit: 3 } };
const bodiesOf = (page: Body): string[] =>
  page.results.map(({ result }: Body) => result.content.body);

test("none is left out when one of the pages before is redacted meanwhile", async () => {
  const roomId = await room(alice, { preset: "public_chat" });
  await join(bob, roomId);
  const gone = await bob.send(roomId, "plum plum plum plum");
  const numbered = Array.from({ length: 6 }, (_, at) => `plum and number ${at + 1}`);
  for (const text of numbered) await alice.send(roomId, text);
  await finds(alice, "plum number 6", ["plum and number 6"]);
  const first = await search(alice, "plum", CRITERIA);
  const found = bodiesOf(first);
  expect(found[0]).toBe("plum plum plum plum");
  await redact(bob, roomId, gone);
  // Not only out of sight.
  await eventually("it is out of the index", async () => {
    const { sql } = server.database;
    const rows = await sql`
      SELECT 1 FROM searchable_events JOIN events USING (event_nid) WHERE event_id = ${gone}`;
    return rows.length === 0;
  });
  for (let from = first.next_batch; from !== undefined;) {
    const page: Body = await search(alice, "plum", CRITERIA, from);
    found.push(...bodiesOf(page));
    from = page.next_batch;
  }
  expect(found).toHaveLength(7);
  expect(new Set(found)).toEqual(new Set(["plum plum plum plum", ...numbered]));
});
